# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource types a bundle may hold, and the paths they are served at.

Kinds in a bundle are known, so nothing is discovered: a discovery costs a request per API group and
kubernetes.core keeps its answer in a predictable file in a shared folder.
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
        """The C(apiVersion) of its objects, e.g. C(apps/v1)."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The path of the API group version, e.g. C(/apis/apps/v1)."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The path of the collection, or of one object when C(name) is given."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{quote(namespace, safe='')}")
        parts.append(self.plural)
        if name:
            # RBAC names may hold colons and are legal in a path segment; only slashes and the like must go.
            parts.append(quote(name, safe=":"))
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Key(NamedTuple):
    """Which object: its type and its name. C(namespace) is empty for cluster-scoped objects."""

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
        ("apps/v1", "Deployment", "deployments", True),
        ("apps/v1", "ReplicaSet", "replicasets", True),
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
        ("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", "clustertrainingruntimes", False),
        ("trainer.kubeflow.org/v1alpha1", "TrainingRuntime", "trainingruntimes", True),
        ("trainer.kubeflow.org/v1alpha1", "TrainJob", "trainjobs", True),
        ("jobset.x-k8s.io/v1alpha2", "JobSet", "jobsets", True),
    )
}


def resource_of(api_version: str, kind: str) -> Resource:
    """The resource type of a kind.

    Raises:
        BundleError: the kind is not in the table above.
    """
    try:
        return RESOURCES[api_version, kind]
    except KeyError:
        raise BundleError(
            f"kind {kind} of {api_version} is not a kind this release of the collection can apply",
            next_step="use the bundle and the collection of the same release",
        ) from None


def key_of(manifest: dict[str, Any]) -> Key:
    """The key of a manifest; a namespace given to a cluster-scoped object does not count."""
    api_version, kind = manifest["apiVersion"], manifest["kind"]
    metadata = manifest["metadata"]
    namespace = metadata.get("namespace", "") if resource_of(api_version, kind).namespaced else ""
    return Key(api_version, kind, namespace, metadata.get("name", ""))


def path_of(key: Key) -> str:
    """The path an object is served at."""
    return resource_of(key.api_version, key.kind).path(key.namespace, key.name)
