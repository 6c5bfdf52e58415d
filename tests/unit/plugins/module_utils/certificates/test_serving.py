# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.serving import (
    ServingCertificates,
    public_parts,
    read_serving,
)
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.sources import sources
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from tests.unit.plugins.helpers.builders import NAMESPACE, SECRET, VALIDATOR, bundle, certificate_data, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster

SOURCE = next(iter(sources(bundle()).values()))
KEYS = [certificate_data()[name] for name in ("tls.key", "ca.key")]


def reads(cluster: FakeCluster) -> int:
    return sum("/secrets" in request.path for request in cluster.requests)


def looked(cluster: FakeCluster, clock: Clock) -> ServingCertificates:
    certificates = ServingCertificates(cluster, bundle(), monotonic=clock.monotonic)
    certificates.look([cluster.objects[VALIDATOR]])
    return certificates


def test_only_public_parts_of_a_secret_are_kept() -> None:
    cluster = serving(bundle())
    found = read_serving(cluster, SOURCE)
    assert found is not None
    assert found.keys == {"ca.crt", "ca.key", "tls.crt", "tls.key"}
    kept = repr(asdict(found))
    for key in KEYS:
        assert key not in kept
        assert base64.b64decode(key).decode().splitlines()[-1] not in kept
    (request,) = cluster.requests
    # It needs only the permission to list, and returns no other Secret.
    assert (request.method, request.query["fieldSelector"]) == ("GET", "metadata.name=manager-cert")


@pytest.mark.parametrize("odd", [None, {}, {"data": None}, {"data": []}, {"data": {"tls.crt": None, "ca.crt": 3}}])
def test_malformed_secret_has_no_public_parts(odd: Any) -> None:
    assert public_parts(odd).certificate == b""
    assert "tls.crt" not in public_parts(odd).keys


def test_empty_value_does_not_count_as_key() -> None:
    assert public_parts({"data": {"tls.crt": "", "tls.key": "x"}}).keys == {"tls.key"}


def test_a_look_gives_verdict_and_row(clock: Clock) -> None:
    cluster = serving(bundle())
    certificates = ServingCertificates(cluster, bundle(), monotonic=clock.monotonic)
    (verdict,) = certificates.look([cluster.objects[VALIDATOR], {"metadata": {"name": "somebody's"}}])
    assert (verdict.subject, verdict.rule, verdict.state) == ("webhook configuration validator", "certificate", "ready")
    (row,) = certificates.rows
    assert (row["secret"], row["service"], row["days_left"]) == ("manager-cert", "webhook", 399)
    assert certificates.good == frozenset({"webhook"})
    assert certificates.warnings == []


def test_response_is_reused_for_a_second(clock: Clock) -> None:
    cluster = serving(bundle())
    certificates = looked(cluster, clock)
    certificates.look([cluster.objects[VALIDATOR]])
    assert reads(cluster) == 1
    del cluster.objects[SECRET]
    clock.sleep(1.0)
    (verdict,) = certificates.look([cluster.objects[VALIDATOR]])
    assert reads(cluster) == 2
    assert not verdict.ready
    assert certificates.good == frozenset()


def test_requests_in_advance_save_reads_of_a_look(clock: Clock) -> None:
    cluster = serving(bundle())
    certificates = ServingCertificates(cluster, bundle(), monotonic=clock.monotonic)
    for again in range(2):
        for send in certificates.requests():
            send()
        assert reads(cluster) == again + 1
        # The slowest request may take a while.
        clock.sleep(0.5)
        (verdict,) = certificates.look([cluster.objects[VALIDATOR]])
        assert verdict.ready
        assert reads(cluster) == again + 1
        certificates.forget()


def test_missing_permission_is_reported_after_one_request(clock: Clock) -> None:
    cluster = serving(bundle())
    cluster.fail(403, method="GET", path="/secrets")
    certificates = looked(cluster, clock)
    clock.sleep(60.0)
    (verdict,) = certificates.look([cluster.objects[VALIDATOR]])
    assert verdict.ready
    assert "missing permission to list it" in verdict.evidence
    assert reads(cluster) == 1
    assert certificates.good == {"webhook"}


def test_any_other_failure_is_raised(clock: Clock) -> None:
    cluster = serving(bundle())
    cluster.fail(500, method="GET", path="/secrets")
    with pytest.raises(ApiError):
        looked(cluster, clock)


def test_the_sources_of_the_small_bundle() -> None:
    assert (SOURCE.secret, SOURCE.host) == ("manager-cert", f"webhook.{NAMESPACE}.svc")
