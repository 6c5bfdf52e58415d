# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server does: every module ends within its time limit, with a message and a next step."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.hostile import LATE, TOKEN
from tests.support.hostile_matrix import MODULES, Outcome, Outcomes, hostile_server, module_outcomes

# Seconds: the time limit of the modules, and what may come after it.
TIMEOUT, GRACE = 2, 10
BEHAVIOURS = [
    "silent",
    "slow headers",
    "slow body",
    "slow chunks",
    "endless informational",
    "endless trailers",
    "blanks in chunks",
    "repeating pages",
    "endless pages",
    "reset",
    "page 200",
    "page 403",
    "page 404",
    "text 404",
    "redirect 302",
    "redirect without Location",
    "Status of failure",
    "empty object",
    "metadata 7",
    "items 1",
    'items [{"metadata": {}}]',
    "items [1]",
    "no uid",
    "deep objects",
    "NaN",
    "gzip that is none",
    "Retry-After '\xb2'",
    "Retry-After '1000000000'",
    "echo in a Status",
    "echo in a page",
    "echo in JSON",
    "echo as status line",
    "controls in a Status",
    "controls in a page",
    "controls as status line",
]


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Outcomes]:
    late = list(zip(LATE, [*MODULES] * (len(LATE) // len(MODULES)), strict=True))
    pairs = [*late, *((behaviour, name) for behaviour in BEHAVIOURS for name in MODULES)]
    with hostile_server() as port:
        found = module_outcomes(port, pairs, threads=16)
        # Threads wait for each other, on a busy machine for long: what took too long is measured again on its own.
        late = [(one.behaviour, one.verb) for one in found.outcomes if one.seconds >= TIMEOUT + GRACE]
        again = (
            {(one.behaviour, one.verb): one for one in module_outcomes(port, late, threads=1).outcomes} if late else {}
        )
        yield Outcomes([again.get((one.behaviour, one.verb), one) for one in found.outcomes], found.memory)


# These succeed: they send four requests at most, or report as unknown what they may not read.
SUCCEEDING = {
    *((behaviour, name) for behaviour in LATE for name in ("verify runtimes", "delete trainjob")),
    ("echo in a Status", "status"),
    ("controls in a Status", "status"),
}


def check(found: list[Outcome], names: int) -> None:
    assert len(found) == names
    for outcome in found:
        succeeds = (outcome.behaviour, outcome.verb) in SUCCEEDING and not outcome.error
        assert succeeds or (outcome.error == "failed" and outcome.next_step), outcome
        assert outcome.seconds < TIMEOUT + GRACE, outcome
        assert TOKEN[:16] not in outcome.shown, outcome
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", outcome.printed), outcome


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_every_module_fails_in_time(outcomes: Outcomes, behaviour: str) -> None:
    check([outcome for outcome in outcomes.outcomes if outcome.behaviour == behaviour], len(MODULES))


@pytest.mark.parametrize("kind", ["slow", "silent", "page"])
def test_every_module_fails_in_time_if_it_is_right_at_first(outcomes: Outcomes, kind: str) -> None:
    late = [outcome for outcome in outcomes.outcomes if outcome.behaviour in LATE]
    check([outcome for outcome in late if outcome.behaviour.startswith(kind)], len(MODULES))
