# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real API server lets a TrainJob do: permissions, policies of its namespace, and a name that is taken."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    NotReadyError,
    RefusedError,
    RightsError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import path_of
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import submission_of
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.run import TrainJobRun, Wishes
from tests.support import foreign
from tests.support.control_plane import ControlPlane
from tests.support.states import States, apply, grant
from tests.unit.plugins.helpers.pod_policies import limit, limit_range, quota

PLACE = "team-a"
WEBHOOKS = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
JOB: dict[str, Any] = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": {"name": "mnist", "namespace": PLACE},
    "spec": {
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {"resourcesPerNode": {"requests": {"cpu": "500m"}}},
    },
}
MAY_SUBMIT = [
    {"apiGroups": ["trainer.kubeflow.org"], "resources": ["trainjobs"], "verbs": ["create", "get", "list", "watch"]},
    {"apiGroups": ["jobset.x-k8s.io"], "resources": ["jobsets"], "verbs": ["list", "watch"]},
]


@pytest.fixture
def team(states: States) -> ControlPlane:
    """Trainer without its webhooks, which nobody answers here, and a namespace of a team."""
    plane = states.enter("ours")
    plane.kubectl("delete", WEBHOOKS, "--all")
    apply(plane, [foreign.namespace(PLACE)])
    return plane


def submit(plane: ControlPlane, **wishes: Any) -> dict[str, Any]:
    submission = submission_of([JOB])
    return TrainJobRun(plane.client(), Wishes(**{"timeout": 0, **wishes})).present(submission.key, submission)


def test_a_token_that_may_not_list_pods_submits_nothing(team: ControlPlane) -> None:
    submitter = grant(team, "submitter", MAY_SUBMIT, PLACE)
    with pytest.raises(RightsError, match=f"list pods in namespace {PLACE}"):
        submit(submitter)
    assert team.client().find(path_of(submission_of([JOB]).key)) is None
    result = submit(submitter, wait=False)
    assert (result["changed"], result["phase"]) == (True, "created")


POLICIES: dict[str, tuple[dict[str, Any], str]] = {
    "a LimitRange": (limit_range(limit(max={"cpu": "100m"}), name="tight"), "LimitRange tight: container node"),
    "a quota": (quota({"limits.cpu": "10", "limits.memory": "9Gi"}), "ResourceQuota q: it requires limits.cpu"),
    "a small quota": (quota({"requests.cpu": "100m"}), "ResourceQuota q: requests.cpu is limited to 100m"),
}


@pytest.mark.parametrize("case", POLICIES)
def test_policies_of_the_namespace_that_reject_its_pods_are_named_before(team: ControlPlane, case: str) -> None:
    policy, words = POLICIES[case]
    apply(team, [{**policy, "metadata": {**policy["metadata"], "namespace": PLACE}}])
    with pytest.raises(RefusedError) as caught:
        submit(team)
    assert words in str(caught.value)
    assert team.client().find(path_of(submission_of([JOB]).key)) is None


def job_set(**metadata: Any) -> dict[str, Any]:
    (found,) = (one for one in foreign.user_objects(PLACE) if one["kind"] == "JobSet")
    return {**found, "metadata": {"name": "mnist", "namespace": PLACE, **metadata}}


def test_a_job_set_of_its_name_that_somebody_made_is_not_its_own(team: ControlPlane) -> None:
    apply(team, [job_set()])
    with pytest.raises(RefusedError, match="the name is taken: JobSet team-a/mnist"):
        submit(team)
    # It may also come after the TrainJob.
    team.kubectl("delete", "jobset", "mnist", f"--namespace={PLACE}")
    submit(team, wait=False)
    apply(team, [job_set()])
    made = team.get("jobset", "mnist", f"--namespace={PLACE}")
    labels = {"jobset.sigs.k8s.io/jobset-name": "mnist", "jobset.sigs.k8s.io/jobset-uid": made["metadata"]["uid"]}
    spec = {"containers": [{"name": "node", "image": "registry.invalid/x:1"}]}
    metadata = {"name": "theirs", "namespace": PLACE, "labels": labels}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": PLACE}}
    apply(team, [account], "kube-controller-manager")
    apply(team, [{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}])
    with pytest.raises(NotReadyError) as caught:
        submit(team)
    assert caught.value.facts["pods"] == []
    with pytest.raises(RefusedError, match="the name is taken: JobSet team-a/mnist"):
        submit(team, timeout=60)
