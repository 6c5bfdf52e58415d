# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the objects of a bundle and judge each of them, before webhooks are probed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..cluster.watch import Scope, Watcher
from ..objects.fields import name_of, part, parts, text
from ..objects.resources import resource_of
from ..release.bundle import Bundle
from ..release.components import LEASES, is_named_jobset
from ..release.recognition import JOBSET_CRD
from ..verdicts.pods import may_run, running_since
from ..verdicts.verdict import Verdict
from ..verdicts.webhooks import endpoints_verdict, webhook_configuration_verdict
from ..verdicts.workloads import deployment_verdict, lease_verdict, pods_of
from .external_jobset import ExternalJobSet
from .prerequisites import Foundation

_SERVICE_LABEL = "kubernetes.io/service-name"


class Readiness:
    """The watched state of a bundle on a cluster.

    Args:
        external_jobset: an external JobSet, which must be ready, too.
        with_secrets: watch the metadata of the certificate Secrets, too.
    """

    def __init__(
        self, cluster: Cluster, bundle: Bundle, external_jobset: ExternalJobSet | None, *, with_secrets: bool
    ) -> None:
        self._bundle = bundle
        self._external_jobset = external_jobset
        crds = bundle.names("CustomResourceDefinition") + ([JOBSET_CRD] if external_jobset else [])
        namespace = bundle.namespace
        self._foundation = Foundation(cluster, namespace, crds)
        self._deployments = Scope(resource_of("apps/v1", "Deployment"), namespace)
        self._pods = Scope(resource_of("v1", "Pod"), namespace)
        self._slices = Scope(resource_of("discovery.k8s.io/v1", "EndpointSlice"), namespace)
        self._leases = Scope(resource_of("coordination.k8s.io/v1", "Lease"), namespace)
        self._secrets = Scope(resource_of("v1", "Secret"), namespace, metadata_only=True)
        self._configurations = {
            kind: Scope(resource_of("admissionregistration.k8s.io/v1", kind))
            for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        }
        scopes = [self._deployments, self._pods, self._slices, self._leases, *self._configurations.values()]
        scopes += external_jobset.scopes if external_jobset else []
        if with_secrets:
            scopes.append(self._secrets)
        self.watcher = Watcher(cluster, scopes)

    @property
    def is_asking(self) -> bool:
        """Return whether an object that is not watched is not ready."""
        return self._foundation.is_asking

    def look_again(self, also: Iterable[Callable[[], object]] = ()) -> None:
        """List everything again: the watched state may be outdated.

        Args:
            also: further requests to send at the same time.

        Raises:
            RightsError, ApiError, UnreachableError: something could not be read.
        """
        self.watcher.refresh([*self._foundation.requests(), *also])

    def verdicts(self) -> list[Verdict]:
        """Return the verdicts on everything except the webhook probes.

        Raises:
            ConductorError: a CRD may not be read.
        """
        bundle, watcher = self._bundle, self.watcher
        pods = self.pods()
        deployments = self.deployments()
        verdicts = self._foundation.verdicts()
        own_pods: dict[str, Mapping[str, Any]] = {}
        for deployment in bundle.objects("Deployment"):
            name = deployment["metadata"]["name"]
            members = pods_of(deployment, pods)
            own_pods.update({text(pod, "metadata", "uid"): pod for pod in members})
            verdicts.append(deployment_verdict(name, deployments.get(name), members))
            manager = {text(entry, "name") for entry in parts(deployment, "spec", "template", "spec", "containers")}
            running = [pod for pod in members if may_run(pod, manager)]
            hosts = [pod for pod in running if part(pod, "spec").get("hostNetwork") is True]
            names = {text(pod, "spec", "nodeName") if pod in hosts else name_of(pod): pod for pod in running}
            starts = {holder: running_since(pod, manager) for holder, pod in names.items()}
            verdicts += self._leader(name, starts, hosts=bool(hosts))
        services: set[str] = set()
        for configuration in bundle.webhook_configurations():
            name = configuration["metadata"]["name"]
            live = watcher.objects(self._configurations[configuration["kind"]]).get(name)
            wanted = [webhook["name"] for webhook in configuration["webhooks"]]
            verdicts.append(webhook_configuration_verdict(name, live, wanted))
            services |= {webhook["clientConfig"]["service"]["name"] for webhook in configuration["webhooks"]}
        slices = list(watcher.objects(self._slices).values())
        for service in sorted(services):
            pieces = [piece for piece in slices if text(piece, "metadata", "labels", _SERVICE_LABEL) == service]
            verdicts.append(endpoints_verdict(service, pieces, own_pods))
        return verdicts + (self._external_jobset.verdicts(watcher) if self._external_jobset else [])

    def proven_against(self) -> frozenset[tuple[str, ...]]:
        """Return the endpoints and the webhook configurations that a proof depends on.

        If they are the same before and after a proof, the proof is valid for the current state.
        """
        scopes = [self._slices] + (
            [scope for scope in self._external_jobset.scopes if _is_slice(scope)] if self._external_jobset else []
        )
        answering = {
            (
                scope.namespace or "",
                text(piece, "metadata", "labels", _SERVICE_LABEL),
                text(endpoint, "targetRef", "uid"),
            )
            for scope in scopes
            for piece in self.watcher.objects(scope).values()
            for endpoint in parts(piece, "endpoints")
        }
        called = {
            (text(item, "metadata", "uid"), text(item, "metadata", "generation")) for item in self.configurations()
        }
        return frozenset(answering | called)

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Return the live Deployments by name."""
        return self.watcher.objects(self._deployments)

    def pods(self) -> list[dict[str, Any]]:
        """Return the pods of the controllers' namespace."""
        return list(self.watcher.objects(self._pods).values())

    def secrets(self) -> dict[str, dict[str, Any]]:
        """Return the metadata of the Secrets by name; empty if they are not watched."""
        return self.watcher.objects(self._secrets)

    def configurations(self) -> list[dict[str, Any]]:
        """Return all webhook configurations of the cluster, of any owner."""
        return [item for scope in self._configurations.values() for item in self.watcher.objects(scope).values()]

    def _leader(self, deployment: str, pods: Mapping[str, str], *, hosts: bool) -> list[Verdict]:
        """Return the verdict on a controller's Lease; none if there is no Lease, because leader election may be off."""
        component = "jobset" if is_named_jobset(deployment) else "trainer"
        found = self.watcher.objects(self._leases)
        names = [name for name, whose in LEASES.items() if whose == component and name in found]
        return [lease_verdict(name, found[name], pods, self._bundle.namespace, hosts=hosts) for name in names]


def _is_slice(scope: Scope) -> bool:
    return scope.resource.plural == "endpointslices"
