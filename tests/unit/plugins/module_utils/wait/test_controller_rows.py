# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.module_utils.wait.controller_rows import controller_rows
from tests.unit.plugins.helpers.builders import bundle, pod


def test_a_controller_nobody_made_yet_has_a_row() -> None:
    (row,) = controller_rows(bundle().objects("Deployment"), {}, [])
    assert (row["name"], row["ready"], row["status"]) == ("manager", "0/1", "unknown")


def test_the_newest_pod_and_the_live_image_count() -> None:
    deployments = bundle().objects("Deployment")
    container = {**deployments[0]["spec"]["template"]["spec"]["containers"][0], "image": "mirror.example.com/manager:1"}
    live = {
        **deployments[0],
        "spec": {**deployments[0]["spec"], "replicas": 2, "template": {"spec": {"containers": [container]}}},
        "status": {"readyReplicas": 1},
    }
    newer = pod("b", "manager", creationTimestamp="2026-02-02")
    newer["status"]["phase"] = "Pending"
    (row,) = controller_rows(deployments, {"manager": live}, [newer, pod("a", "manager")])
    assert (row["ready"], row["status"], row["image"]) == ("1/2", "Pending", "mirror.example.com/manager:1")


def test_of_several_pods_the_one_that_waits_counts() -> None:
    pods = [pod(name, "manager", creationTimestamp=f"2026-02-0{day}") for day, name in enumerate("abc", 1)]
    for one, phase in zip(pods, ("Failed", "Pending", "Running"), strict=True):
        one["status"]["phase"] = phase
    deployments = bundle().objects("Deployment")
    live = {**deployments[0], "spec": {**deployments[0]["spec"], "replicas": 2}, "status": {"readyReplicas": 2}}
    assert controller_rows(deployments, {"manager": live}, pods)[0]["status"] == "Pending"
    pods[1]["status"]["phase"] = "Running"
    (row,) = controller_rows(deployments, {"manager": live}, pods)
    assert (row["ready"], row["status"]) == ("2/2", "Running")
