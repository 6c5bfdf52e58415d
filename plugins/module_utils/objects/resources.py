# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource types of a bundle, and their API paths.

The kinds of a release are known, so no discovery is needed. Discovery costs a request per API group, and
kubernetes.core caches the response in a predictable file in a shared folder. Only users' objects may be of other kinds:
those are learned from the CRDs that come with them, or from the server (C(plan/discovery.py)).
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from ..errors import BundleError


class Resource(NamedTuple):
    """One resource type. C(group) is empty for the core API."""

    group: str
    version: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """Return the C(apiVersion) of its objects, e.g. C(apps/v1)."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Return the path of the API group version, e.g. C(/apis/apps/v1)."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the path of the collection, or of one object if C(name) is given."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{quote(namespace, safe='')}")
        parts.append(self.plural)
        if name:
            # Names of RBAC objects may contain colons, which are legal in a path segment. Slashes must be encoded.
            parts.append(quote(name, safe=":"))
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Key(NamedTuple):
    """The type and name of an object. C(namespace) is empty for cluster-scoped objects."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def _resource(api_version: str, plural: str, namespaced: bool) -> Resource:
    group, _slash, version = api_version.rpartition("/")
    return Resource(group, version, plural, namespaced)


RESOURCES: dict[tuple[str, str], Resource] = {
    (api_version, kind): _resource(api_version, plural, namespaced)
    for api_version, kind, plural, namespaced in (
        ("v1", "Namespace", "namespaces", False),
        ("v1", "ServiceAccount", "serviceaccounts", True),
        ("v1", "ConfigMap", "configmaps", True),
        ("v1", "Secret", "secrets", True),
        ("v1", "Service", "services", True),
        ("v1", "Pod", "pods", True),
        ("v1", "Event", "events", True),
        ("v1", "Node", "nodes", False),
        ("v1", "ResourceQuota", "resourcequotas", True),
        ("v1", "LimitRange", "limitranges", True),
        ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", True),
        ("apps/v1", "Deployment", "deployments", True),
        ("apps/v1", "ReplicaSet", "replicasets", True),
        ("apps/v1", "StatefulSet", "statefulsets", True),
        ("apps/v1", "DaemonSet", "daemonsets", True),
        ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", True),
        ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", False),
        ("coordination.k8s.io/v1", "Lease", "leases", True),
        ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", True),
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True),
        ("rbac.authorization.k8s.io/v1", "Role", "roles", True),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", False),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", False),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
            False,
        ),
        (
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
            False,
        ),
        ("batch/v1", "Job", "jobs", True),
        ("batch/v1", "CronJob", "cronjobs", True),
        ("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", "clustertrainingruntimes", False),
        ("trainer.kubeflow.org/v1alpha1", "TrainingRuntime", "trainingruntimes", True),
        ("trainer.kubeflow.org/v1alpha1", "TrainJob", "trainjobs", True),
        ("jobset.x-k8s.io/v1alpha2", "JobSet", "jobsets", True),
    )
}


# The kinds of users' objects. A process works with one cluster.
_LEARNED: dict[tuple[str, str], Resource] = {}


def learn(kind: str, resource: Resource) -> None:
    """Add a kind that is not in C(RESOURCES)."""
    if (resource.api_version, kind) not in RESOURCES:
        _LEARNED[resource.api_version, kind] = resource


def forget(api_version: str, kind: str) -> None:
    """Remove a kind that was learned: the cluster does not have it (any more)."""
    _LEARNED.pop((api_version, kind), None)


def find_resource(api_version: str, kind: str) -> Resource | None:
    """Return the resource type of a kind; None if it is not known (yet)."""
    return RESOURCES.get((api_version, kind)) or _LEARNED.get((api_version, kind))


def resource_of(api_version: str, kind: str) -> Resource:
    """Return the resource type of a kind.

    Raises:
        BundleError: the kind is not known.
    """
    found = find_resource(api_version, kind)
    if found is None:
        raise BundleError(
            f"this release of the collection cannot apply the kind {kind} of {api_version}",
            next_step="use a bundle and a collection of the same release",
        )
    return found


def key_of(manifest: dict[str, Any]) -> Key:
    """Return the key of a manifest; the namespace of a cluster-scoped object is ignored.

    An object of a kind that is not known is in a namespace if it names one.
    """
    api_version, kind = manifest["apiVersion"], manifest["kind"]
    metadata = manifest["metadata"]
    resource = RESOURCES.get((api_version, kind))
    namespace = metadata.get("namespace", "") if resource is None or resource.namespaced else ""
    return Key(api_version, kind, namespace, metadata.get("name", ""))


def path_of(key: Key) -> str:
    """Return the API path of an object."""
    return resource_of(key.api_version, key.kind).path(key.namespace, key.name)
