# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what all modules of this collection can and cannot do."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes; a module states its own check_mode, diff_mode and idempotent."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and say what it would change, without changing it.
  diff_mode:
    description: Says in diff mode what changes.
  idempotent:
    description: Run a second time in a row, it changes nothing.
  action_group:
    description: Use C(group/conductor.trainer.k8s) in C(module_defaults) to set connection options once.
    support: full
    membership:
      - conductor.trainer.k8s
  action:
    description: Has an action plugin of the same name, so that some options are understood on the control node.
    details:
      - With a local connection there need be no module. What it does is done in a process forked from Ansible, unless
        the task has C(become), C(async), another C(environment) than C(K8S_AUTH_*) or another Python. Set the variable
        C(ansible_conductor_in_process) to V(false) to have a module all the same.
    support: full
"""
