# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the attributes that all modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes. Each module states its own support of check_mode, diff_mode and idempotent."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and report what it would change, without changing it.
  diff_mode:
    description: Shows in diff mode what changes.
  idempotent:
    description: Changes nothing if it runs a second time.
  action_group:
    description: Use C(group/conductor.trainer.k8s) in C(module_defaults) to set connection options once.
    support: full
    membership:
      - conductor.trainer.k8s
  action:
    description: Has an action plugin of the same name that processes some options on the control node.
    details:
      - With a local connection, the work is done in a process forked from Ansible instead of a module, unless the task
        has C(become), C(async), an C(environment) other than C(K8S_AUTH_*) or another Python. The variable
        C(ansible_conductor_in_process) set to V(false) forces the module to run, for debugging; both ways return the
        same result.
    support: full
"""
