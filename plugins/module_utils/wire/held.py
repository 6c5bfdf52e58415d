# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bound the memory that all answers of one server take together."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from .body import OddAnswer, size_of

# From this size on, one body at a time is read and parsed; several requests are in flight at once.
_LARGE = 1 << 20


class Held:
    """What the answers to each question take, by estimate. A new answer replaces the last one to the same question.

    Args:
        limit: bytes for all of them together.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._large = threading.Lock()
        self._lock = threading.Lock()
        self._weights: dict[Hashable, int] = {}
        self._together = 0

    def take(self, question: Hashable, weight: int, *, more: bool = False) -> None:
        """Count an answer.

        Args:
            more: it is added to the last one, like the second page of a list.

        Raises:
            OddAnswer: together they take more than the limit. The answer is then not counted.
        """
        with self._lock:
            before = self._weights.get(question, 0)
            after = weight + (before if more else 0)
            if self._together - before + after > self.limit:
                raise OddAnswer(f"with the other answers it takes more than {size_of(self.limit)} of memory")
            self._weights[question] = after
            self._together += after - before

    def fits(self, question: Hashable, weight: int) -> bool:
        """Count an addition to an answer; return whether it could be counted."""
        try:
            self.take(question, weight, more=True)
        except OddAnswer:
            return False
        return True

    def drop(self, question: Hashable) -> None:
        """Forget the answer to a question."""
        with self._lock:
            self._together -= self._weights.pop(question, 0)

    @contextmanager
    def turn(self) -> Iterator[_Turn]:
        """Wait for a turn as soon as the body in question becomes large."""
        turn = _Turn(self._large)
        try:
            yield turn
        finally:
            turn.end()


class _Turn:
    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._mine = False

    def grown(self, size: int) -> None:
        """Take note of the size of the body so far."""
        if size > _LARGE and not self._mine:
            self._lock.acquire()
            self._mine = True

    def end(self) -> None:
        if self._mine:
            self._lock.release()
            self._mine = False
