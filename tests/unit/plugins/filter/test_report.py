# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.filter.report import FilterModule, report

APPLIED = {
    "changed": True,
    "release": "2.3.0",
    "components": {"trainer": "2.3.0", "jobset": "0.12.0"},
    "namespace": "kubeflow-system",
    "kubernetes": "1.35.8",
    "cluster_uid": "0f9c/8d1f",
    "actions": {"create": ["a", "b"], "update": ["c"]},
    "unchanged": 3,
    "elapsed": 1.24,
}
WAITED = {
    "controllers": [{"name": "jobset-controller-manager", "ready": "1/1", "status": "Running"}],
    "elapsed": 10.06,
}
RUNTIMES = {
    "runtimes": [
        {"name": "jax", "framework": "jax", "proven": True},
        {"name": "own", "framework": "", "proven": None},
        {"name": "torch", "framework": "torch", "proven": False},
    ],
    "elapsed": 0.2,
}


def test_a_whole_run() -> None:
    assert report({"apply": APPLIED, "wait": WAITED, "runtimes": RUNTIMES}).splitlines() == [
        "Trainer 2.3.0 with JobSet 0.12.0 in kubeflow-system, Kubernetes 1.35.8",
        "Cluster 0f9c/8d1f",
        "Controllers",
        "  jobset-controller-manager            1/1   Running",
        "ClusterTrainingRuntimes: 3",
        "  jax                       jax         accepts TrainJobs",
        "  own                                   not tested",
        "  torch                     torch       rejects TrainJobs",
        "Steps",
        "  apply                1.2 s  2 created, 1 updated, 3 unchanged",
        "  wait                10.1 s",
        "  runtimes             0.2 s",
    ]


def test_the_options_have_a_line_and_so_have_those_that_changed() -> None:
    options = {"summary": ["3 registries", "2 replicas", "1 patch"], "fields": 14, "objects": 0}
    changed = ["conductor_replicas is 2 here and not in the install record"]
    said = report({"apply": {**APPLIED, "options": options, "options_changed": changed}}).splitlines()
    assert said[2:5] == [
        "Options 3 registries, 2 replicas, 1 patch; 14 fields differ from the release",
        "Options changed since the last install",
        f"  {changed[0]}",
    ]
    nothing = {"summary": [], "fields": 0, "objects": 0}
    assert report({"apply": {**APPLIED, "options": nothing, "options_changed": []}}) == report({"apply": APPLIED})


def test_beside_a_jobset_of_somebody_elses_the_release_has_none() -> None:
    beside = {**APPLIED, "components": {"trainer": "2.3.0"}}
    assert report({"apply": beside}).splitlines()[0] == (
        "Trainer 2.3.0 in kubeflow-system, beside an external JobSet, Kubernetes 1.35.8"
    )


@pytest.mark.parametrize("missing", [{}, None, {"skipped": True, "changed": False}])
def test_steps_that_did_not_run_are_left_out(missing: Any) -> None:
    assert report({"apply": missing, "wait": WAITED}).splitlines() == [
        "Controllers",
        "  jobset-controller-manager            1/1   Running",
        "Steps",
        "  wait                10.1 s",
    ]


def test_nothing_at_all() -> None:
    assert report({}) == "Steps"


def test_nothing_changed_and_no_runtimes() -> None:
    steps: dict[str, dict[str, Any]] = {"apply": {"actions": {}, "unchanged": 45}, "runtimes": {"runtimes": []}}
    assert report(steps).splitlines() == [
        "ClusterTrainingRuntimes: 0",
        "Steps",
        "  apply                0.0 s  45 unchanged",
        "  runtimes             0.0 s",
    ]


def test_what_an_earlier_release_left_is_counted() -> None:
    text = report(
        {"apply": {"actions": {"prune": ["Service ops/old"]}, "retained": ["CustomResourceDefinition x: why"]}}
    )
    assert "1 pruned, 1 of an earlier release retained" in text


