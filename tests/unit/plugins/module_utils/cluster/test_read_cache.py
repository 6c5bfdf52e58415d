# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that are made twice and sent once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.read_cache import Memory
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError


def test_equal_requests_are_sent_once() -> None:
    memory, sent = Memory(2), []

    def send() -> dict[str, Any]:
        sent.append(1)
        return {"answer": len(sent)}

    assert [memory.ask("a", send), memory.ask("b", send), memory.ask("a", send)] == [
        {"answer": 1},
        {"answer": 2},
        {"answer": 1},
    ]


@pytest.mark.parametrize(("error", "times"), [(ApiError("no", status=404), 1), (RuntimeError("a fault of ours"), 2)])
def test_failures_are_cached(error: Exception, times: int) -> None:
    memory, sent = Memory(2), []

    def send() -> dict[str, Any]:
        sent.append(1)
        raise error

    for _time in range(2):
        with pytest.raises(type(error)):
            memory.ask("a", send)
    assert len(sent) == times


def test_concurrent_caller_waits_for_the_response() -> None:
    memory = Memory(2)
    on_its_way, may_come = threading.Event(), threading.Event()

    def slow() -> dict[str, Any]:
        on_its_way.set()
        assert may_come.wait(10)
        return {"from": "the first"}

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(memory.ask, "a", slow)
        assert on_its_way.wait(10)
        second = pool.submit(memory.ask, "a", lambda: {"from": "the second"})
        may_come.set()
        assert first.result(10) == second.result(10) == {"from": "the first"}


def test_requests_in_flight_are_limited() -> None:
    memory = Memory(2)

    def send() -> dict[str, Any]:
        # One of the two permits is for this request; the other one is released at once.
        free = [memory._free.acquire(blocking=False) for _time in range(2)]
        memory._free.release()
        return {"free": free}

    assert memory.ask("a", send) == {"free": [True, False]}
    # The permit is released with the response.
    assert memory.ask("b", send) == {"free": [True, False]}


def test_complete_list_answers_for_every_object() -> None:
    memory = Memory(2)
    memory.keep_list("/api/v1/namespaces", [{"metadata": {"name": "a", "uid": "1"}}])
    assert memory.listed("/api/v1/namespaces/a") == {"metadata": {"name": "a", "uid": "1"}}
    assert memory.listed("/api/v1/namespaces/b") == {}
    assert memory.listed("/api/v1/nodes/a") is None
    assert memory.listed("/api/v1/namespaces/a/configmaps/b") is None


def test_list_of_names_answers_for_these_only() -> None:
    memory = Memory(2)
    memory.keep_list("/api/v1/namespaces", [{"metadata": {"name": "a"}}], ["a", "b"])
    assert [memory.listed(f"/api/v1/namespaces/{name}") for name in "abc"] == [{"metadata": {"name": "a"}}, {}, None]
    # A complete list also answers for the others.
    memory.keep_list("/api/v1/namespaces", [{"metadata": {"name": "a"}}])
    assert memory.listed("/api/v1/namespaces/c") == {}
