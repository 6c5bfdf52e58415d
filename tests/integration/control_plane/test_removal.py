# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A removal takes what Conductor made and nothing else, whatever it finds, and goes on where it was cut off."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    NotReadyError,
    RefusedError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.support.control_plane import ControlPlane
from tests.support.fake_kubelet import ending_pods
from tests.support.foreign import Manifest
from tests.support.known_states import HOME, TRAINJOBS
from tests.support.removal_states import ALL
from tests.support.sampled import sampled
from tests.support.states import HELD, States
from tests.unit.plugins.helpers.installing import ensure_present

SWITCHES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "jobs abandoned": {"abandon_jobs": True},
    "everything": {"remove_user_data": True, "remove_crds": True},
}
# One after the other, on the same cluster: the second uninstall deletes what the first one retained.
ORDER = ("as it is", "everything")
# Words of the blockers, by state and switches.
REFUSED = {
    ("ours-with-users", "as it is"): "1 unfinished TrainJob (team-a/unfinished)",
    ("ours-with-a-finished-job", "as it is"): "1 finished TrainJob (team-a/finished)",
    **{("ours-called-by-another", one): "webhook configuration another" for one in ORDER},
    **{("ours-taken-over-by-helm", one): "is managed by Helm release trainer and stays, but" for one in ORDER},
}
# Words about deletions that do not finish.
STUCK = {("ours-with-a-crd-terminating", "everything"): "finalizer example.com/held"}
# Retained objects with our label, except for CRDs that remove_crds does not select.
_HOME, _PROBE = b"/registry/namespaces/kubeflow-system", b"/registry/namespaces/conductor-probe"
_RECORD = b"/registry/configmaps/kubeflow-system/conductor-install-record"
_HELD = b"/registry/trainer.kubeflow.org/clustertrainingruntimes/torch-distributed"
STAYS = {
    # It is unknown who created them.
    "ours-without-a-record": {_HOME, _PROBE},
    "ours-with-the-namespace-terminating": {_HOME, _PROBE},
    "ours-with-a-guest": {_HOME, _RECORD},
    "ours-in-a-prepared-namespace": {_HOME},
    # The CRD comes before them in the order.
    "ours-with-a-crd-terminating": {_HOME, _PROBE, _RECORD},
    "ours-with-a-finished-job": {_HELD},
}
# Each takes some ten seconds.
EVERY_TIME = {
    "ours",
    "ours-taken-over-by-helm",
    "ours-with-a-held-runtime",
    "ours-with-users",
    "ours-without-a-record",
}
OURS = sampled(sorted(state.name for state in ALL if state.name.startswith("ours")), EVERY_TIME)
THEIRS = sorted(state.name for state in ALL if not state.name.startswith("ours"))
# Our label, among the fields that we own: nobody else's object has it in these states.
MARK = b"conductor.trainer/managed"
# What the server and its controllers make and take away by themselves.
DERIVED = re.compile(
    rb"^/registry/(pods|replicasets|ipaddresses|endpointslices|services/endpoints|apiregistration\.k8s\.io/apiservices"
    rb"|serviceaccounts/[^/]+/default$|configmaps/[^/]+/kube-root-ca\.crt$)"
)
USER_DATA = re.compile(
    rb"^/registry/(trainer\.kubeflow\.org/(trainjobs|trainingruntimes|clustertrainingruntimes)|jobset\.x-k8s\.io)/"
)
CRDS = re.compile(
    rb"^/registry/apiextensions\.k8s\.io/customresourcedefinitions/.*(trainer\.kubeflow\.org|jobset\.x-k8s\.io)$"
)
# Seconds; the garbage collector of a busy machine takes its time. A removal that works ends much earlier.
_REMOVED_WITHIN = 120
NONE = re.compile(rb"(?!)")


def stored(plane: ControlPlane) -> dict[bytes, bytes]:
    return dict(plane.snapshot().values)