@pytest.mark.parametrize(
    ("outcomes", "check_mode", "words"),
    [
        (["pulled", "present", "available"], False, "45 unchanged, 3 pulls proven"),
        (["pulled", "failed"], False, "45 unchanged, 1 pull proven"),
        (["planned", "planned"], True, "45 unchanged, 2 pulls to prove"),
        (["failed"], False, "45 unchanged"),
        ([], False, "45 unchanged"),
    ],
)
def test_proven_pulls_are_counted(outcomes: list[str], check_mode: bool, words: str) -> None:
    rows = [{"outcome": outcome} for outcome in outcomes]
    assert report({"apply": {"actions": {}, "unchanged": 45, "pull_proof": rows}}, check_mode).endswith(words)


def test_adopted_is_spelled_so() -> None:
    assert "1 adopted" in report({"apply": {"actions": {"adopt": ["Namespace ops"]}}})


def test_check_mode_tells_what_is_to_be_done_and_what_was_left_out() -> None:
    apply = {**APPLIED, "predicted": ["b"], "record_updated": True}
    skipped = {"skipped": True, "changed": False}
    assert report({"apply": apply, "wait": skipped, "runtimes": skipped}, True).splitlines() == [
        "Trainer 2.3.0 with JobSet 0.12.0 in kubeflow-system, Kubernetes 1.35.8",
        "Cluster 0f9c/8d1f",
        "Steps",
        "  apply                1.2 s  2 to create, 1 to update, 1 of these not checked by the server, 3 unchanged",
        "Skipped in check mode, because nothing was applied: wait, runtimes",
    ]


@pytest.mark.parametrize(
    ("check_mode", "words"), [(False, "install record updated"), (True, "install record to update")]
)
def test_a_change_of_the_record_alone_is_told(check_mode: bool, words: str) -> None:
    assert report({"apply": {"actions": {}, "unchanged": 45, "record_updated": True}}, check_mode).endswith(
        f"45 unchanged, {words}"
    )


SMOKE: dict[str, Any] = {
    "phase": "complete",
    "pods": [{"name": "a"}, {"name": "b"}],
    "logs": {"a": ["hm", "names resolve"], "b": ["names resolve"]},
    "timeline": [{"seconds": 0.1, "phase": "created"}, {"seconds": 4.26, "phase": "complete"}],
    "retained": [],
    "elapsed": 10.2,
}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "4.3 s  2 nodes: names resolve"),
        ({"logs": {"a": ["one"], "b": ["two"], "c": []}}, "4.3 s  2 nodes: one, two"),
        ({"logs": {}}, "4.3 s  2 nodes: complete"),
        ({"retained": ["Namespace x: why"]}, "4.3 s  2 nodes: names resolve; retained: Namespace x: why"),
        ({"phase": "predicted", "pods": [], "logs": {}, "timeline": []}, "0.0 s  predicted"),
    ],
)
def test_a_smoke_job_is_one_line_with_what_its_pods_said(changes: dict[str, Any], line: str) -> None:
    assert report({"smoke job": {**SMOKE, **changes}}).splitlines()[1] == f"  smoke job            {line}"


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"report": report}


def certificate(service: str, **more: Any) -> dict[str, Any]:
    return {"service": service, "days_left": 364, "problem": "", "not_checked": "", **more}


def test_certificates_have_a_line_a_service() -> None:
    rows = [
        certificate("webhook"),
        certificate("webhook"),
        certificate("other", not_checked="Secret other"),
        certificate("third", days_left=None, problem="tls.key is missing"),
    ]
    lines = report({"wait": {**WAITED, "certificates": rows}}).splitlines()
    at = lines.index("Certificates of the webhooks")
    assert lines[at + 1 : at + 5] == [
        "  webhook                              364 days left",
        "  other                                364 days left; not checked: Secret other",
        "  third                                tls.key is missing",
        "Steps",
    ]
