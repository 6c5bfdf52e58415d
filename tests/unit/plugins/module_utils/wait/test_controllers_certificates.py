# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes of a wait: touching pods so that they mount their certificates immediately."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import NotReadyError
from tests.unit.plugins.helpers.builders import (
    DENIAL,
    DEPLOYMENT,
    POD,
    SECRET,
    VALIDATOR,
    bundle,
    certificate_data,
    certificate_fields,
    pod,
    serving,
)
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure
from tests.unit.plugins.helpers.stepping import Script, drop, edit, good, waiting


def starting(*, full: bool = True) -> FakeCluster:
    """The pod is not ready; its certificate has been written or not."""
    cluster = serving(bundle())
    cluster.objects[POD] = pod("manager-1", "manager", ready=False)
    edit(DEPLOYMENT, "status", "availableReplicas", to=0)(cluster)
    if not full:
        cluster.objects[SECRET]["metadata"]["managedFields"].remove(certificate_fields())
    return cluster


def touches(cluster: FakeCluster) -> list[Request]:
    return [request for request in cluster.requests if request.path.endswith("/status")]


def test_a_pod_that_waits_for_its_certificate_is_touched_every_two_seconds(clock: Clock, script: Script) -> None:
    cluster = starting()
    script.append((5.0, good))
    result = waiting(cluster, clock, 60, refresh=True)
    assert result["touched"] == ["manager-1"]
    assert {request.path for request in touches(cluster)} == {"/api/v1/namespaces/ops/pods/manager-1/status"}
    assert cluster.writes == touches(cluster)
    # At 0, 2 and 4 seconds.
    assert len(touches(cluster)) == 3
    assert list(touches(cluster)[0].body["metadata"]["annotations"]) == ["conductor.trainer/certificate-mounted-at"]


@pytest.mark.parametrize("refresh", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_no_touch_without_leave_or_without_a_whole_certificate(
    clock: Clock, script: Script, refresh: bool, full: bool
) -> None:
    cluster = starting(full=full)
    with pytest.raises(NotReadyError):
        waiting(cluster, clock, 5, refresh=refresh)
    assert bool(touches(cluster)) is (refresh and full)


def test_without_leave_secrets_are_not_even_listed(clock: Clock, script: Script) -> None:
    cluster = starting()
    with pytest.raises(NotReadyError):
        waiting(cluster, clock, 1)
    assert not any("/secrets" in request.path for request in cluster.requests)
    with pytest.raises(NotReadyError):
        waiting(cluster, clock, 1, refresh=True)
    assert all("Partial" in request.accept for request in cluster.requests if "/secrets" in request.path)


def test_a_ready_pod_is_not_touched(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    drop(VALIDATOR)(cluster)
    with pytest.raises(NotReadyError):
        waiting(cluster, clock, 5, refresh=True)
    assert touches(cluster) == []


def test_a_pod_that_was_replaced_meanwhile_does_not_matter(clock: Clock, script: Script) -> None:
    cluster = starting()
    cluster.fail(404, path="/pods/manager-1/status")
    script.append((3.0, good))
    assert waiting(cluster, clock, 60, refresh=True)["touched"] == []


def test_a_touch_that_is_forbidden_is_a_warning_and_not_tried_again(clock: Clock, script: Script) -> None:
    cluster = starting()
    cluster.fail(403, path="/pods/manager-1/status", message="may not patch pods/status")
    script.append((9.0, good))
    result = waiting(cluster, clock, 60, refresh=True)
    assert result["touched"] == []
    (warning,) = result["warnings"]
    assert "may not patch pods/status" in warning


def test_a_touch_that_fails_for_a_moment_is_tried_again(clock: Clock, script: Script) -> None:
    cluster = starting()
    cluster.fail(503, path="/pods/manager-1/status")
    script.append((3.0, good))
    assert waiting(cluster, clock, 60, refresh=True)["warnings"] == []


def shows_another(cluster: FakeCluster, *, until: int) -> None:
    """The pods serve an untrusted certificate until they were touched this many times."""

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method != "POST":
            return None
        if len(touches(cluster)) >= until:
            raise failure(400, message=DENIAL)
        raise failure(500, message='failed calling webhook "validate.validator": x509: certificate signed by unknown')

    cluster.hooks[:] = [hook]


def test_a_ready_pod_that_shows_another_certificate_than_its_secret_holds_is_touched(
    clock: Clock, script: Script
) -> None:
    cluster = serving(bundle())
    shows_another(cluster, until=2)
    result = waiting(cluster, clock, 60, refresh=True)
    assert result["touched"] == ["manager-1"]
    assert len(touches(cluster)) == 2


def test_it_is_not_touched_where_its_secret_holds_nothing_better(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    shows_another(cluster, until=1)
    edit(SECRET, "data", "tls.crt", to=certificate_data()["ca.crt"])(cluster)
    with pytest.raises(NotReadyError, match="is for no host name"):
        waiting(cluster, clock, 5, refresh=True)
    assert touches(cluster) == []


@pytest.mark.parametrize("refresh", [True, False])
def test_a_certificate_that_would_not_be_trusted_is_waited_for_although_probes_succeed(
    clock: Clock, script: Script, refresh: bool
) -> None:
    cluster = serving(bundle())
    edit(SECRET, "data", "tls.key", to="")(cluster)
    script.append((3.0, good))
    result = waiting(cluster, clock, 60, refresh=refresh)
    assert result["elapsed"] >= 3.0
    assert "has no tls.key" in " ".join(result["timeline"][0]["waiting_for"])
    assert [row["problem"] for row in result["certificates"]] == [""]


def test_no_private_key_gets_out(clock: Clock, script: Script) -> None:
    results = [waiting(serving(bundle()), clock, 0)]
    for name in ("ca.crt", "ca.key", "tls.crt", "tls.key"):
        cluster = serving(bundle())
        edit(SECRET, "data", name, to="")(cluster)
        with pytest.raises(NotReadyError) as caught:
            waiting(cluster, clock, 0)
        results.append({"message": str(caught.value), "next_step": caught.value.next_step, **caught.value.facts})
        assert caught.value.facts["certificates"][0]["problem"]
    for result in results:
        said = json.dumps(result)
        assert not any(value in said for value in certificate_data().values())
        assert "PRIVATE" not in said


def test_a_certificate_that_is_lost_during_the_proof_is_seen(clock: Clock, script: Script) -> None:
    """The wait does not end on state that was read before the proof."""
    cluster = serving(bundle())

    def hook(request: Request) -> None:
        if request.method == "POST":
            edit(SECRET, "data", to={})(cluster)

    cluster.hooks.insert(0, hook)
    with pytest.raises(NotReadyError, match=r"has no ca\.crt"):
        waiting(cluster, clock, 0)
