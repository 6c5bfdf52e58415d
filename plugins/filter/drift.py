# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(drift) filter: report what differs from the release."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drift
short_description: Report what differs from the release
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered result of M(conductor.trainer.trainer_operator) in check mode and returns an error message if
    the module would change objects. If the cluster was installed with other options, the message says this first.
options:
  _input:
    description: The registered result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Compare with the release
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
  check_mode: true
  register: comparison

- name: Fail on drift
  ansible.builtin.assert:
    that: comparison | conductor.trainer.drift == ''
    fail_msg: "{{ comparison | conductor.trainer.drift }}"
"""

RETURN = r"""
_value:
  description: The message, which names at most 5 objects; empty if nothing differs.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.options.record import other_options_listed
from ansible_collections.conductor.trainer.plugins.module_utils.text import MESSAGE, NAME, one_line

# The message names so many objects; the result of the module has all of them.
_SHOWN = 5


def drift(result: Mapping[str, Any]) -> str:
    """Return the message for the result of a comparison, empty if nothing differs."""
    actions = result["actions"]
    names = [name for objects in actions.values() for name in objects]
    if not names:
        return ""
    one = len(names) == 1
    count = "1 object is missing or was edited" if one else f"{len(names)} objects are missing or were edited"
    kubectl = f", or {'is' if one else 'are'} not taken over from kubectl yet" if "adopt" in actions else ""
    more = ", ..." if len(names) > _SHOWN else ""
    shown = ", ".join(one_line(name, NAME) for name in names[:_SHOWN])
    found = f"{count}{kubectl}: {shown}{more}."
    if not result.get("options_changed"):
        return f"{found}\nNext: run the install playbook"
    lines, next_step = other_options_listed(result["options_changed"])
    return "\n".join([*(one_line(line, MESSAGE) for line in lines), found, f"Next: {next_step}"])


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"drift": drift}
