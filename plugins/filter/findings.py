# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(findings) filter: what speaks against an install, one line each."""

from __future__ import annotations

DOCUMENTATION = r"""
name: findings
short_description: Turn what an inspection found into lines to read
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the result of M(conductor.trainer.trainer_operator_info) and says of each blocker and each warning what it is
    about, what is wrong, and what to do.
options:
  _input:
    description:
      - The registered result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what was found
  ansible.builtin.debug:
    msg: "{{ info | conductor.trainer.findings }}"
"""

RETURN = r"""
_value:
  description: The text, in lines; blockers first.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any


def findings(info: Mapping[str, Any]) -> str:
    """The text for the result of an inspection."""
    blockers, warnings = info["blockers"], info["warnings_found"]
    return "\n".join(
        [
            f"{_count(len(blockers), 'blocker')} and {_count(len(warnings), 'warning')} before Trainer "
            f"{info['wanted']['release']} on {info['cluster']['server']}",
            *(_line("blocker", finding) for finding in blockers),
            *(_line("warning", finding) for finding in warnings),
        ]
    )


def _line(kind: str, finding: Mapping[str, str]) -> str:
    return f"  {kind} {finding['code']}, {finding['object']}: {finding['cause']}. To do: {finding['next_step']}"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"findings": findings}
