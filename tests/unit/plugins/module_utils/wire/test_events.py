# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.wire.body import OddAnswer
from ansible_collections.conductor.trainer.plugins.module_utils.wire.events import events_in
from ansible_collections.conductor.trainer.plugins.module_utils.wire.shapes import Wanted

PODS = Wanted("list", "Pod", "", "n", namespaced=True, stored=True)
POD = {"metadata": {"name": "a", "namespace": "n", "uid": "1", "resourceVersion": "1"}}
ADDED = {"type": "ADDED", "object": POD}


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def test_events_of_unknown_types_are_left_out() -> None:
    gone = {"type": "ERROR", "object": {"code": 410}}
    mark = {"type": "BOOKMARK", "object": {}}
    stream = [line({"type": "NEW", "object": {}}) + b"\n" + line(mark), line(ADDED) + line(gone)[:-1]]
    assert [event for event, _weight in events_in([*stream, b"\n"], "", PODS, 1000)] == [mark, ADDED, gone]


@pytest.mark.parametrize(
    ("stream", "encoding", "words"),
    [
        (line(7), "", "not a JSON object"),
        (b"<html>\n", "", "not JSON"),
        (line({"type": "ADDED"}), "", "not an event"),
        (line({"type": 7, "object": POD}), "", "not an event"),
        (line({"kind": "PodList", "items": []}), "", "not an event"),
        (line({"type": "ADDED", "object": {"metadata": 7}}), "", "metadata is 7"),
        (line({"type": "DELETED", "object": {"metadata": {**POD["metadata"], "namespace": "m"}}}), "", "namespace m"),
        (b"x" * 1001, "", "a line of it is longer than 1 KiB"),
        (line(ADDED), "gzip", "not requested"),
    ],
)
def test_what_is_no_event_ends_the_stream(stream: bytes, encoding: str, words: str) -> None:
    with pytest.raises(OddAnswer, match=words):
        list(events_in([stream], encoding, PODS, 1000))


def test_a_line_in_many_pieces_is_read_in_linear_time() -> None:
    stream = line({"type": "ADDED", "object": {**POD, "text": "x" * 500_000}})
    pieces = (stream[at : at + 1] for at in range(len(stream)))
    assert len(list(events_in(pieces, "", PODS, 10**6))) == 1
