# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.module_utils.objects.finalizers import held_by, holds

SINCE = "2026-01-01T00:00:00Z"


def test_a_known_finalizer_is_said_with_who_lets_go() -> None:
    assert holds("trainer.kubeflow.org/resource-in-use") == (
        "finalizer trainer.kubeflow.org/resource-in-use "
        "(Trainer's controller removes it when no TrainJob uses the runtime)"
    )


def test_an_unknown_finalizer_is_said_with_the_domain_it_belongs_to() -> None:
    assert holds("example.com/held") == "finalizer example.com/held (the controller of example.com must remove it)"


def test_what_holds_an_object_that_is_terminating() -> None:
    held = held_by({"deletionTimestamp": SINCE, "finalizers": ["kubernetes", "a.b/c"]}, "two pods are left")
    assert held.startswith(f"is Terminating since {SINCE}, waiting for finalizer kubernetes (the namespace controller")
    assert held.endswith("finalizer a.b/c (the controller of a.b must remove it): two pods are left")


def test_without_a_finalizer_it_is_the_grace_period() -> None:
    assert "its grace period" in held_by({"deletionTimestamp": SINCE})


def test_what_is_not_terminating_is_still_there() -> None:
    assert held_by({"finalizers": ["a/b"]}) == "still exists"
