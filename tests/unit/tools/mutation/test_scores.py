# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from conductor_mutation.targets import Change, Fate, score


def change(number: int, file: str = "_a.py") -> Change:
    return Change(file, number, f"before {number}", f"after {number}")


KILLED: list[tuple[Change, Fate]] = [(change(number), "killed") for number in range(8)]
LEFT: tuple[Change, Fate] = (change(8), "survived")
LATE: tuple[Change, Fate] = (change(9), "timeout")


def test_the_score_is_the_part_that_was_noticed() -> None:
    found = score([LEFT, *KILLED, LATE])
    assert (found.mutants, found.killed, found.timeouts, found.survivors) == (10, 9, 1, (change(8),))
    assert found.percent == 90
    assert found.sentence() == "90.0 % of 10 mutants: 9 killed, 1 survived, 1 of the killed by timeout"
    assert score(KILLED).sentence() == "100.0 % of 8 mutants: 8 killed, 0 survived"


def test_each_module_has_a_score_of_its_own() -> None:
    other: tuple[Change, Fate] = (change(1, "_b.py"), "survived")
    results = [*KILLED, LEFT, other]
    assert round(score(results, "_a.py").percent, 1) == 88.9
    assert score(results, "_b.py") == (1, 0, 0, (change(1, "_b.py"),))
    assert score(results).percent == 80


def test_nothing_to_break_is_no_success() -> None:
    assert score([]).percent == 0


def test_facts_are_plain() -> None:
    found = score([LEFT, *KILLED]).facts()
    assert (found["mutants"], found["killed"], round(found["percent"], 1)) == (9, 8, 88.9)
    assert found["survivors"] == [{"file": "_a.py", "line": 8, "before": "before 8", "after": "after 8"}]
