# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(unknown_variables) lookup: find misspelled variables, which an argument spec ignores."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: Find misspelled variables of the role
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Searches the variables of a host, from inventory, play, facts and command line, for names that begin with
    C(conductor_) and that neither the role nor its playbooks use.
  - Known names are those of the role's argument specs, of every entry point, C(conductor_targets) of the playbooks, and
    C(conductor_report), which a run sets.
  - The role rejects unknown names before it does anything else. Names that begin with C(conductor_x_) are your own, and
    never rejected.
options:
  _terms:
    description: Not used.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Fail if a variable is misspelled
  ansible.builtin.assert:
    that: query('conductor.trainer.unknown_variables') == []
    fail_msg: "{{ query('conductor.trainer.unknown_variables') | join('; ') }}"
"""

RETURN = r"""
_raw:
  description:
    - One sentence for each unknown variable, sorted by name. For a name that other tools use, it says what to set
      instead; for any other name, it suggests the variable of this collection with nearly the same name, if there is
      one.
  type: list
  elements: str
  sample:
    - unknown variable conductor_contxt; did you mean conductor_context?
    - unknown variable conductor_version; use conductor_release
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.lookup import LookupBase

from ansible_collections.conductor.trainer.plugins.plugin_utils.other_names import ANSWERS, RENAMED

_SPECS = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "conductor", "meta", "argument_specs.yml")
# Read by the playbooks, and set by a run: AWX passes it to the next job of a workflow as a variable.
_OTHERS = frozenset({"conductor_targets", "conductor_report"})
_PREFIX = "conductor_"
_OF_THE_USER = "conductor_x_"
# From 0 to 1. Names that are less similar share letters by chance.
_ALIKE = 0.75


def known_variables() -> frozenset[str]:
    """Return the variables of all entry points of the role and of the playbooks."""
    with open(os.path.normpath(_SPECS), encoding="utf-8") as file:
        specs = yaml_load(file)["argument_specs"]
    return _OTHERS.union(*(entry_point["options"] for entry_point in specs.values()))


def unknown_variables(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a sentence for each name with the prefix that is not known. Pure."""
    # Compared without the prefix, which would make all names similar.
    candidates = {name.removeprefix(_PREFIX): name for name in sorted(known)}
    return [
        f"unknown variable {name}{_advice(name.casefold().removeprefix(_PREFIX), candidates)}"
        for name in sorted(set(names).difference(candidates.values()))
        if name.casefold().startswith(_PREFIX) and not name.startswith(_OF_THE_USER)
    ]


def _advice(rest: str, candidates: Mapping[str, str]) -> str:
    if rest in candidates:
        return f"; did you mean {candidates[rest]}?"
    if rest in ANSWERS:
        return f": {ANSWERS[rest]}"
    if rest in RENAMED:
        return f"; use {RENAMED[rest]}"
    likely = difflib.get_close_matches(rest, candidates, n=1, cutoff=_ALIKE)
    return "".join(f"; did you mean {candidates[match]}?" for match in likely)


class LookupModule(LookupBase):
    """The class that Ansible loads."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """See LookupBase.run."""
        return unknown_variables(variables or {}, known_variables())
