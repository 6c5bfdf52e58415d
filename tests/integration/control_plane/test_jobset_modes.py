# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose JobSet an install uses, on each state of JobSet and in each mode; somebody else's is never written to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.names import INSTALL_RECORD
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import is_of_jobset, without_jobset
from tests.support.control_plane import ControlPlane
from tests.support.known_states import HOME, JOBSET_HOME
from tests.support.states import States
from tests.support.upstream_objects import jobset_objects
from tests.unit.plugins.helpers.installing import ensure_present

SPLIT = "the installed JobSet is inconsistent"
FOREIGN = f"in namespace {HOME} is managed by"
ABSENT = "an external JobSet was requested, but no JobSet is installed"
TWICE = "installing a second JobSet would break it"
UNHEALTHY = "is not ready"
OLD = "requires JobSet 0.12.0 or newer"
ALONE = "the JobSet CRD exists without a controller"
UNKNOWN = "it is unknown which JobSet is installed"
OURS = "is the bundled one"
# State to what comes of the modes: "bundled" or "external", or words of the refusal.
OUTCOMES: dict[str | None, dict[str, str]] = {
    None: {"auto": "bundled", "bundled": "bundled", "external": ABSENT},
    "ours": {"auto": "bundled", "bundled": "bundled", "external": OURS},
    "ours-without-controllers": {"auto": "bundled", "bundled": "bundled", "external": OURS},
    # It is kubectl's, and taken over.
    "upstream-healthy": {"auto": "bundled", "bundled": "bundled", "external": OURS},
    "helm": {"auto": FOREIGN, "bundled": FOREIGN, "external": FOREIGN},
    "jobset": {"auto": UNHEALTHY, "bundled": TWICE, "external": UNHEALTHY},
    "jobset-healthy": {"auto": "external", "bundled": TWICE, "external": "external"},
    "jobset-old": {"auto": UNHEALTHY, "bundled": TWICE, "external": OLD},
    "jobset-old-healthy": {"auto": OLD, "bundled": TWICE, "external": OLD},
    "jobset-crd-alone": {"auto": ALONE, "bundled": ALONE, "external": ALONE},
    "jobset-split": {"auto": SPLIT, "bundled": SPLIT, "external": SPLIT},
    "jobset-elsewhere": {"auto": UNKNOWN, "bundled": UNKNOWN, "external": UNKNOWN},
    "jobset-openshift": {"auto": UNHEALTHY, "bundled": TWICE, "external": UNHEALTHY},
}
# These install or take over a whole JobSet, and say the same as the one with auto.
LONG = (("upstream-healthy", "bundled"), ("upstream-healthy", "external"))
CASES = [
    pytest.param(state, mode, id=f"{state}-{mode}", marks=[pytest.mark.evidence] if (state, mode) in LONG else [])
    for state, modes in OUTCOMES.items()
    for mode in modes
]
_TYPES = (
    "customresourcedefinitions,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,"
    "validatingwebhookconfigurations,serviceaccounts,configmaps,secrets,services,deployments,roles,rolebindings"
)


def jobset_metadata(plane: ControlPlane) -> dict[str, Mapping[str, Any]]:
    """The metadata of all that is JobSet's, managedFields among them: any write whatever would change it."""
    found = plane.get(_TYPES, "--all-namespaces", "--show-managed-fields")["items"]
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item["metadata"]
        for item in found
        if is_of_jobset(item)
    }


@pytest.mark.parametrize(("state", "mode"), CASES)
def test_outcome(states: States, bundle: Bundle, state: str | None, mode: str) -> None:
    plane = states.enter(state)
    before = jobset_metadata(plane)
    outcome = OUTCOMES[state][mode]
    mark = plane.now()

    if outcome not in ("bundled", "external"):
        with pytest.raises(RefusedError) as caught:
            ensure_present(plane.client(), bundle, jobset=mode)
        assert outcome in str(caught.value)
        assert plane.writes_since(mark) == []
        assert jobset_metadata(plane) == before
        return

    assert ensure_present(plane.client(), bundle, jobset=mode)["jobset"] == outcome
    assert read_install_record(plane.client(), HOME).jobset == outcome
    if outcome == "external":
        assert jobset_metadata(plane) == before
        # Intent and record.
        assert len(plane.writes_of_run(mark)) == len(without_jobset(bundle).objects()) + 2


