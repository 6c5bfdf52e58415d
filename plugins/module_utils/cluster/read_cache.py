# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are kept for as long as one decision takes: it rests on one picture, and no question is sent twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from ..errors import ConductorError


class Memory:
    """Question to answer; failures are answers as well. Answers are shared: nobody may change them.

    Args:
        most: how many questions may be on their way at once, whoever asks them.
    """

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._free = threading.Semaphore(most)
        self._turns: dict[Hashable, threading.Lock] = {}
        self._answers: dict[Hashable, dict[str, Any] | ConductorError] = {}
        self._listed: dict[str, dict[str, dict[str, Any]]] = {}
        self._whole: set[str] = set()

    def ask(self, question: Hashable, send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The answer; who asks what is on its way already waits for it.

        Raises:
            ConductorError: the failure that whoever asked first got.
        """
        with self._lock:
            turn = self._turns.setdefault(question, threading.Lock())
        with turn:
            if question not in self._answers:
                try:
                    with self._free:
                        self._answers[question] = send()
                except ConductorError as error:
                    self._answers[question] = error
            answer = self._answers[question]
        if isinstance(answer, ConductorError):
            raise answer
        return answer

    def keep_list(self, collection: str, items: Iterable[dict[str, Any]], names: Iterable[str] | None = None) -> None:
        """The objects at the path of a collection; C(listed) knows of each of them from then on.

        Args:
            names: those that were asked for; None for all there are.
        """
        found = {item["metadata"]["name"]: item for item in items}
        self._listed.setdefault(collection, {}).update({**{name: {} for name in names or ()}, **found})
        if names is None:
            self._whole.add(collection)

    def listed(self, path: str) -> Mapping[str, Any] | None:
        """An object, or its metadata, as a list had it; empty where that had none, None where there was no list."""
        collection, _slash, name = path.rpartition("/")
        return self._listed.get(collection, {}).get(name, {} if collection in self._whole else None)
