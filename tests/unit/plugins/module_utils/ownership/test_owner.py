# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.ownership.owner import (
    OURS,
    entry_digest,
    foreign_webhooks,
    own_entry,
    owner_of,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE, bundle, webhooks

TRAINER = "trainer.kubeflow.org"
JOBSET = "jobset.x-k8s.io"


def entry(manager: str = "conductor", operation: str = "Apply", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": "t0", "fieldsV1": {"f:spec": {}}, **more}


OWN = entry()


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "trainer"}}, "Helm release trainer"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "t"}}, "Flux HelmRelease t"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "t"}}, "Flux Kustomization t"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "t:x"}}, "Argo CD t"),
        ({"labels": {"argocd.argoproj.io/instance": "t"}}, "Argo CD t"),
        # Argo CD and `helm template` apply charts without a release of Helm.
        (
            {
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"argocd.argoproj.io/tracking-id": "t:apps/Deployment:ns/x"},
            },
            "Argo CD t",
        ),
        (
            {"labels": {"app.kubernetes.io/managed-by": "Helm", "kustomize.toolkit.fluxcd.io/name": "t"}},
            "Flux Kustomization t",
        ),
        ({"labels": {"olm.owner": "csv"}}, "Operator Lifecycle Manager csv"),
        ({"labels": {"app.juju.is/created-by": "t"}}, "Juju t"),
        # kustomize writes this label too: it is not the mark of an installer that applies again.
        ({"labels": {"app.kubernetes.io/managed-by": "kustomize"}, "managedFields": [OWN]}, OURS),
        ({"managedFields": [OWN]}, OURS),
        ({"managedFields": [OWN, entry("kubectl-edit", "Update")]}, OURS),
        ({"managedFields": [entry("kubectl-client-side-apply", "Update")]}, "field manager kubectl-client-side-apply"),
        ({"managedFields": [entry("b"), entry("a", "Update"), entry("a")]}, "field manager a, b"),
        ({"managedFields": [entry("kube-controller-manager", "Update"), entry("x")]}, "field manager x"),
        ({"managedFields": [entry("jobset", "Update")]}, "an unknown owner"),
        ({"managedFields": [entry("x", "Update", subresource="status")]}, "an unknown owner"),
        ({"managedFields": None, "labels": None, "annotations": None}, "an unknown owner"),
        ({}, "an unknown owner"),
    ],
)
def test_who_manages_an_object(metadata: dict[str, Any], owner: str) -> None:
    assert owner_of(metadata) == owner


def test_mark_of_another_installer_takes_precedence() -> None:
    metadata = {"managedFields": [OWN], "annotations": {"meta.helm.sh/release-name": "trainer"}}
    assert owner_of(metadata) == "Helm release trainer"


@pytest.mark.parametrize("other", [entry(operation="Update"), entry(subresource="status"), entry("kubectl")])
def test_only_an_apply_to_the_object_itself_is_our_entry(other: dict[str, Any]) -> None:
    assert own_entry({"managedFields": [other]}) is None
    assert own_entry({"managedFields": [other, OWN]}) == OWN


def test_digest_depends_only_on_fields_and_time() -> None:
    base = entry_digest({"managedFields": [OWN]})
    assert base is not None
    changes: list[dict[str, Any]] = [{"time": "t1"}, {"fieldsV1": {"f:data": {}}}]
    for change in changes:
        assert entry_digest({"managedFields": [{**OWN, **change}]}) not in (base, None)
    others = [entry("manager", "Update"), entry("kubectl"), entry(subresource="status", operation="Update")]
    assert entry_digest({"managedFields": [*others, OWN], "labels": {"a": "b"}, "resourceVersion": "9"}) == base


@pytest.mark.parametrize("entries", [[], None, [OWN, entry(operation="Update")], [entry(operation="Update")]])
def test_digest_is_unknown_if_our_name_was_used_twice(entries: list[dict[str, Any]] | None) -> None:
    assert entry_digest({"managedFields": entries}) is None


def found(*configurations: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(place)) for name, place in foreign_webhooks(configurations, bundle())]


@pytest.mark.parametrize(
    ("configuration", "place"),
    [
        (webhooks("v", "webhook", [TRAINER], namespace="kubeflow"), "service kubeflow/webhook"),
        (webhooks("helm-name", "trainer-webhook", [TRAINER]), "service ops/trainer-webhook"),
        (webhooks("v", "x", [TRAINER], clientConfig={"url": "https://w.example"}), "https://w.example"),
        (webhooks("v", "x", [TRAINER], clientConfig={}), "nowhere"),
        (webhooks("v", "x", [TRAINER], clientConfig=None), "nowhere"),
        (webhooks("v", "x", [TRAINER], clientConfig=[7]), "nowhere"),
        (webhooks("v", "x", [TRAINER], clientConfig={"service": {"namespace": [], "name": {}}}), "service /"),
        # JobSet's configuration has rules for pods as well.
        (webhooks("v", "x", [TRAINER, ""]), "service ops/x"),
    ],
)
def test_configuration_with_another_destination_is_foreign(configuration: dict[str, Any], place: str) -> None:
    assert found(configuration) == [(configuration["metadata"]["name"], place)]


@pytest.mark.parametrize(
    "configuration",
    [
        webhooks("validator", "webhook", [TRAINER]),
        webhooks("any-name", "webhook", [TRAINER]),
        # Kueue handles JobSets and TrainJobs among other kinds; policy engines handle all kinds.
        webhooks("kueue", "kueue-webhook", [TRAINER, "batch"], namespace="kueue-system"),
        webhooks("kyverno", "kyverno", ["*"], namespace="kyverno"),
        webhooks("other", "other", ["apps"]),
        webhooks("pods", "pods", [""]),
        webhooks("none", "x", [TRAINER], rules=None),
        webhooks("odd", "x", [TRAINER], rules=[7]),
        webhooks("odd", "x", [TRAINER], rules=[{"apiGroups": TRAINER}, {"apiGroups": [[TRAINER]]}]),
        {"metadata": {"name": "empty"}, "webhooks": None},
        {"metadata": {"name": "odd"}, "webhooks": 7},
        {"metadata": {"name": "odd"}, "webhooks": ["x", None]},
        {},
    ],
)
def test_ours_and_neighbours_are_not_foreign(configuration: dict[str, Any]) -> None:
    assert found(configuration) == []


def test_a_foreign_configuration_is_named_once() -> None:
    configuration = webhooks("v", "x", [TRAINER])
    configuration["webhooks"] *= 3
    assert found(configuration, webhooks("validator", "webhook", [TRAINER])) == [("v", "service ops/x")]


def test_the_bundle_of_the_collection_is_not_foreign_to_itself() -> None:
    real = load_bundle(str(BUNDLE))
    assert foreign_webhooks(real.webhook_configurations(), real) == []
    # Another JobSet, with the default names of its own manifest.
    jobset = webhooks("jobset-validating-webhook-configuration", "jobset-webhook-service", [JOBSET, ""])
    assert [(name, str(place)) for name, place in foreign_webhooks([jobset], real)] == [
        ("jobset-validating-webhook-configuration", "service ops/jobset-webhook-service")
    ]