def remove(plane: ControlPlane, bundle: Bundle, **options: Any) -> dict[str, Any]:
    with ending_pods(plane):
        return ensure_absent(plane.client(), bundle, **{"timeout": _REMOVED_WITHIN, **options})


def calls_in_vain(plane: ControlPlane) -> set[str]:
    """Webhooks that point to a Service that is not there."""
    services = {
        (item["metadata"]["namespace"], item["metadata"]["name"])
        for item in plane.get("services", "--all-namespaces")["items"]
    }
    return {
        f"{item['metadata']['name']} {service['namespace']}/{service['name']}"
        for item in plane.get("validatingwebhookconfigurations,mutatingwebhookconfigurations")["items"]
        for webhook in item["webhooks"]
        for service in (webhook["clientConfig"].get("service"),)
        if service and (service["namespace"], service["name"]) not in services
    }


def of_others(before: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {key: value for key, value in before.items() if MARK not in value and not DERIVED.match(key)}


@pytest.mark.parametrize("name", THEIRS)
def test_where_nothing_is_ours_nothing_is_touched(states: States, bundle: Bundle, name: str) -> None:
    plane = states.enter(name)
    mark = plane.now()
    result = ensure_absent(plane.client(), bundle, **SWITCHES["everything"])
    assert (result["changed"], result["existed"], result["actions"]) == (False, False, {})
    assert plane.writes_since(mark) == []


@pytest.mark.parametrize("name", OURS)
def test_what_is_ours_goes_and_nothing_else(states: States, bundle: Bundle, name: str) -> None:
    plane = states.enter(name)
    for switches in ORDER:
        assert_only_ours_goes(plane, bundle, name, switches)


@pytest.mark.parametrize("name", sampled(["ours-with-users", "ours-with-a-finished-job"], ["ours-with-users"]))
def test_jobs_that_are_abandoned_stay(states: States, bundle: Bundle, name: str) -> None:
    plane = states.enter(name)
    assert_only_ours_goes(plane, bundle, name, "jobs abandoned")


def assert_only_ours_goes(plane: ControlPlane, bundle: Bundle, name: str, switches: str) -> None:
    options = SWITCHES[switches]
    before, vain = stored(plane), calls_in_vain(plane)
    mark = plane.now()
    refusal, stuck = REFUSED.get((name, switches)), STUCK.get((name, switches))
    if refusal is not None:
        for check in (True, False):
            with pytest.raises(RefusedError, match=re.escape(refusal)):
                ensure_absent(plane.client(), bundle, check=check, **options)
        assert plane.writes_since(mark) == []
        return
    foretold = ensure_absent(plane.client(), bundle, check=True, **options)
    assert plane.writes_since(mark) == []
    if stuck is None:
        done = remove(plane, bundle, **options)
        assert told(done) == told(foretold)
    else:
        with pytest.raises(NotReadyError, match=re.escape(stuck)):
            remove(plane, bundle, timeout=3, **options)
    after = stored(plane)
    # Nobody else lost anything, and nothing of anybody's is otherwise than it was.
    asked = USER_DATA if options.get("remove_user_data") else NONE
    others = {key: value for key, value in of_others(before).items() if not asked.match(key)}
    assert {key for key, value in others.items() if after.get(key) != value} == set()
    # Nothing of ours is left but what is to stay.
    left = {key for key, value in after.items() if MARK in value and not DERIVED.match(key)} - STAYS.get(name, set())
    crds = {key for key, value in before.items() if MARK in value and CRDS.match(key)}
    assert left == (set() if options.get("remove_crds") else crds) if stuck is None else left <= crds
    assert calls_in_vain(plane) <= vain
    if stuck is None:
        mark = plane.now()
        again = ensure_absent(plane.client(), bundle, **options)
        assert (again["changed"], again["actions"]) == (False, {})
        assert plane.writes_since(mark) == []


def test_what_holds_the_deletion_of_a_crd_is_named(states: States, bundle: Bundle) -> None:
    plane = states.enter("ours-with-users")
    plane.kubectl("delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "--all")
    patch = f'--patch={{"metadata":{{"finalizers":["{HELD}"]}}}}'
    plane.kubectl("patch", "trainjob", "unfinished", "--namespace=team-a", "--type=merge", patch)
    plane.kubectl("delete", "crd", TRAINJOBS, "--wait=false")
    holder = f"TrainJob team-a/unfinished (finalizer {HELD}"
    deleting = ("--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=60s")
    plane.kubectl("wait", "trainjob/unfinished", "--namespace=team-a", *deleting)
    (blocker,) = (one for one in inspect(plane.client(), bundle)["blockers"] if one["code"] == "terminating")
    assert holder in blocker["cause"]
    with pytest.raises(RefusedError, match=re.escape(holder)):
        ensure_present(plane.client(), bundle)
    lines = ensure_absent(plane.client(), bundle, check=True, abandon_jobs=True)["retained"]
    (line,) = (one for one in lines if TRAINJOBS in one)
    assert "remove_crds is off" not in line
    assert holder in line
    with pytest.raises(NotReadyError, match=f"TrainJob team-a/unfinished is Terminating .* finalizer {HELD}"):
        remove(plane, bundle, timeout=3, abandon_jobs=True, remove_crds=True, remove_user_data=True)


def guest(place: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "guest", "namespace": place}}


# An aggregated API whose Service does not exist: the contents of namespaces are not known completely.
BROKEN_API = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1.broken.example.com"},
    "spec": {
        "group": "broken.example.com",
        "version": "v1",
        "groupPriorityMinimum": 1000,
        "versionPriority": 1,
        "insecureSkipTLSVerify": True,
        "service": {"namespace": "default", "name": "gone"},
    },
}
# What keeps namespaces, how it is removed, and the namespaces that stay until then.
KEEPERS: dict[str, tuple[list[Manifest], tuple[str, ...]]] = {
    "an object in the operator's namespace": ([guest(HOME)], (HOME,)),
    "an object in the namespace of the probes": ([guest("conductor-probe")], (HOME, "conductor-probe")),
    "an API that does not answer": ([BROKEN_API], (HOME, "conductor-probe")),
}


