# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(removal) filter: what a removal took and what it left, as lines a person can read."""

from __future__ import annotations

DOCUMENTATION = r"""
name: removal
short_description: Turn the result of a removal into a text to read
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered result of M(conductor.trainer.trainer_operator) with C(state=absent), and says in short lines
    how many objects went, and what stays and why.
options:
  _input:
    description:
      - The registered result.
    type: dict
    required: true
  check_mode:
    description:
      - Whether the run was one in check mode. What would go is then told as pending.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Say what went and what stays
  ansible.builtin.debug:
    msg: "{{ removed | conductor.trainer.removal }}"
"""

RETURN = r"""
_value:
  description: The text, in lines.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any


def removal(result: Mapping[str, Any], check_mode: bool = False) -> str:
    """The text for the result of a removal."""
    where = f"{result['namespace']}, Kubernetes {result['kubernetes']}"
    lines = [f"Trainer {result['release']} in {where}", f"Cluster {result['cluster_uid']}"]
    if not result["existed"]:
        lines.append("Nothing of Conductor's is there")
    counts = sorted(result["counts"].items())
    if counts:
        lines += ["To delete" if check_mode else "Deleted", *(f"  {kind:<32}{number:>3}" for kind, number in counts)]
    elif result["existed"]:
        lines.append("Nothing to delete")
    if result["finalizers_removed"]:
        verb = "To be let go" if check_mode else "Let go"
        lines.append(f"{verb}, because no controller does it: {', '.join(result['finalizers_removed'])}")
    if result["retained"]:
        lines += ["Stays", *(f"  {line}" for line in result["retained"])]
    return "\n".join([*lines, f"Took {result['elapsed']:.1f} s"])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"removal": removal}
