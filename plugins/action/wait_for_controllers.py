# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provide the module of the same name with bundle and kubeconfig, or perform its operation without it."""

from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.modules.wait_for_controllers import OPERATION
from ansible_collections.conductor.trainer.plugins.plugin_utils.module_action import ModuleAction


class ActionModule(ModuleAction):
    """See ModuleAction."""

    operation = OPERATION