@pytest.mark.parametrize("case", sampled(KEEPERS, [next(iter(KEEPERS))]))
def test_what_kept_a_namespace_is_repaired_and_the_next_run_completes_it(
    states: States, bundle: Bundle, case: str, tmp_path: Path
) -> None:
    keepers, stay = KEEPERS[case]
    plane = states.enter("ours")
    manifests = tmp_path / "keepers.json"
    manifests.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": keepers}), encoding="utf-8")
    plane.kubectl("create", f"--filename={manifests}")
    first = remove(plane, bundle)
    lines = [line for line in first["retained"] if line.startswith("Namespace ")]
    assert all(any(f"Namespace {place}" in line for line in lines) for place in stay)
    assert any("run the uninstall again once this is resolved" in line for line in lines)
    mark = plane.now()
    again = ensure_absent(plane.client(), bundle)
    assert (again["changed"], again["existed"]) == (False, True)
    assert plane.writes_since(mark) == []
    for keeper in keepers:
        place = keeper["metadata"].get("namespace")
        where = [f"--namespace={place}"] if place else []
        plane.kubectl("delete", keeper["kind"].lower(), keeper["metadata"]["name"], *where)
    last = remove(plane, bundle)
    assert set(last["actions"]["delete"]) == {f"Namespace {place}" for place in stay}
    assert not any("Namespace" in line for line in last["retained"])
    names = {item["metadata"]["name"] for item in plane.get("namespaces")["items"]}
    assert not names & {HOME, "conductor-probe"}


def told(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "elapsed"}
