# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from conductor_mutation.scores import Change, Fate, by_file, score
from conductor_mutation.targets import Equivalent, Target, TargetError


def target(*equivalent: Equivalent) -> Target:
    return Target("x", 90, ("_a.py", "_b.py"), ("test_a.py",), (), equivalent)


def change(number: int, file: str = "_a.py") -> Change:
    return Change(file, number, f"before {number}", f"after {number}")


KILLED: list[tuple[Change, Fate]] = [(change(number), "killed") for number in range(8)]
LEFT: tuple[Change, Fate] = (change(8), "survived")
LATE: tuple[Change, Fate] = (change(9), "timeout")
ALIKE = Equivalent("_a.py", "before 8", "after 8", "it is the same")


def test_the_score_is_the_part_that_was_noticed() -> None:
    found = score(target(), [LEFT, *KILLED, LATE])
    assert (found.mutants, found.killed, found.timeouts, found.survivors) == (10, 9, 1, (change(8),))
    assert found.percent == 90
    assert found.sentence() == "90.0 % of 10 mutants: 9 killed, 1 survived, 1 of the killed by timeout"
    assert score(target(), KILLED).sentence() == "100.0 % of 8 mutants: 8 killed, 0 survived"


def test_what_makes_no_difference_does_not_count() -> None:
    found = score(target(ALIKE), [LEFT, *KILLED])
    assert (found.percent, found.equivalent, found.survivors) == (100, 1, ())
    assert found.sentence() == "100.0 % of 9 mutants: 8 killed, 0 survived, 1 equivalent"


@pytest.mark.parametrize("results", [KILLED, [*KILLED, (change(8), "killed")]])
def test_what_is_listed_as_of_no_effect_must_survive(results: list[tuple[Change, Fate]]) -> None:
    with pytest.raises(TargetError, match=r"_a\.py: before 8 -> after 8"):
        score(target(ALIKE), results)


def test_each_module_has_a_score_of_its_own() -> None:
    other: tuple[Change, Fate] = (change(1, "_b.py"), "survived")
    found = by_file(target(ALIKE), [*KILLED, LEFT, other])
    assert {file: part.percent for file, part in found.items()} == {"_a.py": 100, "_b.py": 0}


def test_nothing_to_break_is_no_success() -> None:
    assert score(target(), []).percent == 0


def test_facts_are_plain() -> None:
    found = score(target(), [LEFT, *KILLED]).facts()
    assert (found["mutants"], found["killed"], round(found["percent"], 1)) == (9, 8, 88.9)
    assert found["survivors"] == [{"file": "_a.py", "line": 8, "before": "before 8", "after": "after 8"}]
