# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server rejects the pods of the table of tests/unit/plugins/helpers/pod_policies.py, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.control_plane import ControlPlane
from tests.support.foreign import namespace
from tests.support.known_states import HOME
from tests.support.states import States, apply
from tests.unit.plugins.helpers.installing import ensure_present
from tests.unit.plugins.helpers.pod_policies import (
    LIMIT_RANGES,
    QUOTAS,
    limit,
    limit_range,
    quota,
)

# Each takes some milliseconds.
_ATTEMPTS = 2000


def asked(client: Cluster, place: str, spec: dict[str, Any]) -> str:
    """What the server says of a pod by a dry run; empty if it admits it."""
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": place}, "spec": spec}
    path = f"/api/v1/namespaces/{place}/pods"
    try:
        client.request("POST", path, query={"dryRun": "All"}, body=body, step="ask", subject="Pod p")
    except ApiError as error:
        return str(error)
    return ""


def placed(item: dict[str, Any], place: str) -> dict[str, Any]:
    return {**item, "metadata": {**item["metadata"], "namespace": place}}


def ready_for_pods(plane: ControlPlane, place: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": place}}
    apply(plane, [namespace(place)])
    apply(plane, [account], "kube-controller-manager")


def test_the_server_rejects_the_same_pods(states: States) -> None:
    plane = states.enter(None)
    client = plane.client()
    cases = {
        **{("limits", name): (ranges, [], spec, bool(words)) for name, (ranges, spec, words) in LIMIT_RANGES.items()},
        **{
            ("quota", name): (ranges, [limits], spec, bool(missing or beyond))
            for name, (limits, ranges, spec, missing, beyond) in QUOTAS.items()
        },
    }
    wrong = {}
    for number, (case, (ranges, quotas, spec, rejected)) in enumerate(cases.items()):
        place = f"case-{number}"
        ready_for_pods(plane, place)
        for item in (*ranges, *quotas):
            plural = "limitranges" if item["kind"] == "LimitRange" else "resourcequotas"
            path = f"/api/v1/namespaces/{place}/{plural}"
            client.request("POST", path, body=placed(item, place), step="create", subject=plural)
        # Admission learns of the policies a moment later, and of a quota once its controller has counted.
        said = asked(client, place, spec)
        for _attempt in range(_ATTEMPTS):
            if bool(said) == rejected:
                break
            said = asked(client, place, spec)
        if bool(said) != rejected:
            wrong[case] = said
    assert wrong == {}
    # Once more: what was admitted at first may have come before its policy.
    for number, (case, (_ranges, _quotas, spec, rejected)) in enumerate(cases.items()):
        said = asked(client, f"case-{number}", spec)
        if bool(said) != rejected:
            wrong[case] = said
    assert wrong == {}


POLICIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a LimitRange": (
        limit_range(limit(max={"cpu": "100m", "memory": "64Mi"}), name="tight"),
        "limit_range",
        "LimitRange tight",
    ),
    "a quota on limits": (
        quota({"limits.cpu": "10", "limits.memory": "20Gi"}),
        "quota_missing_resources",
        "ResourceQuota q",
    ),
}


@pytest.mark.parametrize("case", POLICIES)
def test_what_rejects_the_controllers_is_a_blocker_that_names_it(states: States, bundle: Bundle, case: str) -> None:
    policy, code, subject = POLICIES[case]
    plane = states.enter(None)
    apply(plane, [namespace(HOME), placed(policy, HOME)])
    mark = plane.now()
    found = [one for one in inspect(plane.client(), bundle)["blockers"] if one["code"] == code]
    assert found
    assert {one["object"] for one in found} == {subject}
    with pytest.raises(RefusedError, match=code):
        ensure_present(plane.client(), bundle)
    assert plane.writes_since(mark) == []


def test_defaults_fill_in_what_a_quota_requires(states: States, bundle: Bundle) -> None:
    plane = states.enter(None)
    default = limit_range(limit(default={"cpu": "1", "memory": "4Gi"}), name="defaults")
    policies = [quota({"limits.cpu": "10", "limits.memory": "20Gi"}), default]
    apply(plane, [namespace(HOME), *(placed(item, HOME) for item in policies)])
    assert inspect(plane.client(), bundle)["blockers"] == []
