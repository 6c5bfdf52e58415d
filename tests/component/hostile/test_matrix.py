# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server does: every verb of the client ends soon, with little memory, and with an error of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support.hostile import LARGE, LATE, TOKEN
from tests.support.hostile_answers import BEHAVIOURS
from tests.support.hostile_matrix import SECONDS, VERBS, Outcome, Outcomes, hostile_server, outcomes_of

# MiB for a process; an empty one with the client has about 60.
MEMORY = 300
# Seconds after the time limit of a request, or of a module, in which it must have ended.
GRACE = 10
# Large answers take longer than the short limit of the others.
SECONDS_FOR_LARGE = 8.0
SMALL = [name for name in BEHAVIOURS if name not in (*LARGE, *LATE)]
# Answers that are right for some verbs: a log may be any text, a review or list in any namespace may have any of them,
# and an inspection goes on without a permission.
READERS = {"first page", "named", "document", "contents"}
RIGHT_FOR: dict[str, set[str]] = {
    "repeating pages": {"first page"},
    "endless pages": {"first page"},
    "endless empty pages": {"first page"},
    "many items": {"list", "list everywhere", "remembered list", "first page"},
    "another namespace": {"list everywhere", "namespaces"},
    "no namespace": {"namespaces"},
    "echo in a Status": READERS,
    "echo with escapes": READERS,
    "controls in a Status": READERS,
}
# A stream that ends without an event is no error: it is opened again, after a pause.
STREAMS = {"watch", "watch one"}
ANY_TEXT = {"log"}
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with hostile_server() as port:
        yield port


@pytest.fixture(scope="module")
def small(port: int) -> Outcomes:
    found = outcomes_of(port, SMALL, threads=40)
    # Threads wait for each other, on a busy machine for long: what took too long is measured again with few others.
    late = sorted({one.behaviour for one in found.outcomes if one.seconds > SECONDS + GRACE})
    again = outcomes_of(port, late, threads=4).outcomes if late else []
    return Outcomes([*(one for one in found.outcomes if one.behaviour not in late), *again], found.memory)


@pytest.fixture(scope="module")
def large(port: int) -> dict[str, Outcomes]:
    # A process each, as a module is, and as many requests at once as a module sends.
    one = partial(outcomes_of, port, threads=8, seconds=SECONDS_FOR_LARGE)
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(LARGE, pool.map(lambda behaviour: one([behaviour]), LARGE), strict=True))


def wrong(outcome: Outcome, seconds: float) -> str:
    """What is wrong with an outcome; empty if nothing is."""
    harmless = outcome.verb in RIGHT_FOR.get(outcome.behaviour, set()) | STREAMS | ANY_TEXT
    if outcome.error and not outcome.ours:
        return "an error of another family"
    if not outcome.error and not harmless:
        return "no error"
    if outcome.seconds > seconds + GRACE:
        return "late"
    if TOKEN in outcome.shown or TOKEN[:16] in outcome.shown:
        return "the token is shown"
    if CONTROL.search(outcome.printed):
        return "control characters"
    if outcome.error and not outcome.next_step:
        return "no next step"
    from_elsewhere = outcome.error in ("AnswerError", "UnreachableError")
    if from_elsewhere and ("127.0.0.1" not in outcome.message or len(outcome.message) >= 2000):
        return "no server, or too long"
    return ""


def test_the_table_is_wide() -> None:
    assert len(BEHAVIOURS) > 200
    assert len(VERBS) >= 25
    assert set(LARGE) < set(BEHAVIOURS)
    assert RIGHT_FOR.keys() <= BEHAVIOURS.keys()


def check(outcomes: Outcomes, behaviour: str, seconds: float) -> None:
    found = [outcome for outcome in outcomes.outcomes if outcome.behaviour == behaviour]
    assert [outcome.verb for outcome in found] == list(VERBS)
    assert [(problem, outcome) for outcome in found if (problem := wrong(outcome, seconds))] == []


@pytest.mark.parametrize("behaviour", SMALL)
def test_every_verb_ends_with_an_error_of_ours(small: Outcomes, behaviour: str) -> None:
    check(small, behaviour, SECONDS)


@pytest.mark.parametrize("behaviour", LARGE)
def test_large_answers_take_little_memory(large: dict[str, Outcomes], behaviour: str) -> None:
    check(large[behaviour], behaviour, SECONDS_FOR_LARGE)
    assert large[behaviour].memory < MEMORY


def test_all_others_at_once_take_little_memory(small: Outcomes) -> None:
    assert small.memory < MEMORY


def test_not_found_is_believed_of_an_api_server_only(small: Outcomes) -> None:
    missing = [name for name in SMALL if "404" in name]
    assert len(missing) >= 10
    for behaviour in missing:
        found = {outcome.verb: outcome.error for outcome in small.outcomes if outcome.behaviour == behaviour}
        assert {found[verb] for verb in ("find", "named", "document", "first page", "list")} == {"AnswerError"}


def test_rejections_by_a_proxy_are_no_missing_permissions(small: Outcomes) -> None:
    for outcome in small.outcomes:
        if outcome.behaviour in ("page 401", "page 403", "page 407"):
            assert outcome.error == "AnswerError"
            assert "proxy or gateway" in outcome.next_step
