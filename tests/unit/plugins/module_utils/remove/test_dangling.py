# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.remove.rules import TESTS, dangling, is_alive, speakers
from tests.unit.plugins.helpers.builders import obj, webhooks

GONE = {("ops", "webhook")}


def configuration(name: str, service: str = "webhook", **more: Any) -> dict[str, Any]:
    return {
        **webhooks(name, service, ["trainer.kubeflow.org"], **more),
        "metadata": {"name": name, "uid": f"uid-{name}"},
    }


def test_what_stays_and_points_to_what_goes_is_named_with_its_owner() -> None:
    (line,) = dangling([configuration("theirs"), configuration("ours")], GONE, {"uid-ours"})
    assert (
        line == "webhook configuration theirs (an unknown owner) points to Service ops/webhook, which would be deleted"
    )


def test_what_points_elsewhere_does_not_matter() -> None:
    assert dangling([configuration("a", "other"), configuration("b", namespace="elsewhere")], GONE, ()) == []


def test_who_else_speaks_for_a_group() -> None:
    found = [configuration("theirs"), configuration("ours"), webhooks("kueue", "k", ["batch", "trainer.kubeflow.org"])]
    assert speakers(found, "trainer.kubeflow.org", {"uid-ours"}) == ["theirs"]
    assert speakers(found, "jobset.x-k8s.io", ()) == []


def controller(ready: Any, **metadata: Any) -> dict[str, Any]:
    name = "kubeflow-trainer-controller-manager"
    return obj("Deployment", name, "apps/v1", "ops", metadata=metadata, status={"readyReplicas": ready})


def test_a_controller_is_alive_when_a_pod_of_it_is_ready() -> None:
    assert is_alive([controller(1)], TESTS["trainer"])
    assert not is_alive([controller(0)], TESTS["trainer"])
    assert not is_alive([controller(None)], TESTS["trainer"])
    assert not is_alive([controller(1, deletionTimestamp="x")], TESTS["trainer"])
    assert not is_alive([controller(1)], TESTS["jobset"])
    assert not is_alive([], TESTS["trainer"])
