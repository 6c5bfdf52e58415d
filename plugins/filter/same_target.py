# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(same_target) filter: report inventory hosts that name the same cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
name: same_target
short_description: Report inventory hosts that name the same cluster
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Compares the targets that the role recorded for the hosts of a play, and returns an error message if another host
    has the target of this host.
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
  host:
    description: This host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Reject a cluster that two hosts name
  ansible.builtin.assert:
    that: hostvars | conductor.trainer.same_target(ansible_play_hosts_all, inventory_hostname) == ''
    fail_msg: "{{ hostvars | conductor.trainer.same_target(ansible_play_hosts_all, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The message, with the names of the hosts; empty if no other host has the target of this host.
  type: str
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

# The fact that the role sets; see check_target.yml.
_FACT = "__conductor_target"


def same_target(variables: Mapping[str, Mapping[str, Any]], hosts: Iterable[str], host: str) -> str:
    """Return the message for a host, empty if no other host has its target."""
    target = variables[host][_FACT]
    # A host without the fact has failed before, or its batch has not started.
    same = [name for name in hosts if _FACT in variables[name] and variables[name][_FACT] == target]
    if len(same) < 2:
        return ""
    return (
        f"{' and '.join(same)} mean the same cluster. One inventory host is one cluster.\n"
        "Next: set conductor_context (or conductor_kubeconfig, conductor_host) for each of them in the inventory, "
        "not as an extra variable"
    )


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"same_target": same_target}
