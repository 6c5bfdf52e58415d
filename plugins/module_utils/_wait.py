# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind wait_for_controllers: blocks until both controllers really serve, or says what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ._beside import Beside
from ._bundle import Bundle
from ._certificates import needed_keys, pods_of, pods_to_touch, stale_deployments
from ._client import Cluster
from ._components import is_named_jobset
from ._controllers import controller_rows
from ._diagnosis import diagnose
from ._diagnosis_text import bounded_message, diagnosis_lines
from ._doomed import Doom, is_being_made
from ._errors import ConductorError, NotReadyError, listed
from ._events import last_event
from ._fate import Fate
from ._nudges import Nudges
from ._probe import prove_webhooks
from ._progress import Progress
from ._recognition import JOBSET_CRD
from ._removal import LEASES
from ._resources import Key, path_of, resource_of
from ._retry import is_transient
from ._serving_certificates import ServingCertificates
from ._verdict import Verdict
from ._verdict_crd import crd_verdict
from ._verdict_deployment import deployment_verdict
from ._verdict_lease import lease_verdict
from ._verdict_pod import running_since
from ._verdict_service import endpoints_verdict
from ._verdict_webhook_configuration import webhook_configuration_verdict
from ._watch import Scope, Watcher

# How many rounds of probes in a row must agree, each over connections of its own: behind a load balancer the next
# connection may reach an API server that cannot call the webhook yet.
PROBE_ROUNDS = 2
# Longest pause between two looks when no event arrives, in seconds: after a failed probe, and otherwise.
_AFTER_PROBE, _IDLE = 0.2, 1.0


