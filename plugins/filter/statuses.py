# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(statuses) filter: merge the statuses of the hosts that share a status file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: statuses
short_description: Merge the statuses of the hosts that share a status file
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Merges the statuses that the role recorded for the hosts of a play, of those hosts that use the same status file.
options:
  _input:
    description: The variables of all hosts, by host.
    type: dict
    required: true
  hosts:
    description: The hosts of the play.
    type: list
    elements: str
    required: true
  path:
    description: Path of the status file.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the statuses for a file
  ansible.builtin.debug:
    msg: "{{ hostvars | conductor.trainer.statuses(ansible_play_hosts_all, 'status.json') }}"
"""

RETURN = r"""
_value:
  description: The statuses by host, in the order of the play. Hosts without a recorded status are left out.
  type: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

# The facts that the role sets; see write_status_file.yml.
_PATH = "__conductor_status_path"
_STATUS = "__conductor_status"


def statuses(variables: Mapping[str, Mapping[str, Any]], hosts: Iterable[str], path: str) -> dict[str, Any]:
    """Return the statuses by host, of the hosts that write to this path."""
    return {
        name: variables[name][_STATUS] for name in hosts if _PATH in variables[name] and variables[name][_PATH] == path
    }


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"statuses": statuses}
