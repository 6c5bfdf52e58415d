# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.filter.drift import FilterModule, drift


@pytest.mark.parametrize("actions", [{}, {"update": []}])
def test_no_drift_is_no_message(actions: dict[str, list[str]]) -> None:
    assert drift({"actions": actions}) == ""


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({"create": ["Service a/b"]}, "1 object is missing or was edited: Service a/b."),
        (
            {"create": ["Service a/b"], "update": ["Deployment a/c"]},
            "2 objects are missing or were edited: Service a/b, Deployment a/c.",
        ),
        (
            {"adopt": ["Service a/b"]},
            "1 object is missing or was edited, or is not taken over from kubectl yet: Service a/b.",
        ),
        (
            {"adopt": ["Service a/b"], "create": ["Secret a/c"]},
            "2 objects are missing or were edited, or are not taken over from kubectl yet: Service a/b, Secret a/c.",
        ),
        ({"create": list("abcde")}, "5 objects are missing or were edited: a, b, c, d, e."),
        ({"create": list("abc"), "update": list("def")}, "6 objects are missing or were edited: a, b, c, d, e, ...."),
    ],
)
def test_the_message_counts_the_objects_and_names_the_first(actions: dict[str, list[str]], message: str) -> None:
    assert drift({"actions": actions}) == f"{message}\nNext: run the install playbook"


def test_other_options_than_those_of_the_last_install_are_told_first() -> None:
    changed = ["conductor_replicas is 2 in the install record and not given here"]
    said = drift({"actions": {"update": ["Deployment a/c"]}, "options_changed": changed})
    first, _line, next_step = said.partition("\nNext: ")
    assert first == (
        f"this cluster was installed with other options:\n  {changed[0]}\n1 object is missing or was edited: "
        "Deployment a/c."
    )
    assert next_step.startswith("give the options of the last install, or set `conductor_options: recorded`, ")
    # Options that change no object are no drift.
    assert drift({"actions": {}, "options_changed": changed}) == ""


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"drift": drift}
