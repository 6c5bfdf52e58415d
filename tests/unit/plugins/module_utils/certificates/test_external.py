# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.external import (
    certify,
    injects_authority,
    own_certificates,
)
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.sources import sources
from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES, Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import without_jobset
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE, identified
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.fakes import FakeCluster, failure
from tests.unit.plugins.helpers.installing import ensure_present
from tests.unit.plugins.helpers.stepping import Script

EXTERNAL = load_bundle(str(BUNDLE), "default", "external")
HOME = EXTERNAL.namespace
TRAINER, JOBSET = "kubeflow-trainer-webhook-tls", "jobset-webhook-tls"
YEAR = timedelta(days=365)
FIRST, SECOND = Authority("first", life=YEAR), Authority("second", life=YEAR)
SHORT = Authority("short", life=timedelta(days=40))


def give(cluster: FakeCluster, authority: Authority, *, without: str = "", host: str = "") -> None:
    """Store certificates in both Secrets."""
    for source in set(sources(EXTERNAL).values()):
        pair = authority.server("webhook", [host or source.host])
        values = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority.pem}
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": source.secret, "namespace": HOME},
            "data": {name: base64.b64encode(value).decode() for name, value in values.items() if name != without},
        }
        cluster.objects.pop(key_of(manifest), None)
        cluster.put(manifest, "somebody", "Update")


def trusted(objects: Mapping[str, Any] | Bundle) -> set[bytes]:
    """Return every caBundle of a bundle's webhooks."""
    assert isinstance(objects, Bundle)
    return {
        base64.b64decode(webhook["clientConfig"].get("caBundle", ""))
        for configuration in objects.webhook_configurations()
        for webhook in configuration["webhooks"]
    }


def made() -> FakeCluster:
    cluster = identified(FakeCluster())
    give(cluster, FIRST)
    return cluster


def test_external_mode_uses_other_secrets() -> None:
    assert {source.secret for source in sources(EXTERNAL).values()} == {TRAINER, JOBSET}
    assert not {TRAINER, JOBSET} & set(EXTERNAL.names("Secret"))
    assert {(tuple(sorted(source.needed)), source.own_authority) for source in sources(EXTERNAL).values()} == {
        (("tls.crt", "tls.key"), False)
    }


def test_webhooks_trust_the_ca_of_the_secret() -> None:
    certified = certify(made(), EXTERNAL, {})
    assert certified.blockers == ()
    assert trusted(certified.bundle) == {FIRST.pem}
    assert trusted(EXTERNAL) == {b""}


def test_webhooks_trust_the_ca_of_the_option() -> None:
    cluster = identified(FakeCluster())
    give(cluster, FIRST, without="ca.crt")
    assert "ca.crt" in certify(cluster, EXTERNAL, {}).blockers[0]["cause"]
    both = replace(EXTERNAL, authority=(SECOND.pem + FIRST.pem).decode())
    certified = certify(cluster, both, {})
    assert certified.blockers == ()
    assert trusted(certified.bundle) == {SECOND.pem + FIRST.pem}


def test_generated_certificates_are_not_read() -> None:
    cluster = made()
    plain = load_bundle(str(BUNDLE))
    assert certify(cluster, plain, {}) == (plain, ())
    assert own_certificates(cluster, plain) == {}
    assert cluster.requests == []


def test_certificate_of_an_external_jobset_is_not_checked() -> None:
    cluster = made()
    del cluster.objects[Key("v1", "Secret", HOME, JOBSET)]
    assert certify(cluster, without_jobset(EXTERNAL), {}).blockers == ()
    (blocker,) = certify(cluster, EXTERNAL, {}).blockers
    assert (blocker["code"], blocker["object"]) == ("certificate_invalid", f"Secret {HOME}/{JOBSET}")
    assert "does not exist" in blocker["cause"]


def test_injected_ca_bundle_is_left_to_cert_manager() -> None:
    (one, *_others) = EXTERNAL.webhook_configurations()
    metadata = {"annotations": {"cert-manager.io/inject-ca-from": "kubeflow-system/webhook"}}
    certified = certify(made(), EXTERNAL, {key_of(one): metadata})
    assert trusted(certified.bundle) == {b"", FIRST.pem}
    assert one in certified.bundle.webhook_configurations()
    assert injects_authority(metadata)
    assert not injects_authority({"annotations": {"cert-manager.io/other": "x"}})
    assert not injects_authority({"annotations": None})


def test_missing_permission_to_list_secrets_is_named() -> None:
    cluster = made()
    cluster.fail(403, method="GET", path="/secrets")
    with pytest.raises(RightsError, match=f"list secrets in namespace {HOME}"):
        certify(cluster, EXTERNAL, {})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"without": "tls.key"}, "has no tls.key"),
        ({"host": "webhook.elsewhere.svc"}, "is for webhook.elsewhere.svc"),
        ({}, "not signed by"),
    ],
)
def test_an_install_stops_before_it_writes_anything(options: dict[str, str], words: str) -> None:
    cluster = identified(FakeCluster())
    give(cluster, FIRST, **options)
    external = replace(EXTERNAL, authority="" if options else SECOND.pem.decode())
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, external)
    assert words in str(caught.value)
    unfit = [blocker for blocker in caught.value.facts["blockers"] if blocker["code"] == "certificate_invalid"]
    assert {blocker["object"] for blocker in unfit} == {f"Secret {HOME}/{name}" for name in (TRAINER, JOBSET)}
    assert len(unfit) == 2
    assert cluster.applies == []


def ca_bundles(cluster: FakeCluster) -> set[bytes]:
    return {
        base64.b64decode(webhook["clientConfig"].get("caBundle", ""))
        for key, item in cluster.objects.items()
        if key.kind.endswith("WebhookConfiguration")
        for webhook in item["webhooks"]
    }


