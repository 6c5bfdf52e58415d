# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release that has objects less than the one before, on a real API server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle, Phase
from tests.support.control_plane import ControlPlane
from tests.unit.plugins.helpers.installing import ensure_present

GROUP = "trainer.kubeflow.org"
CRD = f"olds.{GROUP}"


def named(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """The same object by another name."""
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def crd() -> dict[str, Any]:
    """A small CRD."""
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": CRD,
            "labels": {MANAGED_LABEL: "true"},
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubeflow/trainer"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": "olds", "singular": "old", "kind": "Old", "listKind": "OldList"},
            "versions": [{"name": "v1alpha1", "served": True, "storage": True, "schema": schema}],
        },
    }


def older(bundle: Bundle) -> Bundle:
    """The release with one object more of each kind."""
    more = {manifest["kind"]: manifest for manifest in bundle.objects()}
    added = {
        phase.name: [
            crd() if kind == "CustomResourceDefinition" else named(manifest, "old")
            for kind, manifest in more.items()
            if kind in {one["kind"] for one in phase.objects}
        ]
        for phase in bundle.phases
    }
    phases = tuple(Phase(phase.name, (*phase.objects, *added[phase.name])) for phase in bundle.phases)
    keys = {key_of(manifest) for phase in phases for manifest in phase.objects}
    return replace(bundle, release="2.2.9", phases=phases, sha256="older", known=frozenset(keys))


@pytest.fixture
def upgraded(plane: ControlPlane, bundle: Bundle) -> tuple[ControlPlane, list[Key]]:
    """The older release, and what it has more."""
    ensure_present(plane.client(), older(bundle))
    present = {key_of(manifest) for manifest in bundle.objects()}
    return plane, [key for key in map(key_of, older(bundle).objects()) if key not in present]


def names(keys: list[Key], *but: str) -> list[str]:
    return sorted(str(key) for key in keys if key.kind not in but)


def test_what_the_release_has_no_more_goes_but_for_crds_and_namespaces(
    upgraded: tuple[ControlPlane, list[Key]], bundle: Bundle
) -> None:
    plane, left = upgraded
    kept = ("CustomResourceDefinition", "Namespace")
    mark = plane.now()
    foretold = ensure_present(plane.client(), bundle, check=True)
    assert plane.writes_since(mark) == []
    done = ensure_present(plane.client(), bundle)
    assert foretold["actions"] == done["actions"] == {"prune": names(left, *kept)}
    assert foretold["retained"] == done["retained"]
    assert len(done["retained"]) == len(kept)
    there = [key for key in left if plane.client().find(path_of(key), metadata_only=True)]
    assert {key.kind for key in there} == set(kept)
    mark = plane.now()
    again = ensure_present(plane.client(), bundle)
    assert (again["changed"], again["retained"]) == (False, done["retained"])
    assert plane.writes_since(mark) == []


def test_a_crd_goes_when_asked_for_and_empty(upgraded: tuple[ControlPlane, list[Key]], bundle: Bundle) -> None:
    plane, _left = upgraded
    mine = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "Old",
        "metadata": {"name": "mine"},
    }
    where = f"/apis/{GROUP}/v1alpha1/namespaces/default/olds"
    plane.client().request("POST", where, body=mine, step="create", subject="mine")
    held = ensure_present(plane.client(), bundle, prune_crds=True)
    assert f"CustomResourceDefinition {CRD}: Old default/mine needs it" in held["retained"]
    plane.client().request("DELETE", f"{where}/mine", step="delete", subject="mine")
    assert ensure_present(plane.client(), bundle, prune_crds=True)["actions"] == {
        "prune": [f"CustomResourceDefinition {CRD}"]
    }


def test_what_somebody_made_again_or_took_over_stays(upgraded: tuple[ControlPlane, list[Key]], bundle: Bundle) -> None:
    plane, left = upgraded
    service = next(key for key in left if key.kind == "Service")
    config = next(key for key in left if key.kind == "ConfigMap")
    plane.kubectl("delete", "service", service.name, f"--namespace={service.namespace}")
    plane.kubectl("create", "service", "clusterip", service.name, "--tcp=80", f"--namespace={service.namespace}")
    plane.kubectl(
        "annotate", "configmap", config.name, "meta.helm.sh/release-name=x", f"--namespace={config.namespace}"
    )

    pruned = ensure_present(plane.client(), bundle)["actions"]["prune"]
    assert str(service) not in pruned
    assert str(config) not in pruned
    assert all(plane.client().find(path_of(key)) for key in (service, config))
    assert not {service, config} & read_install_record(plane.client(), bundle.namespace).entries.keys()
