# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.watch import Scope, Watcher
from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES, Key
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import (
    Record,
    read_install_record,
    record_manifest,
)
from ansible_collections.conductor.trainer.plugins.module_utils.wait.external_jobset import (
    ExternalJobSet,
    jobset_to_wait_for,
)
from tests.unit.plugins.helpers.builders import pod
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.states import HOME, release
from tests.unit.plugins.module_utils.jobset.test_choice import ELSEWHERE, with_jobset

WEBHOOKS = "admissionregistration.k8s.io/v1"


def recorded(cluster: FakeCluster, jobset: str) -> FakeCluster:
    cluster.put(record_manifest(Record(release="2.3.0", jobset=jobset), HOME))
    assert read_install_record(cluster, HOME).jobset == jobset
    cluster.requests.clear()
    return cluster


@pytest.mark.parametrize(
    ("mode", "cluster", "requests"),
    [
        ("bundled", with_jobset(), 0),
        ("auto", recorded(with_jobset(), "bundled"), 1),
        # Without a record, e.g. after an install by kubectl, the state of the cluster decides.
        ("auto", FakeCluster(), 7),
    ],
)
def test_ours_is_waited_for_as_ever(mode: str, cluster: FakeCluster, requests: int) -> None:
    assert jobset_to_wait_for(cluster, release(), mode) == (release(), None)
    assert len(cluster.requests) == requests


@pytest.mark.parametrize(
    ("mode", "cluster"),
    [("auto", with_jobset()), ("auto", recorded(with_jobset(), "external")), ("external", with_jobset())],
)
def test_theirs_is_found_and_asked_by_its_own_webhooks(mode: str, cluster: FakeCluster) -> None:
    bundle, external_jobset = jobset_to_wait_for(cluster, release(), mode)
    assert external_jobset == ExternalJobSet(ELSEWHERE)
    assert bundle.names("Deployment") == ["kubeflow-trainer-controller-manager"]
    assert {probe.webhook for probe in bundle.probes} >= {"vjobset.kb.io", "mjobset.kb.io"}
    assert {probe.webhook for probe in bundle.probes} & {"vpod.kb.io", "mpod.kb.io"} == set()
    assert cluster.writes == []


def test_a_record_that_may_not_be_read_is_made_up_for_by_the_cluster() -> None:
    cluster = with_jobset()
    cluster.fail(403, method="GET", path="/configmaps/conductor-install-record")
    assert jobset_to_wait_for(cluster, release(), "auto")[1] == ExternalJobSet(ELSEWHERE)


def test_one_that_does_not_serve_yet_is_waited_for() -> None:
    assert jobset_to_wait_for(with_jobset(status={}), release(), "auto")[1] == ExternalJobSet(ELSEWHERE)


@pytest.mark.parametrize("mode", ["auto", "external"])
def test_one_that_never_will_do_is_not_waited_for(mode: str) -> None:
    with pytest.raises(
        RefusedError,
        match="the controllers cannot become ready: JobSet: an external JobSet was requested",
    ) as e:
        jobset_to_wait_for(recorded(FakeCluster(), "external"), release(), mode)
    assert e.value.facts["jobset_problems"]


def serving() -> FakeCluster:
    """A JobSet with a pod behind its Service."""
    cluster = with_jobset()
    deployment = cluster.objects[CONTROLLER]
    labels = deployment["spec"]["selector"]["matchLabels"]
    member = pod("manager-1", "", labels=labels, namespace=ELSEWHERE)
    cluster.objects[Key("v1", "Pod", ELSEWHERE, "manager-1")] = member
    (piece,) = (stored for key, stored in cluster.objects.items() if key.kind == "EndpointSlice")
    piece["endpoints"][0]["targetRef"]["uid"] = member["metadata"]["uid"]
    return cluster


CONTROLLER = Key("apps/v1", "Deployment", ELSEWHERE, "jobset-controller-manager")


def assessed(cluster: FakeCluster) -> dict[str, str]:
    external_jobset = ExternalJobSet(ELSEWHERE)
    with Watcher(cluster, [*external_jobset.scopes, *(Scope(resource) for resource in WATCHED)]) as watcher:
        watcher.refresh()
        assert [row["namespace"] for row in external_jobset.rows(watcher)] in ([ELSEWHERE], [])
        return {verdict.subject: verdict.evidence for verdict in external_jobset.verdicts(watcher) if not verdict.ready}


WATCHED = [resource for (version, _kind), resource in RESOURCES.items() if version == WEBHOOKS]


def unready(cluster: FakeCluster) -> None:
    cluster.objects[CONTROLLER]["status"] = {}


def gone(cluster: FakeCluster) -> None:
    del cluster.objects[CONTROLLER]


def without_certificate(cluster: FakeCluster) -> None:
    key = next(key for key in cluster.objects if key.kind == "ValidatingWebhookConfiguration")
    del cluster.objects[key]["webhooks"][0]["clientConfig"]["caBundle"]


def without_webhooks(cluster: FakeCluster) -> None:
    for key in [key for key in cluster.objects if key.api_version == WEBHOOKS]:
        del cluster.objects[key]


def strangers(cluster: FakeCluster) -> None:
    del cluster.objects[Key("v1", "Pod", ELSEWHERE, "manager-1")]


def moved(cluster: FakeCluster) -> None:
    for key in [key for key in cluster.objects if key.api_version == WEBHOOKS]:
        for webhook in cluster.objects[key]["webhooks"]:
            webhook["clientConfig"]["service"]["namespace"] = "elsewhere"


def test_all_of_it_serves() -> None:
    assert assessed(serving()) == {}


@pytest.mark.parametrize(
    ("change", "subject", "words"),
    [
        (unready, "Deployment jobset-system/jobset-controller-manager", "newest generation"),
        (gone, "Deployment jobset-system/(JobSet's controller)", "missing"),
        (without_certificate, "webhook configuration jobset-validating-webhook-configuration", "no caBundle"),
        (without_webhooks, "webhook configuration of JobSet", "missing"),
        (strangers, "Service jobset-system/jobset-webhook-service", "is not a pod of its controller"),
        (moved, "Service elsewhere/jobset-webhook-service", "no ready endpoint"),
    ],
)
def test_what_is_missing_is_named(change: Callable[[FakeCluster], None], subject: str, words: str) -> None:
    cluster = serving()
    change(cluster)
    assert words in assessed(cluster)[subject]
