# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cache responses during one decision, so that it uses one consistent state and sends no request twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from ..errors import ConductorError


class Memory:
    """Cache responses by question, failures included. Responses are shared: callers must not change them.

    Args:
        most: how many requests may be in flight at once.
    """

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._free = threading.Semaphore(most)
        self._turns: dict[Hashable, threading.Lock] = {}
        self._answers: dict[Hashable, dict[str, Any] | ConductorError] = {}
        self._listed: dict[str, dict[str, dict[str, Any]]] = {}
        self._whole: set[str] = set()

    def ask(self, question: Hashable, send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the cached response, or send the request once; concurrent callers wait for that response.

        Raises:
            ConductorError: the request failed, now or when it was first sent.
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
        """Store the objects of a collection, so that C(listed) returns them.

        Args:
            names: the names that were selected; None if all were listed.
        """
        found = {item["metadata"]["name"]: item for item in items}
        self._listed.setdefault(collection, {}).update({**{name: {} for name in names or ()}, **found})
        if names is None:
            self._whole.add(collection)

    def listed(self, path: str) -> Mapping[str, Any] | None:
        """Return an object, or its metadata, from a list; empty if it does not exist, None without a list."""
        collection, _slash, name = path.rpartition("/")
        return self._listed.get(collection, {}).get(name, {} if collection in self._whole else None)
