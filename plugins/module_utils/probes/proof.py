# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that every webhook works on every API server.

Each API server learns of webhook configurations by itself and calls webhooks from where it runs: one of them may be
able to call a webhook while another cannot yet. A new connection reaches any of them, so the probes are sent over many.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..certificates.serving import ServingCertificates
from ..certificates.sources import stale_deployments
from ..cluster.client import Cluster
from ..diagnose.unreachable import unreachable_verdict
from ..errors import ApiError, ConductorError
from ..objects.fields import name_of, parts, texts
from ..objects.resources import resource_of
from ..release.bundle import Bundle, Probe
from ..verdicts.verdict import Verdict
from .probe import prove_webhooks, useful_probes

# So many rounds ask every webhook; those after them one of each webhook configuration, which an API server learns of
# as a whole, and whose webhooks are served by the same pods.
_WHOLE_ROUNDS = 2
_RUNTIME = resource_of("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime")


class Proof:
    """Proves the webhooks of a bundle, as often as it is asked to.

    Args:
        certificates: looks after what the webhooks serve.
    """

    def __init__(self, cluster: Cluster, bundle: Bundle, certificates: ServingCertificates) -> None:
        # The Deployments whose pods serve another certificate than their Secrets hold, as far as is known.
        self.stale: frozenset[str] = frozenset()
        self._cluster = cluster
        self._bundle = bundle
        self._certificates = certificates
        self._failed: list[Verdict] = []
        # As long as nobody has counted: 0.
        self._servers = 0
        self._rounds = 0

    def verdicts(self, configurations: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """One for each certificate and each webhook, all of them ready where every round agreed; or what failed.

        After a proof that failed one of the probes that did is asked again and again; all are asked when it succeeds.

        Args:
            configurations: the webhook configurations as the server has them.
        """
        try:
            if self._failed and (failed := self._still_failing(configurations)):
                self._failed = failed
                return failed
            verdicts = self._all_rounds(configurations)
        except ConductorError as error:
            verdicts = [unreachable_verdict(error)]
        self._failed = [verdict for verdict in verdicts if not verdict.ready]
        return self._failed or verdicts

    def row(self) -> dict[str, int]:
        """For a result: over how many connections the last proof went, and because of how many API servers."""
        return {"api_servers": self._servers, "rounds": self._rounds}

    def _still_failing(self, configurations: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """What failed and was not seen to succeed since, where one of it fails again."""
        failed = {verdict.name for verdict in self._failed if verdict.is_probe}
        probes = [probe for probe in self._bundle.probes if probe.webhook in failed]
        again = self._round(configurations, probes[:1])
        if all(verdict.ready for verdict in again):
            return []
        known = {(verdict.subject, verdict.rule): verdict for verdict in [*self._failed, *again]}
        return [verdict for verdict in known.values() if not verdict.ready]

    def _all_rounds(self, configurations: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """Those of the first round, or of the first that disagrees."""
        probes = self._prepare()
        first: list[Verdict] = []
        for self._rounds in range(1, _WHOLE_ROUNDS + 1):
            verdicts = self._round(configurations, probes)
            if not all(verdict.ready for verdict in verdicts):
                return verdicts
            first = first or verdicts
        more = rounds_for(self._servers) - _WHOLE_ROUNDS
        if failed := self._short_rounds(probes, more):
            return failed
        self._rounds += more
        return first

    def _prepare(self) -> list[Probe]:
        """Reads what the rounds need to know, and chooses their probes."""

        def count() -> int:
            return self._servers or count_api_servers(self._cluster)

        def runtimes() -> frozenset[str]:
            return frozenset(map(name_of, self._cluster.list_all(_RUNTIME)[0]))

        requests: list[Callable[[], Any]] = [count, runtimes, *self._certificates.requests()]
        self._servers, there, *_read = self._cluster.each(lambda send: send(), requests)
        return useful_probes(self._bundle, there)

    def _round(self, configurations: Sequence[Mapping[str, Any]], probes: Sequence[Probe]) -> list[Verdict]:
        """The certificates, and probes over new connections."""
        certificates = self._certificates.look(configurations)
        cluster = self._cluster.fresh()
        try:
            proofs = prove_webhooks(cluster, self._bundle, probes)
        finally:
            cluster.close()
        self.stale = stale_deployments(self._bundle, proofs, self._certificates.good)
        return certificates + proofs

    def _short_rounds(self, probes: Sequence[Probe], rounds: int) -> list[Verdict]:
        """What failed of so many rounds, each over one new connection; the first failure ends them."""
        speaking = list({probe.configuration: probe for probe in probes}.values())
        over = threading.Event()

        def one(_round: int) -> list[Verdict]:
            if over.is_set():
                return []
            cluster = self._cluster.fresh()
            try:
                verdicts = prove_webhooks(cluster, self._bundle, speaking, at_once=False)
            finally:
                cluster.close()
            failed = [verdict for verdict in verdicts if not verdict.ready]
            if failed:
                over.set()
            return failed

        found = {verdict.subject: verdict for failed in self._cluster.each(one, range(rounds)) for verdict in failed}
        return list(found.values())


# What is assumed where it may not be read.
_ASSUMED = 2
# With one API server, in case its address is that of a load balancer after all.
_FEWEST = 2
# How likely one of them may be missed.
_MISSED = 1e-6


def count_api_servers(cluster: Cluster) -> int:
    """The addresses behind the Service C(kubernetes), where each API server enters its own.

    Source: kubernetes/kubernetes, pkg/controlplane/reconcilers (the lease reconciler, the default).

    Where the control plane is somebody else's, that may be one address of a load balancer, and there is no telling how
    many are behind it.

    Raises:
        ApiError, UnreachableError: the server failed.
    """
    try:
        slices, _version = cluster.list_all(
            resource_of("discovery.k8s.io/v1", "EndpointSlice"),
            "default",
            metadata_only=False,
            field_selector="metadata.name=kubernetes",
        )
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return _ASSUMED
    return len(_addresses(slices)) or _ASSUMED


def rounds_for(servers: int) -> int:
    """Over how many new connections to ask, so that none of so many API servers is missed but once in a million.

    A connection reaches any of them with the same likelihood, so C(k) of them all miss a certain one with a likelihood
    of C((1 - 1/servers) ** k).
    """
    if servers < 2:
        return _FEWEST
    return math.ceil(math.log(_MISSED) / math.log(1 - 1 / servers))


def _addresses(slices: Iterable[Mapping[str, Any]]) -> set[str]:
    return {
        address
        for piece in slices
        for endpoint in parts(piece, "endpoints")
        for address in texts(endpoint, "addresses")
    }
