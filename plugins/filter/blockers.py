# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(blockers) filter: report what would stop an install."""

from __future__ import annotations

DOCUMENTATION = r"""
name: blockers
short_description: Report what would stop an install
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered result of M(conductor.trainer.trainer_operator_info) and returns an error message if there are
    blockers.
  - The filter P(conductor.trainer.findings#filter) describes each of them.
options:
  _input:
    description: The registered result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Fail if there are blockers
  ansible.builtin.assert:
    that: info | conductor.trainer.blockers == ''
    fail_msg: "{{ info | conductor.trainer.blockers }}"
"""

RETURN = r"""
_value:
  description: The message, with the code of each blocker and what to do next; empty if there are none.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.text import MESSAGE, one_line, sentence


def blockers(info: Mapping[str, Any]) -> str:
    """Return the message for the result of an inspection, empty if there are no blockers."""
    found = info["blockers"]
    if not found:
        return ""
    # Several objects may have the same blocker.
    codes, steps = (dict.fromkeys(blocker[key] for blocker in found) for key in ("code", "next_step"))
    return f"an install would fail: {sentence(one_line(', '.join(codes)))}\nNext: {one_line('; '.join(steps), MESSAGE)}"


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"blockers": blockers}
