# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch an external JobSet during a wait: it must be ready before Trainer. Nothing of it is ever written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..cluster.client import Cluster
from ..cluster.watch import Scope, Watcher
from ..errors import ApiError, RefusedError, listed
from ..jobset.choice import Choice, look_at_jobset, of_jobset, resolve_jobset
from ..objects.fields import parts, text
from ..objects.resources import resource_of
from ..ownership.record import Record, read_install_record
from ..release.bundle import Bundle
from ..release.components import probes_of_others, without_jobset
from ..release.recognition import is_jobset, places
from ..verdicts.verdict import Verdict
from ..verdicts.webhooks import endpoints_verdict, webhook_configuration_verdict
from ..verdicts.workloads import deployment_verdict, pods_of
from .controller_rows import controller_rows

_CONFIGURATIONS = {
    kind: Scope(resource_of("admissionregistration.k8s.io/v1", kind))
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
}
# The only finding that may disappear during a wait.
_WAITED_FOR = "jobset_unhealthy"


@dataclass(frozen=True)
class ExternalJobSet:
    """The JobSet of another owner.

    Args:
        namespace: the namespace of its controller, which is not Trainer's.
    """

    namespace: str

    @property
    def scopes(self) -> list[Scope]:
        """Return the objects to watch in addition to webhook configurations."""
        return [self._deployments, self._pods, self._slices]

    def verdicts(self, watcher: Watcher) -> list[Verdict]:
        """Return all verdicts except those on its CRD and the probes."""
        pods = list(watcher.objects(self._pods).values())
        verdicts: list[Verdict] = []
        own: dict[str, Mapping[str, Any]] = {}
        for deployment in self._controllers(watcher):
            members = pods_of(deployment, pods)
            own |= {text(pod, "metadata", "uid"): pod for pod in members}
            verdicts.append(deployment_verdict(f"{self.namespace}/{_name(deployment)}", deployment, members))
        if not verdicts:
            verdicts.append(deployment_verdict(f"{self.namespace}/(JobSet's controller)", None, ()))
        live = of_jobset([item for scope in _CONFIGURATIONS.values() for item in watcher.objects(scope).values()])
        verdicts += [
            webhook_configuration_verdict(
                _name(item), item, [text(webhook, "name") for webhook in parts(item, "webhooks")]
            )
            for item in live
        ]
        if not live:
            verdicts.append(webhook_configuration_verdict("of JobSet", None, ()))
        slices = list(watcher.objects(self._slices).values())
        for place in sorted(places(live)):
            labelled = [
                piece
                for piece in slices
                if text(piece, "metadata", "labels", "kubernetes.io/service-name") == place.service
            ]
            # A Service in another namespace has no endpoints here.
            verdicts.append(endpoints_verdict(str(place), labelled if place.namespace == self.namespace else [], own))
        return verdicts

    def rows(self, watcher: Watcher) -> list[dict[str, Any]]:
        """Return its running controller as result rows."""
        live = self._controllers(watcher)
        return controller_rows(live, {_name(item): item for item in live}, list(watcher.objects(self._pods).values()))

    @property
    def _deployments(self) -> Scope:
        return Scope(resource_of("apps/v1", "Deployment"), self.namespace)

    @property
    def _pods(self) -> Scope:
        return Scope(resource_of("v1", "Pod"), self.namespace)

    @property
    def _slices(self) -> Scope:
        return Scope(resource_of("discovery.k8s.io/v1", "EndpointSlice"), self.namespace)

    def _controllers(self, watcher: Watcher) -> list[Mapping[str, Any]]:
        return [item for item in watcher.objects(self._deployments).values() if is_jobset(item)]


def jobset_to_wait_for(cluster: Cluster, bundle: Bundle, mode: str) -> tuple[Bundle, ExternalJobSet | None]:
    """Return the part of a release to wait for, and the external JobSet, if it uses one.

    If JobSet is known to be installed with the release, no other one is searched for.

    Args:
        mode: one of C(JOBSET_MODES).

    Raises:
        RefusedError: the existing JobSet cannot be used, and waiting does not help.
        ApiError, UnreachableError: the server failed.
    """
    if mode == "bundled":
        return bundle, None
    record = _record(cluster, bundle.namespace)
    if mode == "auto" and record.jobset == "bundled":
        return bundle, None
    # A late import: most installations have the JobSet of the release.
    from ..findings.jobset_rules import judge_jobset

    configurations = _read(cluster)
    facts, job_sets, denied = look_at_jobset(cluster, bundle, configurations)
    if resolve_jobset(mode, record, facts) == "bundled":
        # The verdicts report problems of a bundled JobSet.
        return bundle, None
    blockers = [found for found in judge_jobset(facts, bundle, "external", job_sets) if found["code"] != _WAITED_FOR]
    choice = Choice("external", without_jobset(bundle), facts, tuple(blockers), denied)
    if choice.refusals:
        raise RefusedError(
            listed("the controllers cannot become ready:", choice.refusals),
            step="wait for controllers",
            next_step="; ".join(dict.fromkeys(choice.next_steps)),
            facts={"jobset_problems": choice.refusals},
        )
    probes = probes_of_others(bundle, of_jobset(configurations))
    return replace(choice.bundle, probes=(*choice.bundle.probes, *probes)), ExternalJobSet(facts["namespace"])


def _record(cluster: Cluster, namespace: str) -> Record:
    """Return the install record; an empty one if it may not be read, because the cluster shows the mode, too."""
    try:
        return read_install_record(cluster, namespace)
    except ApiError as error:
        if error.status != 403:
            raise
        return Record()


def _read(cluster: Cluster) -> list[dict[str, Any]]:
    """Return every webhook configuration, with its kind: the items of a list have none."""
    return [
        {**item, "kind": kind}
        for kind, scope in _CONFIGURATIONS.items()
        for item in cluster.list_all(scope.resource, metadata_only=False)[0]
    ]


def _name(item: Mapping[str, Any]) -> str:
    return text(item, "metadata", "name")