def test_install_follows_a_new_authority_and_is_idempotent() -> None:
    cluster = made()
    secrets = {key: repr(item) for key, item in cluster.objects.items() if key.name in (TRAINER, JOBSET)}
    assert ensure_present(cluster, EXTERNAL)["changed"]
    assert ca_bundles(cluster) == {FIRST.pem}
    cluster.requests.clear()
    assert not ensure_present(cluster, EXTERNAL)["changed"]
    assert cluster.applies == []
    assert {key: repr(cluster.objects[key]) for key in secrets} == secrets
    give(cluster, SECOND)
    assert list(ensure_present(cluster, EXTERNAL)["actions"]) == ["update"]
    assert ca_bundles(cluster) == {SECOND.pem}
    cluster.requests.clear()
    assert not ensure_present(cluster, EXTERNAL)["changed"]
    assert cluster.applies == []


def test_webhooks_change_only_after_the_last_rotating_controller_ended(script: Script) -> None:
    cluster = made()
    ensure_present(cluster, load_bundle(str(BUNDLE)))
    labels = {"app.kubernetes.io/component": "manager", "app.kubernetes.io/name": "trainer"}
    labels["app.kubernetes.io/part-of"] = "kubeflow"
    old = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "old", "namespace": HOME, "labels": labels},
        "status": {"phase": "Running"},
    }
    cluster.objects[key_of(old)] = old
    seen: list[tuple[set[bytes], set[str]]] = []

    def end(cluster: FakeCluster) -> None:
        secrets = {
            volume["secret"]["secretName"]
            for key, item in cluster.objects.items()
            if key.kind == "Deployment"
            for volume in item["spec"]["template"]["spec"]["volumes"]
            if "secret" in volume
        }
        seen.append((ca_bundles(cluster), secrets))
        del cluster.objects[key_of(old)]

    script.append((3.0, end))
    ensure_present(cluster, EXTERNAL)
    # The Deployments were already changed, the webhooks were not.
    assert seen == [({b""}, {TRAINER, JOBSET})]
    assert ca_bundles(cluster) == {FIRST.pem}


def test_invalid_certificate_stops_a_run_without_changes() -> None:
    cluster = made()
    ensure_present(cluster, EXTERNAL)
    give(cluster, FIRST, without="tls.key")
    with pytest.raises(RefusedError, match=r"has no tls\.key"):
        ensure_present(cluster, EXTERNAL)


def test_inspection_reports_the_problem() -> None:
    cluster = made()
    found = inspect(cluster, EXTERNAL)
    assert found["wanted"]["certificates"] == "external"
    assert found["wanted"]["invalid_certificates"] == []
    assert found["requests"] == len(cluster.requests)
    give(cluster, FIRST, without="tls.key")
    found = inspect(cluster, EXTERNAL)
    assert [blocker["object"] for blocker in found["blockers"] if blocker["code"] == "certificate_invalid"] == [
        item["object"] for item in found["wanted"]["invalid_certificates"]
    ]
    assert len(found["wanted"]["invalid_certificates"]) == 2


def later(days: int) -> Callable[[], datetime]:
    """Return a clock that is ahead."""
    return lambda: datetime.now(timezone.utc) + timedelta(days=days)


@pytest.mark.parametrize(
    ("authority", "days", "left"),
    [
        # With a lifetime of a year, the last 30 days.
        (FIRST, 330, None),
        (FIRST, 345, 19),
        # With a lifetime of 40 days, the last 10: cert-manager renews in the last third.
        (SHORT, 29, None),
        (SHORT, 31, 8),
    ],
)
def test_certificate_to_renew_is_reported(authority: Authority, days: int, left: int | None) -> None:
    cluster = identified(FakeCluster())
    give(cluster, authority)
    found = inspect(cluster, EXTERNAL, now=later(days))
    assert {due["days_left"] for due in found["wanted"]["expiring_certificates"]} == ({left} if left else set())
    told = [warning["object"] for warning in found["warnings_found"] if warning["code"] == "certificate_expiring"]
    assert told == [due["object"] for due in found["wanted"]["expiring_certificates"]]
    assert len(told) == (2 if left else 0)


def test_replaced_authority_may_expire() -> None:
    cluster = made()
    both = replace(EXTERNAL, authority=(SHORT.pem + FIRST.pem).decode())
    assert {found.due_in for found in own_certificates(cluster, both, now=later(35)).values()} == {None}
    alone = replace(EXTERNAL, authority=SHORT.pem.decode())
    # It did not sign them, but the expiry is known.
    assert {found.due_in for found in own_certificates(cluster, alone, now=later(35)).values()} == {4}


def test_inspection_reports_a_missing_permission() -> None:
    cluster = made()

    def hook(request: Any) -> dict[str, Any] | None:
        if "/secrets" in request.path:
            raise failure(403)
        return None

    cluster.hooks.append(hook)
    found = inspect(cluster, EXTERNAL)
    assert f"list secrets in namespace {HOME}" in found["permissions"]["unreadable"]
    assert "unreadable" in {warning["code"] for warning in found["warnings_found"]}


def test_a_controller_that_has_its_certificate_waits_for_its_crds() -> None:
    cluster = made()
    ensure_present(cluster, EXTERNAL, phases=[phase for phase in PHASES if phase != "runtimes"])
    paths = [request.path for request in cluster.requests]
    created = max(index for index, path in enumerate(paths) if "/customresourcedefinitions/" in path)
    looked = paths.index("/apis/trainer.kubeflow.org/v1alpha1")
    assert created < looked < min(index for index, path in enumerate(paths) if "/deployments/" in path)