def beside(states: States, bundle: Bundle) -> ControlPlane:
    """Trainer installed beside a JobSet that was there."""
    plane = states.enter("jobset-healthy")
    ensure_present(plane.client(), bundle)
    return plane


@pytest.mark.parametrize("mode", ["auto", "external"])
def test_a_second_run_beside_it_writes_nothing_and_does_not_look_again(
    states: States, bundle: Bundle, mode: str
) -> None:
    plane = beside(states, bundle)
    mark = plane.now()
    result = ensure_present(plane.client(), bundle, jobset=mode)
    assert not result["changed"]
    assert plane.writes_since(mark) == []


def test_without_the_record_the_same_is_found_again(states: States, bundle: Bundle) -> None:
    plane = beside(states, bundle)
    plane.kubectl("delete", "configmap", INSTALL_RECORD, f"--namespace={HOME}")
    before = jobset_metadata(plane)
    result = ensure_present(plane.client(), bundle)
    assert (result["jobset"], result["actions"], result["record_updated"]) == ("external", {}, True)
    assert jobset_metadata(plane) == before


def test_beside_it_ours_is_refused_for_ever(states: States, bundle: Bundle) -> None:
    plane = beside(states, bundle)
    mark = plane.now()
    with pytest.raises(RefusedError, match=TWICE):
        ensure_present(plane.client(), bundle, jobset="bundled", force=True)
    assert plane.writes_since(mark) == []


def test_what_was_installed_with_ours_does_not_change_sides(states: States, bundle: Bundle) -> None:
    plane = states.enter("ours")
    # Somebody took ours away and brought another.
    plane.kubectl("delete", "deployment", "jobset-controller-manager", f"--namespace={HOME}")
    for kind in ("validatingwebhookconfiguration", "mutatingwebhookconfiguration"):
        plane.kubectl("delete", kind, f"jobset-{kind.removesuffix('webhookconfiguration')}-webhook-configuration")
    other = [one for one in jobset_objects() if one["kind"].endswith("WebhookConfiguration")]
    client = plane.client()
    for one in other:
        plural = f"{one['kind'].lower()}s"
        path = f"/apis/admissionregistration.k8s.io/v1/{plural}"
        client.request("POST", path, body=one, step="create", subject=one["metadata"]["name"])
    mark = plane.now()
    with pytest.raises(RefusedError, match=SPLIT):
        ensure_present(plane.client(), bundle)
    assert plane.writes_since(mark) == []


def test_when_the_other_is_gone_it_is_missed_and_ours_comes_only_when_asked_for(states: States, bundle: Bundle) -> None:
    plane = beside(states, bundle)
    for kind in ("validatingwebhookconfiguration", "mutatingwebhookconfiguration"):
        plane.kubectl("delete", kind, f"jobset-{kind.removesuffix('webhookconfiguration')}-webhook-configuration")
    for name in ("jobset-manager-role", "jobset-metrics-reader", "jobset-proxy-role"):
        plane.kubectl("delete", "clusterrole", name)
        binding = f"{name.removesuffix('-role')}-rolebinding"
        plane.kubectl("delete", "clusterrolebinding", binding)
    plane.kubectl("delete", "crd", "jobsets.jobset.x-k8s.io")
    plane.kubectl("delete", "deployment", "jobset-controller-manager", f"--namespace={JOBSET_HOME}")
    mark = plane.now()
    with pytest.raises(RefusedError, match=ABSENT):
        ensure_present(plane.client(), bundle)
    assert plane.writes_since(mark) == []

    assert ensure_present(plane.client(), bundle, jobset="bundled")["jobset"] == "bundled"
    assert ensure_present(plane.client(), bundle)["jobset"] == "bundled"
