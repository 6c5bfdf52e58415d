# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables about Helm's values in docs/options.md agree with what the variables do."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CONTROLLERS
from tests.support.playing import CLONE
from tests.unit.plugins.helpers.leaves import CHARTS, Later, Rejected, Row, Settable

PAGE = (CLONE / "docs" / "options.md").read_text(encoding="utf-8")
TITLES = {"trainer": "### The chart kubeflow-trainer", "jobset": "### The chart jobset"}


def variable(row: Row) -> str:
    """What sets a value, or why nothing does."""
    if isinstance(row, Rejected):
        return f"no: {row.reason}"
    if isinstance(row, Later):
        return f"not yet: {row.what}"
    names = [
        f"{name}.{option}" if name in CONTROLLERS.values() else name
        for name, value in row.variables.items()
        for option in (value if name in CONTROLLERS.values() else [""])
    ]
    return ", ".join(f"`conductor_{name}`" for name in names)


def shortened(leaves: list[str]) -> str:
    """Values of one section as one."""
    found = []
    for section, group in groupby(leaves, lambda leaf: leaf.rpartition(".")[0]):
        names = [leaf.removeprefix(f"{section}.") for leaf in group]
        if section and len(names) > 1:
            names = [f"{{{', '.join(names)}}}"]
        found += [f"`{section}.{name}`" if section else f"`{name}`" for name in names]
    return ", ".join(found)


def table(rows: dict[str, Row]) -> list[str]:
    """The lines about one chart, those with a variable first."""
    by_variable: dict[str, list[str]] = {}
    for leaf, row in sorted(rows.items(), key=lambda one: (Settable, Rejected, Later).index(type(one[1]))):
        by_variable.setdefault(variable(row), []).append(leaf)
    return [f"| {shortened(leaves)} | {words} |" for words, leaves in by_variable.items()]


@pytest.mark.parametrize("component", CHARTS)
def test_the_page_says_what_sets_each_value(component: str) -> None:
    _before, _title, section = PAGE.partition(f"{TITLES[component]}\n")
    found = [line for line in section.partition("\n#")[0].splitlines() if line.startswith("| `")]
    assert found == table(CHARTS[component])


def test_the_page_counts_the_values() -> None:
    kinds = Counter(type(row) for rows in CHARTS.values() for row in rows.values())
    text = " ".join(PAGE.split())
    assert f"{kinds[Settable]} of the {kinds.total()} values" in text
    assert f"{kinds[Rejected]} have no variable for a reason" in text
    assert f"{kinds[Later]} belong to parts that Conductor does not install" in text
