# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(unknown_variables) lookup: an argument spec says what a variable must hold, not that a name is misspelled."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: Find misspelled variables of the role
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Looks through the variables a host has, whether from inventory, play, facts or the command line, for names that
    begin with C(conductor_) and that neither the role nor its playbooks know.
  - The known names are those of the role's argument specs, of every entry point, and C(conductor_targets) of the
    playbooks. C(conductor_report), which a run leaves behind, is no mistake either.
  - The role refuses such variables before it does anything else. A variable of your own is left alone when its name
    begins otherwise.
options:
  _terms:
    description: None are needed.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Stop at misspelled variables
  ansible.builtin.assert:
    that: query('conductor.trainer.unknown_variables') == []
    fail_msg: "{{ query('conductor.trainer.unknown_variables') | join('; ') }}"
"""

RETURN = r"""
_raw:
  description: One sentence for each unknown variable, in the order of their names; with the likeliest name meant.
  type: list
  elements: str
  sample: ["unknown variable conductor_contxt; did you mean conductor_context?"]
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.lookup import LookupBase

_SPECS = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "conductor", "meta", "argument_specs.yml")
# The hosts of our playbooks, and what a run leaves behind: AWX hands it to the next job as a variable.
_OTHERS = frozenset({"conductor_targets", "conductor_report"})
_PREFIX = "conductor_"


def known_variables() -> frozenset[str]:
    """The variables of every entry point of the role, and those beside it."""
    with open(os.path.normpath(_SPECS), encoding="utf-8") as file:
        specs = yaml_load(file)["argument_specs"]
    return _OTHERS.union(*(entry_point["options"] for entry_point in specs.values()))


def unknown_variables(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """A sentence for each of the names that should be among the known ones and is not. Pure."""
    # Compared without the prefix, which would make everything alike.
    candidates = {name.removeprefix(_PREFIX): name for name in sorted(known)}
    sentences = []
    for name in sorted(set(names).difference(candidates.values())):
        if name.casefold().startswith(_PREFIX):
            rest = name.casefold().removeprefix(_PREFIX)
            likely = [candidates[match] for match in difflib.get_close_matches(rest, candidates, n=1)]
            sentences.append(f"unknown variable {name}" + "".join(f"; did you mean {match}?" for match in likely))
    return sentences


class LookupModule(LookupBase):
    """What Ansible loads."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """See LookupBase.run."""
        return unknown_variables(variables or {}, known_variables())
