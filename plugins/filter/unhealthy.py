# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(unhealthy) filter: report why an installation is not healthy."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unhealthy
short_description: Report why an installation is not healthy
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the result of the filter P(conductor.trainer.status#filter) and returns an error message unless the
    installation is healthy. An unknown health is not healthy.
options:
  _input:
    description: The status.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Fail if the installation is not healthy
  ansible.builtin.assert:
    that: info | conductor.trainer.status | conductor.trainer.unhealthy == ''
    fail_msg: "{{ info | conductor.trainer.status | conductor.trainer.unhealthy }}"
"""

RETURN = r"""
_value:
  description: The message, with all reasons; empty if the installation is healthy.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.text import bounded, escaped, indented, sentence


def unhealthy(status: Mapping[str, Any]) -> str:
    """Return the message for a status, empty if it is healthy."""
    health = status["health"]
    if health == "healthy":
        return ""
    state = "health of the installation is unknown" if health == "unknown" else f"installation is {health}"
    reasons = sentence(indented(bounded(escaped("; ".join(map(str, status["reasons"]))))))
    return f"the {state}: {reasons}\nNext: run the install playbook, or follow the reasons"


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"unhealthy": unhealthy}
