# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs with options given as keywords."""

from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.install import present
from ansible_collections.conductor.trainer.plugins.module_utils.install.options import InstallOptions
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle


def ensure_present(cluster: Cluster, bundle: Bundle, **options: Any) -> dict[str, Any]:
    """Call C(present.ensure_present) with these C(InstallOptions)."""
    return present.ensure_present(cluster, bundle, InstallOptions(**options))
