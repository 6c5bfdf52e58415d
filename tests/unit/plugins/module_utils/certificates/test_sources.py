# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.sources import (
    data_keys,
    has_certificate,
    pods_to_touch,
    sources,
    stale_deployments,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import certificate_secrets
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import pods_of
from tests.unit.plugins.helpers.builders import BUNDLE, POD, bundle, certificate_fields, deployment, pod

FULL = {"metadata": {"managedFields": [certificate_fields()]}}


def secret(*keys: str) -> dict[str, Any]:
    return {"metadata": {"managedFields": [{"fieldsV1": {"f:data": {f"f:{key}": {} for key in keys}}}]}}


@pytest.mark.parametrize(
    ("metadata", "keys"),
    [
        (FULL["metadata"], {"ca.crt", "ca.key", "tls.crt", "tls.key"}),
        ({"managedFields": [*secret("a")["metadata"]["managedFields"], *FULL["metadata"]["managedFields"]]}, {"a"}),
        ({"managedFields": [{"fieldsV1": {"f:data": {".": {}}}}]}, set()),
        ({"managedFields": [{"fieldsV1": {"f:data": None}}, {"fieldsV1": None}, {}]}, set()),
        ({"managedFields": None}, set()),
        ({}, set()),
    ],
)
def test_data_keys_without_reading_values(metadata: dict[str, Any], keys: set[str]) -> None:
    assert data_keys(metadata) >= keys
    if not keys:
        assert data_keys(metadata) == frozenset()


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (FULL, True),
        (secret("ca.crt", "ca.key", "tls.crt", "tls.key", "extra"), True),
        (secret("tls.crt", "tls.key"), False),
        (secret(), False),
        ({"metadata": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_whole_certificate(value: dict[str, Any] | None, whole: bool) -> None:
    assert has_certificate(value) is whole


def test_the_secrets_a_deployment_mounts() -> None:
    assert certificate_secrets(deployment()) == ["manager-cert"]
    bare = deployment()
    del bare["spec"]["template"]["spec"]["volumes"]
    assert certificate_secrets(bare) == []


def test_the_controllers_of_the_collection_each_mount_a_secret_of_the_bundle() -> None:
    real = load_bundle(str(BUNDLE))
    mounted = [name for each in real.objects("Deployment") for name in certificate_secrets(each)]
    assert sorted(mounted) == real.names("Secret")


@pytest.mark.parametrize(
    ("value", "member"),
    [
        (pod("p", "manager"), True),
        (pod("p", "manager", labels={"app": "manager", "more": "x"}), True),
        (pod("p", "other"), False),
        (pod("p", "manager", labels=None), False),
        (pod("p", "manager", deletionTimestamp="t"), False),
    ],
)
def test_the_pods_of_a_deployment(value: dict[str, Any], member: bool) -> None:
    assert bool(pods_of(deployment(), [value])) is member


@pytest.mark.parametrize(
    ("value", "secrets", "touched"),
    [
        (pod("manager-1", "manager", ready=False), {"manager-cert": FULL}, True),
        (pod("manager-1", "manager"), {"manager-cert": FULL}, False),
        (pod("manager-1", "manager", ready=False), {"manager-cert": secret("tls.crt")}, False),
        (pod("manager-1", "manager", ready=False), {"other": FULL}, False),
        (pod("manager-1", "manager", ready=False), {}, False),
        (pod("manager-1", "other", ready=False), {"manager-cert": FULL}, False),
        (pod("manager-1", "manager", ready=False, deletionTimestamp="t"), {"manager-cert": FULL}, False),
    ],
)
def test_pod_is_touched_only_if_its_certificate_exists(
    value: dict[str, Any], secrets: dict[str, Any], touched: bool
) -> None:
    assert pods_to_touch([deployment()], iter([value]), secrets) == ([POD] if touched else [])


def test_the_sources_of_the_collections_own_bundle() -> None:
    found = sources(load_bundle(str(BUNDLE)))
    assert {name: (source.secret, source.host) for name, source in found.items()} == {
        "defaulter.trainer.kubeflow.org": TRAINER,
        "validator.trainer.kubeflow.org": TRAINER,
        "jobset-mutating-webhook-configuration": JOBSET,
        "jobset-validating-webhook-configuration": JOBSET,
    }


TRAINER = ("kubeflow-trainer-webhook-cert", "kubeflow-trainer-controller-manager.kubeflow-system.svc")
JOBSET = ("jobset-webhook-server-cert", "jobset-webhook-service.kubeflow-system.svc")


@pytest.mark.parametrize(
    ("subject", "evidence", "good", "stale"),
    [
        ("webhook validate.validator", "it cannot be called: x509: certificate signed by", {"webhook"}, {"manager"}),
        ("webhook validate.validator", "remote error: tls: bad certificate", {"webhook"}, {"manager"}),
        ("webhook validate.validator", "it cannot be called: connection refused", {"webhook"}, set()),
        # Its Secret holds no trusted certificate either.
        ("webhook validate.validator", "x509: certificate has expired", set(), set()),
        ("webhook another", "x509: certificate signed by unknown authority", {"webhook"}, set()),
    ],
)
def test_deployment_is_stale_if_a_probe_fails_but_not_its_secret(
    subject: str, evidence: str, good: set[str], stale: set[str]
) -> None:
    proof = Verdict(
        subject, "probe: denied", "progressing", evidence, name=subject.removeprefix("webhook "), is_probe=True
    )
    assert stale_deployments(bundle(), [proof], good) == stale
    assert stale_deployments(bundle(), [replace(proof, state="ready")], good) == frozenset()


def test_a_stale_pod_is_touched_although_it_is_ready() -> None:
    pods, secrets = [pod("manager-1", "manager"), pod("other-1", "other")], {"manager-cert": FULL}
    deployments = [deployment(), deployment("other")]
    assert [key.name for key in pods_to_touch(deployments, pods, secrets, {"manager"})] == ["manager-1"]
    assert pods_to_touch(deployments, pods, secrets, {"other"}) == []
