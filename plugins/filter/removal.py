# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(removal) filter: show what a removal deleted and retained."""

from __future__ import annotations

DOCUMENTATION = r"""
name: removal
short_description: Show what a removal deleted and retained
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered result of M(conductor.trainer.trainer_operator) with C(state=absent), and returns the number of
    deleted objects by kind, and the retained objects with the reason.
options:
  _input:
    description:
      - The registered result.
    type: dict
    required: true
  check_mode:
    description:
      - Whether the module ran in check mode. The text then uses the future.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what was deleted and what was retained
  ansible.builtin.debug:
    msg: "{{ removed | conductor.trainer.removal }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.text import one_line


def removal(result: Mapping[str, Any], check_mode: bool = False) -> str:
    """Return the text for the result of a removal."""
    where = f"{result['namespace']}, Kubernetes {result['kubernetes']}"
    lines = [f"Trainer {result['release']} in {where}", f"Cluster {result['cluster_uid']}"]
    if not result["existed"]:
        lines.append("No objects of Conductor found")
    counts = sorted(result["counts"].items())
    if counts:
        lines += ["To delete" if check_mode else "Deleted", *(f"  {kind:<32}{number:>3}" for kind, number in counts)]
    elif result["existed"]:
        lines.append("Nothing to delete")
    if result["finalizers_removed"]:
        verb = "Finalizer to remove" if check_mode else "Finalizer removed"
        lines.append(f"{verb}, because no controller is left to do it: {', '.join(result['finalizers_removed'])}")
    if result["retained"]:
        lines += ["Retained", *(f"  {line}" for line in result["retained"])]
    return "\n".join([*map(one_line, lines), f"Took {result['elapsed']:.1f} s"])


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"removal": removal}
