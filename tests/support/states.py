# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters as they are found: named states, each made by what somebody really does to one.

A state is prepared once in a run and kept; entering it again puts the very objects back, within a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES, Resource
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.support.control_plane import ControlPlane
from tests.support.etcd import Snapshot
from tests.support.foreign import Manifest, namespace
from tests.support.playing import CLONE
from tests.unit.plugins.helpers.installing import ensure_present

# Kinds that Conductor never writes.
_MORE_RESOURCES = {
    ("v1", "ResourceQuota"): Resource("", "v1", "resourcequotas", True),
    ("v1", "LimitRange"): Resource("", "v1", "limitranges", True),
    ("networking.k8s.io/v1", "NetworkPolicy"): Resource("networking.k8s.io", "v1", "networkpolicies", True),
}
# Nobody ever takes this finalizer away.
HELD = "example.com/held"
BUNDLE = CLONE / "roles" / "conductor" / "files" / "bundles" / "2.3.0.json"

# A Deployment that does not come up is given up after ten minutes (progressDeadlineSeconds): put back later than that,
# it would not stay as it was.
_KEPT_SECONDS = 420

Build = Callable[[ControlPlane], None]


@dataclass(frozen=True)
class State:
    """How a cluster gets into a state."""

    name: str
    build: Build
    # The state it starts from.
    after: str | None = None


class States:
    """Brings one control plane into named states."""

    def __init__(self, plane: ControlPlane, states: Iterable[State], empty: Snapshot) -> None:
        self._plane = plane
        self._states = {state.name: state for state in states}
        self._empty = empty
        # When what is in a state began, and what that is.
        self._prepared: dict[str, tuple[float, Snapshot]] = {}

    def enter(self, name: str | None) -> ControlPlane:
        """The control plane in this state; without a name, as it came up."""
        self._plane.check()
        if name is None:
            self._plane.restore(self._empty)
        elif name in self._prepared and time.monotonic() < self._prepared[name][0] + _KEPT_SECONDS:
            self._plane.restore(self._prepared[name][1])
        else:
            state = self._states[name]
            self.enter(state.after)
            # Its Deployments may be those of the state it starts from, and as old.
            since = self._prepared[state.after][0] if state.after else time.monotonic()
            state.build(self._plane)
            self._plane.settle()
            self._prepared[name] = (since, self._plane.snapshot())
        return self._plane


def our_bundle() -> Bundle:
    """The bundle of the collection."""
    return load_bundle(str(BUNDLE))


def install_ours(plane: ControlPlane) -> None:
    """Our bundle, applied by ourselves."""
    ensure_present(plane.client(), our_bundle())


def apply(plane: ControlPlane, manifests: Iterable[Manifest], manager: str = "kubectl") -> None:
    """What C(kubectl apply --server-side) sends, as often as it takes: namespaces, the rest, custom resources."""
    client = plane.client()

    def one(manifest: Manifest) -> None:
        collection, name = _place(manifest)
        client.request(
            "PATCH",
            f"{collection}/{name}",
            query={"fieldManager": manager, "fieldValidation": "Strict", "force": "false"},
            body=manifest,
            content_type="application/apply-patch+yaml",
            step="apply",
            subject=f"{manifest['kind']} {name}",
        )

    _in_waves(plane, client, manifests, one)


def create(plane: ControlPlane, manifests: Iterable[Manifest], manager: str) -> None:
    """Plain creates, as Helm 3 sends them."""
    client = plane.client()

    def one(manifest: Manifest) -> None:
        collection, name = _place(manifest)
        client.request(
            "POST",
            collection,
            query={"fieldManager": manager},
            body=manifest,
            step="create",
            subject=f"{manifest['kind']} {name}",
        )

    _in_waves(plane, client, manifests, one)


def crds_of(manifests: Iterable[Manifest]) -> list[Manifest]:
    """The CRDs among them."""
    return [one for one in manifests if one["kind"] == "CustomResourceDefinition"]


def marked(
    manifests: Iterable[Manifest], *, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None
) -> list[Manifest]:
    """The same with more labels and annotations on each object."""
    return [
        {
            **one,
            "metadata": {
                **one["metadata"],
                "labels": {**(one["metadata"].get("labels") or {}), **(labels or {})},
                "annotations": {**(one["metadata"].get("annotations") or {}), **(annotations or {})},
            },
        }
        for one in manifests
    ]


def namespace_terminating(plane: ControlPlane, name: str) -> None:
    """A namespace that was deleted and does not go, because an object in it is held."""
    held = {"name": "held", "namespace": name, "finalizers": [HELD]}
    apply(plane, [namespace(name), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": held}])
    plane.kubectl("delete", "namespace", name, "--wait=false")


def crd_terminating(plane: ControlPlane, name: str) -> None:
    """A CRD that was deleted and does not go."""
    plane.kubectl("patch", "crd", name, "--type=merge", f'--patch={{"metadata":{{"finalizers":["{HELD}"]}}}}')
    plane.kubectl("delete", "crd", name, "--wait=false")


def grant(plane: ControlPlane, user: str, rules: list[Manifest], place: str = "") -> ControlPlane:
    """The control plane as a user sees it who has these rights, in one namespace or in the whole cluster."""
    scope = "" if place else "Cluster"
    metadata = {"name": user, **({"namespace": place} if place else {})}
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": f"{scope}Role", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": f"{scope}RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": f"{scope}Role", "name": user},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    apply(plane, [role, binding])
    for rule in rules:
        if "resources" in rule:
            plane.await_right(
                user,
                rule["verbs"][0],
                rule["resources"][0],
                place,
                rule["apiGroups"][0],
                (rule.get("resourceNames") or [""])[0],
            )
    return plane.identity(user)


def _in_waves(
    plane: ControlPlane, client: Cluster, manifests: Iterable[Manifest], send: Callable[[Manifest], None]
) -> None:
    manifests = list(manifests)
    crds = crds_of(manifests)
    groups = {crd["spec"]["group"] for crd in crds}
    waves: tuple[list[Manifest], ...] = ([], [], [])
    for one in manifests:
        custom = one["apiVersion"].rpartition("/")[0] in groups
        waves[0 if one["kind"] == "Namespace" else 2 if custom else 1].append(one)
    client.each(send, waves[0])
    client.each(send, waves[1])
    plane.await_served(crds)
    client.each(send, waves[2])


def _place(manifest: Manifest) -> tuple[str, str]:
    """The path of the collection a manifest belongs to, and its name there."""
    kind = (manifest["apiVersion"], manifest["kind"])
    resource = RESOURCES[kind] if kind in RESOURCES else _MORE_RESOURCES[kind]
    return resource.path(manifest["metadata"].get("namespace")), quote(manifest["metadata"]["name"], safe=":")