class ControllersWait:
    """One wait for the controllers of a bundle.

    Args:
        beside: somebody else's JobSet, which must serve as well; C(bundle) is then without one.
        refresh: touch the pods that wait for the kubelet to mount their new certificate.
        retry: let be tried again at once what waits in a back-off since an earlier run. Without these two nothing is
            written.
        say: takes lines of progress; None for none.
        monotonic: seconds; injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        bundle: Bundle,
        *,
        beside: Beside | None = None,
        refresh: bool = False,
        retry: bool = False,
        say: Callable[[str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._bundle = bundle
        self._beside = beside
        self._refresh = refresh
        self._retry = retry
        self._monotonic = monotonic
        self._started = monotonic()
        self._timeline: list[dict[str, Any]] = []
        self._mounting: list[Key] = []
        self._since: dict[str, float] = {}
        self._progress = Progress(say) if say else None
        self._nudges = Nudges(cluster, monotonic)
        self._fate = Fate(cluster, bundle.objects("Deployment"))
        self._certificates = ServingCertificates(cluster, bundle, monotonic=monotonic)
        self._stale: frozenset[str] = frozenset()
        self._crd_names = bundle.names("CustomResourceDefinition") + ([JOBSET_CRD] if beside else [])
        self._crds: dict[str, Verdict] = {}
        namespace = bundle.namespace
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
        scopes += beside.scopes if beside else []
        if refresh:
            scopes.append(self._secrets)
        self._watcher = Watcher(cluster, scopes)

    def run(self, timeout: float) -> dict[str, Any]:
        """Waits up to C(timeout) seconds; 0 looks once.

        Returns:
            C(controllers), C(checks), C(certificates), C(touched), C(retried), C(warnings), C(timeline) and C(elapsed).

        Raises:
            NotReadyError: the deadline passed; names every rule that is not met, since when, and on what evidence. Or,
                before that, a controller will not become ready however long one waits; names cause and remedy.
            ApiError: something may not be read.
        """
        deadline = self._started + timeout
        with self._watcher:
            self._watcher.refresh()
            self._begin()
            agreeing = 0
            while True:
                verdicts = self._assess()
                if all(verdict.ready for verdict in verdicts):
                    proofs = self._prove()
                    agreeing = agreeing + 1 if all(proof.ready for proof in proofs) else 0
                    verdicts += proofs
                    if agreeing == PROBE_ROUNDS:
                        # Meanwhile something may have gone away again.
                        verdicts = self._assess() + proofs
                        if all(verdict.ready for verdict in verdicts):
                            self._note([])
                            return self._result(verdicts)
                        agreeing = 0
                else:
                    agreeing = 0
                waiting = [verdict for verdict in verdicts if not verdict.ready]
                self._note(waiting)
                now = self._monotonic()
                dooms = self._fate.signs(*self._controllers()) if waiting else []
                if certain := self._fate.certain(dooms, now):
                    raise self._doomed(certain, waiting, now)
                if waiting and now >= deadline:
                    raise self._not_ready(waiting, dooms, now)
                if not waiting:
                    continue
                if self._watcher.failure:
                    raise self._watcher.failure
                self._watcher.start()
                pause = _AFTER_PROBE if any(verdict.rule.startswith("probe") for verdict in waiting) else _IDLE
                self._watcher.wait(min(pause, self._help(), max(0.0, deadline - now)))

    def _assess(self) -> list[Verdict]:
        """Everything but the probes."""
        bundle, watcher = self._bundle, self._watcher
        pods = list(watcher.objects(self._pods).values())
        slices = list(watcher.objects(self._slices).values())
        deployments = watcher.objects(self._deployments)
        verdicts = [self._crd(name) for name in self._crd_names]
        own_pods: dict[str, Mapping[str, Any]] = {}
        for deployment in bundle.objects("Deployment"):
            name = deployment["metadata"]["name"]
            members = pods_of(deployment, pods)
            own_pods.update({pod["metadata"]["uid"]: pod for pod in members})
            verdicts.append(deployment_verdict(name, deployments.get(name), members))
            verdicts += self._leader(name, {pod["metadata"]["name"]: running_since(pod) for pod in members})
        services: set[str] = set()
        for configuration in bundle.webhook_configurations():
            name = configuration["metadata"]["name"]
            live = watcher.objects(self._configurations[configuration["kind"]]).get(name)
            wanted = [webhook["name"] for webhook in configuration["webhooks"]]
            verdicts.append(webhook_configuration_verdict(name, live, wanted))
            services |= {webhook["clientConfig"]["service"]["name"] for webhook in configuration["webhooks"]}
        for service in sorted(services):
            pieces = [
                piece
                for piece in slices
                if (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == service
            ]
            verdicts.append(endpoints_verdict(service, pieces, own_pods))
        return verdicts + (self._beside.verdicts(watcher) if self._beside else [])

    def _leader(self, deployment: str, pods: Mapping[str, str]) -> list[Verdict]:
        """The verdict on a controller's Lease; where there is none, leader election may be off."""
        component = "jobset" if is_named_jobset(deployment) else "trainer"
        found = self._watcher.objects(self._leases)
        names = [name for name, whose in LEASES.items() if whose == component and name in found]
        return [lease_verdict(name, found[name], pods, self._bundle.namespace) for name in names]

    def _crd(self, name: str) -> Verdict:
        """A CRD is asked for until it is established, and then no more: it is large, and it stays so."""
        known = self._crds.get(name)
        if known is None or not known.ready:
            key = Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name)
            try:
                self._crds[name] = crd_verdict(name, self._cluster.find(path_of(key)))
            except ConductorError as error:
                return _away(error)
        return self._crds[name]

    def _prove(self) -> list[Verdict]:
        """What only requests can tell: the certificates, and whether each webhook does its work."""
        cluster = self._cluster.fresh()
        live = [item for scope in self._configurations.values() for item in self._watcher.objects(scope).values()]
        try:
            certificates = self._certificates.look(live)
            resource = resource_of("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime")
            present = frozenset(item["metadata"]["name"] for item in cluster.list_all(resource)[0])
            proofs = prove_webhooks(cluster, self._bundle, present)
            self._stale = stale_deployments(self._bundle, proofs, self._certificates.good)
            return certificates + proofs
        except ConductorError as error:
            return [_away(error)]
        finally:
            cluster.close()

    def _controllers(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """The Deployments by name, and the pods."""
        return self._watcher.objects(self._deployments), list(self._watcher.objects(self._pods).values())

    def _help(self) -> float:
        """Touches the pods that are due; returns the seconds until one may be due again."""
        if not self._refresh:
            return _IDLE
        watcher = self._watcher
        self._mounting = pods_to_touch(
            self._bundle.objects("Deployment"),
            watcher.objects(self._pods).values(),
            watcher.objects(self._secrets),
            self._stale,
            needed_keys(self._bundle),
        )
        return self._nudges.touch(self._mounting)

    def _begin(self) -> None:
        """Notes how things are at first, and lets be tried at once what an earlier run left in a back-off."""
        live, pods = self._controllers()
        deployments = self._bundle.objects("Deployment")
        stuck: frozenset[str] = frozenset()
        if self._retry:
            names = [deployment["metadata"]["name"] for deployment in deployments]
            stuck = self._nudges.retry(
                [live[name] for name in names if name in live],
                [pod for deployment in deployments for pod in pods_of(deployment, pods)],
            )
        self._fate.begin(pods, stuck)

    def _note(self, waiting: list[Verdict]) -> None:
        """Keeps since when each rule is not met, and a line for each change of what is waited for."""
        now = self._monotonic()
        names = {f"{verdict.subject}/{verdict.rule}" for verdict in waiting}
        if names != self._since.keys() or not self._timeline:
            lines = [str(verdict) for verdict in waiting]
            self._timeline.append({"seconds": round(now - self._started, 2), "waiting_for": lines})
        self._since = {name: self._since.get(name, now) for name in names}
        if self._progress:
            self._progress.look(now - self._started, waiting, [key.name for key in self._mounting])

    def _not_ready(self, waiting: list[Verdict], dooms: list[Doom], now: float) -> NotReadyError:
        waiting = [self._with_event(verdict) for verdict in waiting]
        lines = [
            f"{verdict} (for {now - self._since[f'{verdict.subject}/{verdict.rule}']:.0f} s)" for verdict in waiting
        ]
        diagnosis = self._diagnosis(dooms, now)
        remedies = dict.fromkeys(
            [
                *(doom.remedy for doom in dooms),
                *(row["remedy"] for row in diagnosis),
                *(verdict.remedy for verdict in waiting),
            ]
        )
        return NotReadyError(
            bounded_message(
                "\n  ".join(
                    [listed(f"not ready after {now - self._started:.0f} s:", lines), *diagnosis_lines(diagnosis)]
                )
            ),
            step="wait for controllers",
            hint="; ".join(filter(None, remedies)) or f"kubectl -n {self._bundle.namespace} get pods,events",
            facts={**self._facts(waiting, now), "diagnosis": diagnosis},
        )

    def _diagnosis(self, dooms: list[Doom], now: float) -> list[dict[str, Any]]:
        """A closer look at each controller that is there and not rolled out."""
        live, pods = self._controllers()
        first = {doom.deployment: doom for doom in reversed(dooms)}
        return [
            {
                **diagnose(self._cluster, found, members, first.get(name)),
                "rule": "rollout",
                "seconds": round(now - self._since.get(f"Deployment {name}/rollout", now), 1),
            }
            for deployment in self._bundle.objects("Deployment")
            for name in (deployment["metadata"]["name"],)
            for found, members in ((live.get(name), pods_of(deployment, pods)),)
            if found is not None and not deployment_verdict(name, found, members).ready
        ]

    def _with_event(self, verdict: Verdict) -> Verdict:
        """Adds to the verdict on a Deployment what its newest pod was last about: a pull, say, or a mount."""
        for deployment in self._bundle.objects("Deployment"):
            if verdict.subject == f"Deployment {deployment['metadata']['name']}":
                members = pods_of(deployment, self._watcher.objects(self._pods).values())
                silent = [pod["metadata"] for pod in members if is_being_made(pod)]
                for metadata in silent[:1]:
                    if said := last_event(self._cluster, metadata["namespace"], metadata["name"]):
                        return replace(verdict, evidence=f"{verdict.evidence}: {said}")
        return verdict

    def _doomed(self, dooms: list[Doom], waiting: list[Verdict], now: float) -> NotReadyError:
        """The error that ends the wait early. What else is not ready follows from it, or is left to the facts."""
        namespace = self._bundle.namespace
        first, *others = dooms
        fates = {f"Deployment {doom.deployment}": str(doom) for doom in reversed(dooms)}
        rows = [
            replace(verdict, state="doomed", evidence=fates[verdict.subject]) if verdict.subject in fates else verdict
            for verdict in waiting
        ]
        diagnosis = self._diagnosis(dooms, now)
        remedies = dict.fromkeys([*(row["remedy"] for row in diagnosis), *(doom.remedy for doom in dooms)])
        lines = [f"Deployment {namespace}/{doom.deployment}: {doom}" for doom in others]
        return NotReadyError(
            bounded_message("\n  ".join([str(first), *lines, *diagnosis_lines(diagnosis)])),
            step="wait for controllers",
            subject=f"Deployment {namespace}/{first.deployment}",
            hint="; ".join([*filter(None, remedies), "then run this again"]),
            facts={**self._facts(rows, now), "diagnosis": diagnosis},
        )

    def _facts(self, waiting: list[Verdict], now: float) -> dict[str, Any]:
        return {
            "checks": [_row(verdict) for verdict in waiting],
            "certificates": self._certificates.rows,
            "elapsed": round(now - self._started, 2),
            "timeline": self._timeline[-20:],
            "progress": self._said(),
        }

    def _said(self) -> list[str]:
        return self._progress.lines[-20:] if self._progress else []

    def _result(self, verdicts: list[Verdict]) -> dict[str, Any]:
        others = self._beside.rows(self._watcher) if self._beside else []
        return {
            "controllers": others + controller_rows(self._bundle.objects("Deployment"), *self._controllers()),
            "checks": [_row(verdict) for verdict in verdicts],
            "certificates": self._certificates.rows,
            "touched": self._nudges.touched,
            "retried": self._nudges.retried,
            "warnings": self._nudges.warnings + self._certificates.warnings,
            "timeline": self._timeline[-20:],
            "progress": self._said(),
            "elapsed": round(self._monotonic() - self._started, 2),
        }


def _away(error: ConductorError) -> Verdict:
    """The verdict where the server failed in a way that may pass; the wait goes on. Any other failure is raised."""
    if not is_transient(error):
        raise error
    return Verdict("API server", "answers", "unknown", str(error))


def _row(verdict: Verdict) -> dict[str, str]:
    return {
        "subject": verdict.subject,
        "rule": verdict.rule,
        "state": verdict.state,
        "evidence": verdict.evidence,
    }
