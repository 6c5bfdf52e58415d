# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.wire.body import OddAnswer
from ansible_collections.conductor.trainer.plugins.module_utils.wire.held import Held


def test_a_new_answer_replaces_the_last_one() -> None:
    held = Held(10)
    for _time in range(5):
        held.take("a", 6)
    held.take("b", 4)
    with pytest.raises(OddAnswer, match="with the other answers"):
        held.take("c", 1)
    held.drop("b")
    held.take("c", 4)


def test_pages_are_added() -> None:
    held = Held(10)
    held.take("a", 6)
    assert held.fits("a", 4)
    assert not held.fits("a", 1)
    with pytest.raises(OddAnswer):
        held.take("a", 1, more=True)
    held.take("a", 1)
    assert held.fits("b", 9)


def test_one_large_body_at_a_time() -> None:
    held = Held(10)
    ended = threading.Event()

    def other() -> None:
        with held.turn() as turn:
            turn.grown(5 << 20)
            ended.set()

    with held.turn() as turn, held.turn() as small:
        turn.grown(1 << 10)
        turn.grown(2 << 20)
        turn.grown(3 << 20)
        small.grown(1 << 10)
        thread = threading.Thread(target=other)
        thread.start()
        assert not ended.wait(0.05)
    thread.join(10)
    assert ended.is_set()
