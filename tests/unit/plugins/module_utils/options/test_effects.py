# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of the controllers: what it changes, and which values are rejected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.controllers import EFFECTS
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
TRAINER = "Deployment kubeflow-system/kubeflow-trainer-controller-manager"
JOBSET = "Deployment kubeflow-system/jobset-controller-manager"
POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
BUDGET = {"selector", "unhealthyPodEvictionPolicy"}

# The option, a value, and the paths that change in the Deployment of each controller.
CHANGES: list[tuple[str, Any, dict[str, Any]]] = [
    ("tolerations", [{"key": "a", "operator": "Exists"}], {f"{POD}.tolerations": [{"key": "a", "operator": "Exists"}]}),
    ("tolerations", [{"operator": "Exists", "key": None}], {f"{POD}.tolerations": [{"operator": "Exists"}]}),
    ("node_selector", {"pool": "system", "b": None}, {f"{POD}.nodeSelector": {"pool": "system"}}),
    ("affinity", {"podAffinity": {}}, {f"{POD}.affinity": {"podAffinity": {}}}),
    ("priority_class", "system-cluster-critical", {f"{POD}.priorityClassName": "system-cluster-critical"}),
    ("replicas", 1, {"spec.replicas": 1}),
    ("log_level", "0", {f"{CONTAINER}.args[1]": "--zap-log-level=info"}),
    ("log_level", "Debug", {f"{CONTAINER}.args[1]": "--zap-log-level=debug"}),
    ("log_level", "1", {f"{CONTAINER}.args[1]": "--zap-log-level=1"}),
    ("log_level", "10", {f"{CONTAINER}.args[1]": "--zap-log-level=10"}),
    ("log_level", "5", {f"{CONTAINER}.args[1]": "--zap-log-level=5"}),
    ("spread", "none", {}),
    ("disruption_budget", "none", {}),
    ("disruption_budget", "auto", {}),
    ("host_network", False, {}),
]
OWN_CHANGES: list[tuple[str, Any, dict[str, Any]]] = [
    ("pod_labels", {"network": "restricted"}, {"spec.template.metadata.labels.network": "restricted"}),
    ("pod_annotations", {"a/b": "c"}, {"spec.template.metadata.annotations.a/b": "c"}),
    ("env", [{"name": "A", "value": "b"}], {f"{CONTAINER}.env": [{"name": "A", "value": "b"}]}),
    ("env_from", [{"secretRef": {"name": "s"}}], {f"{CONTAINER}.envFrom": [{"secretRef": {"name": "s"}}]}),
    (
        "volumes",
        [{"name": "ca", "configMap": {"name": "ca"}}],
        {f"{POD}.volumes[2]": {"name": "ca", "configMap": {"name": "ca"}}},
    ),
    (
        "volume_mounts",
        [{"name": "cert", "mountPath": "/certificates"}],
        {f"{CONTAINER}.volumeMounts[2]": {"name": "cert", "mountPath": "/certificates"}},
    ),
    (
        "resources",
        {"requests": {"cpu": 1, "memory": None}, "limits": None},
        {f"{CONTAINER}.resources": {"requests": {"cpu": "1"}}},
    ),
]


