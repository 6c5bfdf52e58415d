# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.objects.finalizers import held_by, holders, holds

SINCE = "2026-01-01T00:00:00Z"


def test_known_finalizer_names_who_removes_it() -> None:
    assert holds("trainer.kubeflow.org/resource-in-use") == (
        "finalizer trainer.kubeflow.org/resource-in-use "
        "(Trainer's controller removes it when no TrainJob uses the runtime)"
    )


def test_unknown_finalizer_names_its_domain() -> None:
    assert holds("example.com/held") == "finalizer example.com/held (the controller of example.com must remove it)"


def test_finalizers_of_a_terminating_object_are_explained() -> None:
    held = held_by({"deletionTimestamp": SINCE, "finalizers": ["kubernetes", "a.b/c"]}, "two pods are left")
    assert held.startswith(f"is Terminating since {SINCE}, waiting for finalizer kubernetes (the namespace controller")
    assert held.endswith("finalizer a.b/c (the controller of a.b must remove it): two pods are left")


def test_without_a_finalizer_the_grace_period_is_named() -> None:
    assert "its grace period" in held_by({"deletionTimestamp": SINCE})


def test_object_that_is_not_terminating_still_exists() -> None:
    assert held_by({"finalizers": ["a/b"]}) == "still exists"


def test_only_terminating_objects_with_finalizers_hold_their_crd() -> None:
    dying = {"deletionTimestamp": SINCE, "finalizers": ["a.b/c"]}
    items: list[dict[str, Any]] = [
        {"metadata": {"name": "held", "namespace": "team-a", **dying}},
        {"metadata": {"name": "cluster-wide", **dying}},
        {"metadata": {"name": "going", "deletionTimestamp": SINCE}},
        {"metadata": {"name": "living", "finalizers": ["a.b/c"]}},
        {},
    ]
    why = "(finalizer a.b/c (the controller of a.b must remove it))"
    assert holders("TrainJob", items) == [f"TrainJob cluster-wide {why}", f"TrainJob team-a/held {why}"]
    many = [{"metadata": {"name": str(number), **dying}} for number in range(9)]
    assert holders("TrainJob", many)[-1] == "and 4 more"
