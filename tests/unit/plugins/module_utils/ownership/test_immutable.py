# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.ownership.immutable import immutable_differences
from tests.unit.plugins.helpers.states import release


def manifest(kind: str) -> dict[str, Any]:
    return release().objects(kind)[0]


def made(kind: str, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "x"}, "spec": spec}


def job(image: str = "i", **spec: Any) -> dict[str, Any]:
    return made("Job", template={"spec": {"containers": [{"name": "c", "image": image}]}}, **spec)


def changed(kind: str, *path: str, to: Any) -> dict[str, Any]:
    item = copy.deepcopy(manifest(kind))
    place = item
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = to
    return item


IN = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["c", "b"]}]}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "theirs"}


@pytest.mark.parametrize(
    ("live", "field", "found"),
    [
        (changed("Deployment", "spec", "selector", to={"matchLabels": {"a": "b"}}), "spec.selector", "a=b"),
        (changed("Deployment", "spec", "selector", to=IN), "spec.selector", "a In (c, b)"),
        # One label more is another selector as well.
        (
            changed("Deployment", "spec", "selector", "matchLabels", "app.kubernetes.io/instance", to="x"),
            "spec.selector",
            None,
        ),
        (changed("RoleBinding", "roleRef", to=ROLE), "roleRef", "ClusterRole theirs"),
        (changed("ClusterRoleBinding", "roleRef", "name", to="theirs"), "roleRef", "ClusterRole theirs"),
        (changed("Service", "spec", "clusterIP", to="None"), "spec.clusterIP", "None"),
        (changed("Service", "spec", "type", to="ExternalName"), "spec.type", "ExternalName"),
        (changed("CustomResourceDefinition", "spec", "scope", to="Cluster"), "spec.scope", "Cluster"),
        (changed("CustomResourceDefinition", "spec", "names", "kind", to="Set"), "spec.names.kind", "Set"),
        (
            changed("CustomResourceDefinition", "status", "storedVersions", to=["v1alpha1", "v1alpha2"]),
            "status.storedVersions",
            "v1alpha1",
        ),
        (changed("ConfigMap", "immutable", to=True), "immutable", "true"),
    ],
)
def test_what_the_server_does_not_change_is_found(live: dict[str, Any], field: str, found: str | None) -> None:
    (difference,) = immutable_differences(manifest(live["kind"]), live)
    assert difference.field == field
    assert found is None or difference.found == found
    assert difference.wanted
    assert difference.wanted != difference.found


@pytest.mark.parametrize(
    ("wanted", "live", "fields"),
    [
        (job(), job("other"), ["spec.template.spec.containers.image"]),
        (job(completionMode="Indexed"), job(completionMode="NonIndexed"), ["spec.completionMode"]),
        # The server chooses the selector of a Job.
        (job(), job(selector={"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}}), []),
        (
            made("StatefulSet", selector={"matchLabels": {"a": "b"}}),
            made("StatefulSet", selector=IN),
            ["spec.selector"],
        ),
        ({"kind": "Secret", "type": "Opaque"}, {"kind": "Secret", "type": "kubernetes.io/tls"}, ["type"]),
        ({"kind": "Secret"}, {"kind": "Secret", "type": "kubernetes.io/tls"}, []),
        (
            made("Deployment", selector=IN),
            made("Deployment", selector={"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c"]}]}),
            [],
        ),
        # Other fields change, and so do other kinds.
        (made("Deployment", selector=IN, replicas=1), made("Deployment", selector=IN, replicas=2), []),
        ({"kind": "ClusterRole", "rules": [1]}, {"kind": "ClusterRole", "rules": []}, []),
    ],
)
def test_other_kinds_and_fields(wanted: dict[str, Any], live: dict[str, Any], fields: list[str]) -> None:
    assert [one.field for one in immutable_differences(wanted, live)] == fields


def test_the_releases_own_objects_have_none_and_nothing_raises() -> None:
    for item in release().objects():
        assert immutable_differences(item, item) == []
        for broken in ({}, {"metadata": None}, {"spec": 1, "roleRef": [], "status": {"storedVersions": {}}}):
            assert immutable_differences(item, broken) == []
