# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and events in any order."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.watch_store import Snapshot


def item(version: str, uid: str = "u1", name: str = "a") -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": uid, "resourceVersion": version}}


def snapshot(*items: dict[str, Any], version: str = "10") -> Snapshot:
    made = Snapshot(lambda one: str(one["metadata"]["name"]))
    made.take_list(items, version)
    return made


def versions(made: Snapshot) -> dict[str, str]:
    return {name: one["metadata"]["resourceVersion"] for name, one in made.objects().items()}


def test_events_change_the_objects() -> None:
    made = snapshot(item("5"))
    assert made.take_event("MODIFIED", item("11"))
    assert made.take_event("ADDED", item("12", "u2", "b"))
    assert versions(made) == {"a": "11", "b": "12"}
    assert made.take_event("DELETED", item("13"))
    assert versions(made) == {"b": "12"}


def test_older_or_equal_versions_are_ignored() -> None:
    made = snapshot(item("9"))
    assert not made.take_event("MODIFIED", item("8"))
    assert not made.take_event("MODIFIED", item("9"))
    assert versions(made) == {"a": "9"}
    # Versions are compared as numbers, not as text.
    assert made.take_event("MODIFIED", item("10"))


def test_deleted_object_does_not_return() -> None:
    made = snapshot(item("5"))
    assert made.take_event("DELETED", item("7"))
    assert not made.take_event("MODIFIED", item("6"))
    assert not made.take_event("ADDED", item("8"))
    assert not made.take_list([item("6")], "6")
    assert versions(made) == {}


def test_deletion_does_not_remove_a_newer_object() -> None:
    made = snapshot(item("9", "u2"))
    assert not made.take_event("DELETED", item("5", "u1"))
    assert versions(made) == {"a": "9"}
    assert not made.take_event("DELETED", item("5", "u1", "never-seen"))


def test_list_removes_missing_objects() -> None:
    made = snapshot(item("5"), item("6", "u2", "b"))
    assert made.take_list([item("5")], "20")
    assert versions(made) == {"a": "5"}
    assert not made.take_list([item("5")], "21")


def test_a_list_that_is_older_than_an_event_does_not_undo_it() -> None:
    made = snapshot(item("5"))
    made.take_event("MODIFIED", item("15"))
    made.take_event("ADDED", item("16", "u2", "b"))
    assert not made.take_list([item("5")], "12")
    assert versions(made) == {"a": "15", "b": "16"}
    # A later list counts.
    assert made.take_list([item("15")], "17")
    assert versions(made) == {"a": "15"}


@pytest.mark.parametrize("version", ["", "abc", None])
def test_without_numeric_versions_the_last_one_counts(version: Any) -> None:
    made = snapshot(item("5"))
    assert made.take_event("MODIFIED", item(version))
    assert made.take_list([item("5")], version)
    assert versions(made) == {"a": "5"}


def test_event_without_a_uid_is_matched_by_name() -> None:
    made = snapshot(item("5"))
    assert made.take_event("DELETED", {"metadata": {"name": "a"}})
    assert versions(made) == {}


def test_any_order_has_the_same_result() -> None:
    """Created, changed twice, deleted, created again: whichever event is late, the newest version counts."""
    told = [
        ("ADDED", item("11")),
        ("MODIFIED", item("12")),
        ("MODIFIED", item("13")),
        ("DELETED", item("14")),
        ("ADDED", item("15", "u2")),
    ]
    for order in itertools.permutations(told):
        made = snapshot()
        for kind, one in order:
            made.take_event(kind, one)
        assert versions(made) == {"a": "15"}, order


@pytest.mark.parametrize("version", ["9" * 100_000, "\xb2", "-1", ""])
def test_an_odd_version_is_not_compared(version: str) -> None:
    made = snapshot(item("5"))
    assert made.take_event("MODIFIED", item(version))
    assert versions(made) == {"a": version}


def test_deleted_objects_are_forgotten_after_many() -> None:
    made = snapshot(item("5"))
    for number in range(20_000):
        made.take_event("DELETED", item("6", f"uid-{number}", f"name-{number}"))
    assert len(made._gone) == 10_000
    assert not made.take_event("ADDED", item("7", "uid-19999", "name-19999"))
