# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from conductor_cluster.state import Record, Seen, Step, after_waiting, decide, read_record


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen(exists=False), Step.CREATE),
        (Seen(exists=False, interrupted=True), Step.CREATE),
        (Seen(exists=True, running=True, healthy=True), Step.REUSE),
        (Seen(exists=True, running=True, healthy=True, interrupted=True), Step.RECREATE),
        (Seen(exists=True, running=True), Step.WAIT),
        (Seen(exists=True), Step.START),
        (Seen(exists=True, interrupted=True), Step.RECREATE),
    ],
)
def test_what_is_done_about_a_cluster(seen: Seen, expected: Step) -> None:
    step, why = decide(seen)
    assert step is expected
    assert why


@pytest.mark.parametrize(
    ("healthy", "then", "now", "expected"),
    [
        (True, "172.18.0.2", "172.18.0.2", Step.REUSE),
        (True, "172.18.0.2", "172.18.0.3", Step.RECREATE),
        (False, "172.18.0.2", "172.18.0.2", Step.RECREATE),
        (True, "", "172.18.0.3", Step.REUSE),
        (True, "172.18.0.2", "", Step.REUSE),
    ],
)
def test_what_is_done_about_a_node_that_came_back(healthy: bool, then: str, now: str, expected: Step) -> None:
    assert after_waiting(healthy, then, now)[0] is expected


def test_a_changed_address_is_named() -> None:
    assert "172.18.0.3 instead of 172.18.0.2" in after_waiting(True, "172.18.0.2", "172.18.0.3")[1]


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = Record(complete=True, image="conductor/node:x", kubernetes="1.35.8", address="172.18.0.2")
    record.write(tmp_path / "deep" / "cluster.json")
    assert read_record(tmp_path / "deep" / "cluster.json") == record
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["cluster.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"complete": true}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)
    assert read_record(tmp_path / "cluster.json") is None
    assert read_record(tmp_path / "missing.json") is None
