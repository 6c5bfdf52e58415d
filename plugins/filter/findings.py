# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(findings) filter: show the blockers and warnings of an inspection."""

from __future__ import annotations

DOCUMENTATION = r"""
name: findings
short_description: Show the blockers and warnings of an inspection
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered result of M(conductor.trainer.trainer_operator_info) and returns a line for each blocker and
    each warning, with the code, the object, the cause and what to do next.
options:
  _input:
    description:
      - The registered result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the findings
  ansible.builtin.debug:
    msg: "{{ info | conductor.trainer.findings }}"
"""

RETURN = r"""
_value:
  description: The text, with blockers before warnings.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.text import MESSAGE, NAME, one_line, sentence


def findings(info: Mapping[str, Any]) -> str:
    """Return the text for the result of an inspection."""
    blockers, warnings = info["blockers"], info["warnings_found"]
    server = one_line(info["cluster"]["server"], NAME)
    lines = [
        f"Trainer {info['wanted']['release']} on {server}: "
        f"{_count(len(blockers), 'blocker')}, {_count(len(warnings), 'warning')}",
        *(_line("blocker", finding) for finding in blockers),
        *(_line("warning", finding) for finding in warnings),
    ]
    return "\n".join(one_line(line, MESSAGE) for line in lines)


def _line(kind: str, finding: Mapping[str, str]) -> str:
    cause, next_step = sentence(one_line(finding["cause"])), one_line(finding["next_step"])
    return f"  {kind} {finding['code']}, {one_line(finding['object'], NAME)}: {cause} Next: {next_step}"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"findings": findings}
