# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules made from a number: what becomes good when, and what the server does wrong meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.component.schedules.world import GOOD, OBJECT_STATES, REPLICA_FACETS, Change, World, facets_of
from tests.unit.plugins.helpers.builders import POD

# Everything is good after so many seconds at the latest, but for what never is.
LATEST = 0.25
# Until then requests may fail. What streams lose they may lose at any time.
KINDS = ("prompt", "behind", "faulty", "withholding", "relapse", "never")
# Those of them in which a client is not told of some events.
UNTOLD = ("withholding", "relapse", "never")
# Of what happens on a stream: what a client is told of, and what it can only find out by itself.
TOLD = ("twice", "swapped", "gone", "cut", "closed")
WITHHELD = ("lost", "silent")


@dataclass(frozen=True)
class Schedule:
    """One of them.

    Args:
        kind: one of C(KINDS): nothing goes wrong; one of several API servers is the last; things go wrong that a client
            is told of; it is not told of some events; something is lost again when all was good, and it is not told;
            something never becomes good.
        stream_faults: one of these happens at a C(share) of the events of a stream.
        failing: how likely a request fails, until C(LATEST).
        delay: the longest time in seconds an event takes to a client.
    """

    seed: int
    kind: str
    world: World
    stream_faults: tuple[str, ...] = ()
    share: float = 0.0
    failing: float = 0.0
    delay: float = 0.01

    def dice(self, name: str) -> random.Random:
        """Chance for one stream or connection, the same in each run of the schedule."""
        return random.Random(f"{self.seed} {name}")  # noqa: S311


def schedule(seed: int, kind: str) -> Schedule:
    """The schedule of a number."""
    dice = random.Random(f"{seed} {kind}")  # noqa: S311
    replicas = dice.choice((2, 3) if kind == "behind" else (1, 1, 2, 3))
    facets = facets_of(replicas)
    forever = dice.choice(sorted(facets)) if kind == "never" else ""
    last = f"{dice.choice(REPLICA_FACETS)} {dice.randrange(replicas)}" if kind == "behind" else ""
    changes: list[Change] = []
    for facet, states in facets.items():
        if facet == last:
            changes += [Change(0.0, facet, states[0]), Change(LATEST + dice.uniform(0, 0.2), facet, GOOD)]
        else:
            often = (2, 4, 6) if kind == "faulty" else (1, 1, 2, 4)
            changes += _changes(dice, facet, states, often, ends_good=facet != forever)
    if kind == "relapse":
        changes += _relapse(dice, max(change.seconds for change in changes))
    world = World(replicas, tuple(sorted(changes)))
    if kind == "faulty":
        return Schedule(seed, kind, world, (dice.choice(TOLD),), share=0.5, failing=0.05)
    if kind == "relapse":
        return Schedule(seed, kind, world, ("lost",), share=0.7)
    if kind in UNTOLD:
        return Schedule(seed, kind, world, TOLD + WITHHELD, share=0.3, failing=0.05)
    return Schedule(seed, kind, world)


def _relapse(dice: random.Random, when: float) -> Iterator[Change]:
    """Something stored is lost about when the wait would end."""
    object_key = dice.choice([object_key for object_key in OBJECT_STATES if object_key != POD])
    begins = when + dice.uniform(0.0, 0.1)
    yield Change(begins, str(object_key), dice.choice(OBJECT_STATES[object_key]))
    yield Change(begins + 0.4, str(object_key), GOOD)


def _changes(
    dice: random.Random, facet: str, states: Sequence[str], often: Sequence[int], *, ends_good: bool
) -> Iterator[Change]:
    """A facet is good at once, or after a time; some of them lose it again."""
    if ends_good and dice.random() < 0.4:
        yield Change(0.0, facet, GOOD)
        return
    yield Change(0.0, facet, dice.choice(states))
    # A pod that is made again has another uid, which endpoints would have to follow.
    again = [GOOD] if facet == str(POD) and ends_good else list(states)
    at = sorted(dice.uniform(0.0, LATEST) for _change in range(dice.choice(often)))
    for number, seconds in enumerate(at):
        last = number == len(at) - 1
        well = ends_good if last else dice.random() < 0.5
        yield Change(seconds, facet, GOOD if well else dice.choice(again))