def paths(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return the paths of the values that differ, and the new values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from paths(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old, new = (items[index] if index < len(items) else None for items in (before, after))
            yield from paths(old, new, f"{path}[{index}]")
    elif before != after:
        yield path, after


def changes(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the objects that options change to the paths that differ."""
    before = {key_of(manifest): manifest for manifest in REAL.objects()}
    after = {key_of(manifest): manifest for manifest in with_options(REAL, options).objects()}
    found = {str(key): dict(paths(before.get(key, {}), manifest)) for key, manifest in after.items()}
    return {name: changed for name, changed in found.items() if changed}


@pytest.mark.parametrize(("option", "value", "expected"), CHANGES)
def test_what_an_option_of_both_controllers_changes(option: str, value: Any, expected: dict[str, Any]) -> None:
    assert changes({option: value}) == ({TRAINER: expected, JOBSET: expected} if expected else {})


@pytest.mark.parametrize(("option", "value", "expected"), [row for row in CHANGES if row[2]] + OWN_CHANGES[:-1])
@pytest.mark.parametrize(("controller", "deployment"), [("trainer", TRAINER), ("jobset", JOBSET)])
def test_what_an_option_of_one_controller_changes(
    option: str, value: Any, expected: dict[str, Any], controller: str, deployment: str
) -> None:
    assert changes({f"{controller}_controller": {option: value}}) == {deployment: expected}


def resources(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the resources of the controllers: those of Trainer, then those of JobSet."""
    found = sorted(with_options(REAL, options).objects("Deployment"), key=lambda one: -len(one["metadata"]["name"]))
    return [one["spec"]["template"]["spec"]["containers"][0]["resources"] for one in found]


def test_resources_are_merged_and_null_removes_those_of_the_release() -> None:
    given = {"requests": {"cpu": "50m"}, "limits": {"memory": "1Gi"}}
    assert resources({"resources": given}) == [
        {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
    ]
    alone = {"resources": given, "jobset_controller": {"resources": {"limits": {"memory": None}}}}
    assert resources(alone)[1] == {"requests": {"cpu": "50m", "memory": "128Mi"}}
    assert resources({"jobset_controller": {"resources": {"limits": None, "requests": {"cpu": None}}}}) == [
        {"requests": {"cpu": "100m", "memory": "128Mi"}},
        {"requests": {"memory": "128Mi"}},
    ]


def test_several_replicas_are_spread_and_may_be_drained_one_by_one() -> None:
    changed = changes({"trainer_controller": {"replicas": 2}})
    assert changed[TRAINER].keys() == {"spec.replicas", f"{POD}.topologySpreadConstraints"}
    [constraint] = changed[TRAINER][f"{POD}.topologySpreadConstraints"]
    assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
    budget = changed["PodDisruptionBudget kubeflow-system/kubeflow-trainer-controller-manager"]
    [deployment] = [one for one in REAL.objects("Deployment") if str(key_of(one)) == TRAINER]
    assert budget["spec"] == {
        "maxUnavailable": 1,
        "selector": deployment["spec"]["selector"],
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    assert len(changed) == 2
    assert [change.option for change in with_options(REAL, {"trainer_controller": {"replicas": 2}}).changes] == [
        "trainer_controller.replicas"
    ] * 3


def test_a_disruption_budget_is_no_part_of_the_release() -> None:
    laid = with_options(REAL, {"replicas": 2})
    budgets = {key for key in laid.extras if key.kind == "PodDisruptionBudget"}
    assert len(budgets) == 2
    assert laid.objects("PodDisruptionBudget") == []


@pytest.mark.parametrize(
    ("value", "replicas", "expected"),
    [
        ({"max_unavailable": 1}, 1, {"maxUnavailable": 1}),
        ({"max_unavailable": "1%"}, 1, {"maxUnavailable": "1%"}),
        ({"min_available": 1, "max_unavailable": None}, 2, {"minAvailable": 1}),
        ({"min_available": "50%"}, 2, {"minAvailable": "50%"}),
        ({"max_unavailable": "100%"}, 2, {"maxUnavailable": "100%"}),
        ({"min_available": 0}, 1, {"minAvailable": 0}),
    ],
)
def test_a_disruption_budget_of_ones_own(value: Any, replicas: int, expected: dict[str, Any]) -> None:
    laid = with_options(REAL, {"replicas": replicas, "trainer_controller": {"disruption_budget": value}})
    [budget] = [
        one
        for one in laid.objects()
        if one["kind"] == "PodDisruptionBudget" and one["metadata"]["name"].startswith("kubeflow")
    ]
    assert {name: limit for name, limit in budget["spec"].items() if name not in BUDGET} == expected


@pytest.mark.parametrize(
    ("value", "topologies"),
    [
        ("node", ["kubernetes.io/hostname"]),
        ("zone", ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]),
        ([{"topologyKey": "rack"}], ["rack"]),
    ],
)
def test_topologies(value: Any, topologies: list[str]) -> None:
    [deployment] = [
        one
        for one in with_options(REAL, {"spread": value}).objects("Deployment")
        if one["metadata"]["name"].startswith("jobset")
    ]
    found = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in found] == topologies
    assert all(one["labelSelector"] == deployment["spec"]["selector"] and one["maxSkew"] == 1 for one in found)


REJECTED: list[tuple[dict[str, Any], str]] = [
    ({"replicas": 0}, "conductor_replicas is 0\nNext: set it to a number from 1 to 5"),
    ({"replicas": 6}, "conductor_replicas is 6"),
    ({"jobset_controller": {"replicas": 9}}, "conductor_jobset_controller.replicas is 9"),
    ({"disruption_budget": "always"}, "conductor_disruption_budget is always\nNext: set it to auto, none or a mapping"),
    ({"disruption_budget": True}, "conductor_disruption_budget is true"),
    ({"disruption_budget": {"minAvailable": 1}}, "no field minAvailable; did you mean min_available?"),
    ({"disruption_budget": {"min_available": 1}}, "allows none of 1 pods to end"),
    ({"disruption_budget": {"min_available": "50%"}}, "allows none of 1 pods to end"),
    ({"replicas": 3, "disruption_budget": {"min_available": "67%"}}, "allows none of 3 pods to end"),
    ({"replicas": 2, "disruption_budget": {"max_unavailable": 0}}, "allows none of 2 pods"),
    ({"replicas": 2, "disruption_budget": {"max_unavailable": "0%"}}, "allows none of 2 pods"),
    ({"disruption_budget": {"min_available": "half"}}, "conductor_disruption_budget.min_available is half"),
    ({"disruption_budget": {"min_available": 1, "max_unavailable": 1}}, "has min_available and max_unavailable"),
    ({"disruption_budget": {"max_unavailable": "101%"}}, "conductor_disruption_budget.max_unavailable is 101%"),
    ({"disruption_budget": {"max_unavailable": "x%"}}, "conductor_disruption_budget.max_unavailable is x%"),
    ({"disruption_budget": {"max_unavailable": -1}}, "conductor_disruption_budget.max_unavailable is -1"),
    ({"disruption_budget": {"max_unavailable": True}}, "conductor_disruption_budget.max_unavailable is true"),
    (
        {"replicas": 2, "trainer_controller": {"config": {"leaderElection": {"leaderElect": False}}}},
        "conductor_replicas: 2 replicas of trainer without leader election",
    ),
    ({"disruption_budget": {"min_available": None}}, "conductor_disruption_budget has no limit"),
    ({"spread": "rack"}, "conductor_spread is rack\nNext: set it to one of node, none, zone"),
    ({"spread": [{"key": "x"}]}, "conductor_spread[0] has no field key"),
    (
        {"tolerations": [{"key": "x", "efect": "y"}]},
        "conductor_tolerations[0] has no field efect; did you mean effect?",
    ),
    ({"tolerations": [{"effect": "NoSchedule"}]}, "conductor_tolerations[0] has no key"),
    ({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}, "conductor_tolerations[0] has a value"),
    ({"tolerations": [{"key": "a", "effect": "NoExec"}]}, "effect is NoExec; did you mean NoExecute?"),
    ({"tolerations": [None]}, "conductor_tolerations[0] is null, and must be a mapping"),
    (
        {"node_selector": {"gpu": True}},
        'conductor_node_selector.gpu is the boolean true, and must be a text\nNext: write it in quotes, e.g. "true"',
    ),
    ({"affinity": {"nodeaffinity": {}}}, "conductor_affinity has no field nodeaffinity; did you mean nodeAffinity?"),
    ({"resources": {"request": {}}}, "conductor_resources has no field request; did you mean requests?"),
    ({"resources": {"requests": {"cpus": 1}}}, "conductor_resources.requests has no resource cpus; did you mean cpu?"),
    ({"resources": {"requests": {"cpu": "1 core"}}}, "conductor_resources.requests.cpu is 1 core"),
    ({"resources": {"requests": {"cpu": "-1"}}}, "conductor_resources.requests.cpu is -1"),
    (
        {"resources": {"limits": {"memory": "64Mi"}}},
        "conductor_resources: the limit of memory for trainer is 64Mi, and its request in the release is 128Mi",
    ),
    (
        {"jobset_controller": {"resources": {"requests": {"memory": "5G"}}}},
        "the limit of memory for jobset is 4Gi, and its request is 5G",
    ),
    ({"log_level": "verbose"}, "conductor_log_level is verbose\nNext: set it to a number from 0 to 10"),
    ({"log_level": "11"}, "conductor_log_level is 11"),
    ({"trainer_controller": {"pod_labels": {"app.kubernetes.io/name": "x"}}}, "changes app.kubernetes.io/name of the"),
    (
        {"jobset_controller": {"pod_labels": {"app.kubernetes.io/component": "manager"}}},
        "would make the pods of jobset pods of Service kubeflow-system/kubeflow-trainer-controller-manager",
    ),
    ({"trainer_controller": {"pod_annotations": {"conductor.trainer/config-sha256": "x"}}}, "which the release needs"),
    ({"trainer_controller": {"env": [{"value": "x"}]}}, "conductor_trainer_controller.env[0] has no name"),
    ({"trainer_controller": {"env": [{"name": "A", "value": 3128}]}}, 'write it in quotes, e.g. "3128"'),
    ({"trainer_controller": {"env": [{"name": "A"}, {"name": "A"}]}}, "has A, and it is there twice"),
    ({"trainer_controller": {"env": [{"name": "A", "value": "", "valueFrom": {}}]}}, "both value and valueFrom"),
    ({"trainer_controller": {"env_from": [{}]}}, "needs one of configMapRef and secretRef"),
    ({"trainer_controller": {"volumes": [{"name": "cert", "emptyDir": {}}]}}, "the release has one of its own"),
    ({"trainer_controller": {"volumes": [{"name": "a"}]}}, "volumes[0] has no source"),
    ({"trainer_controller": {"volumes": [{"name": "a", "configmap": {}}]}}, "did you mean configMap?"),
    ({"trainer_controller": {"volume_mounts": [{"name": "crt", "mountPath": "/x"}]}}, "did you mean cert?"),
    (
        {"jobset_controller": {"volume_mounts": [{"name": "cert", "mountPath": "/controller_manager_config.yaml/"}]}},
        "would hide /controller_manager_config.yaml",
    ),
    ({"jobset_controller": {"volume_mounts": [{"name": "cert", "mountPath": "/"}]}}, "would hide"),
    (
        {
            "jobset_controller": {
                "volume_mounts": [{"name": "cert", "mountPath": "/a"}, {"name": "cert", "mountPath": "/a"}]
            }
        },
        "it is there twice",
    ),
]


@pytest.mark.parametrize(("options", "words"), REJECTED)
def test_a_value_that_cannot_be_used_is_rejected_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        with_options(REAL, options)
    assert words in str(caught.value)
    assert caught.value.next_step


def test_every_option_has_a_row() -> None:
    rows = {row[0] for row in [*CHANGES, *OWN_CHANGES]}
    assert EFFECTS.keys() - rows <= {"config", "feature_gates", "tls", "image_pull_policy", "image_pull_secrets"}


@pytest.mark.parametrize(
    "options", [{option: value} for option, value, _expected in CHANGES] + [{"replicas": 5, "host_network": True}]
)
def test_what_the_pods_are_found_by_stays(options: dict[str, Any]) -> None:
    def anchors(bundle: Any) -> dict[Key, Any]:
        return {
            key_of(one): (
                one["spec"]["selector"],
                {
                    name: one["spec"]["template"]["metadata"]["labels"][name]
                    for name in one["spec"]["selector"]["matchLabels"]
                },
                [container["name"] for container in one["spec"]["template"]["spec"]["containers"]],
                one["spec"]["template"]["spec"]["volumes"][:2],
                one["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][:2],
            )
            for one in bundle.objects("Deployment")
        }

    assert anchors(with_options(REAL, options)) == anchors(REAL)
