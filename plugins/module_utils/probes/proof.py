# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that every webhook works on every API server.

Each API server watches webhook configurations by itself and calls webhooks from its own node: one API server may reach
a webhook while another does not yet. A new connection reaches any of them, so the probes are sent over many of them.
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
from .culprits import with_culprits
from .probe import ProbeVerdict, prove_webhooks, useful_probes

# The first rounds probe every webhook. Later rounds probe one webhook per configuration: an API server loads a
# configuration as a whole, and the same pods answer its webhooks.
_WHOLE_ROUNDS = 2
_RUNTIME = resource_of("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime")


class Proof:
    """Proves the webhooks of a bundle, repeatedly.

    Args:
        certificates: checks the certificates of the webhooks.
    """

    def __init__(self, cluster: Cluster, bundle: Bundle, certificates: ServingCertificates) -> None:
        # The Deployments known to serve a certificate that differs from their Secret.
        self.stale: frozenset[str] = frozenset()
        self._cluster = cluster
        self._bundle = bundle
        self._certificates = certificates
        self._failed: list[Verdict] = []
        # 0: not counted yet.
        self._servers = 0
        self._rounds = 0

    def verdicts(self, configurations: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """Return a verdict for each certificate and webhook if all rounds succeeded; otherwise those that failed.

        After a failed proof, only one of the failed probes is repeated. When it succeeds, all probes are sent again.

        Args:
            configurations: the webhook configurations as the server has them.
        """
        try:
            if self._failed and (failed := self._still_failing(configurations)):
                self._failed = failed
                return with_culprits(failed, configurations)
            verdicts = self._all_rounds(configurations)
        except ConductorError as error:
            verdicts = [unreachable_verdict(error)]
        self._failed = [verdict for verdict in verdicts if not verdict.ready]
        return with_culprits(self._failed or verdicts, configurations)

    def row(self) -> dict[str, int]:
        """Return the number of API servers and of rounds of the last proof, for a result."""
        return {"api_servers": self._servers, "rounds": self._rounds}

    def _still_failing(self, configurations: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """Repeat one failed probe; return all failed verdicts if it fails again, otherwise none."""
        failed = {verdict.name for verdict in self._failed if verdict.is_probe}
        probes = [probe for probe in self._bundle.probes if probe.webhook in failed]
        again = self._round(configurations, probes[:1])
        if all(verdict.ready for verdict in again):
            return []
        known = {(verdict.subject, verdict.rule): verdict for verdict in [*self._failed, *again]}
        return [verdict for verdict in known.values() if not verdict.ready]

    def _all_rounds(self, configurations: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """Return the verdicts of the first round, or of the first round that fails."""
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
        """Read what the rounds need and choose their probes."""

        def count() -> int:
            return self._servers or count_api_servers(self._cluster)

        def runtimes() -> frozenset[str]:
            return frozenset(map(name_of, self._cluster.list_all(_RUNTIME)[0]))

        requests: list[Callable[[], Any]] = [count, runtimes, *self._certificates.requests()]
        self._servers, existing, *_read = self._cluster.each(lambda send: send(), requests)
        return useful_probes(self._bundle, existing)

    def _round(self, configurations: Sequence[Mapping[str, Any]], probes: Sequence[Probe]) -> list[Verdict]:
        """Check the certificates, and send probes over new connections."""
        certificates = self._certificates.look(configurations)
        cluster = self._cluster.fresh()
        try:
            proofs = prove_webhooks(cluster, self._bundle, probes)
        finally:
            cluster.close()
        # What a webhook of others reports about its own certificate is not about ours.
        ours = [proof for proof in proofs if not (isinstance(proof, ProbeVerdict) and proof.rejection)]
        self.stale = stale_deployments(self._bundle, ours, self._certificates.good)
        return certificates + proofs

    def _short_rounds(self, probes: Sequence[Probe], rounds: int) -> list[Verdict]:
        """Run short rounds, each over one new connection; return the failures. The first failure ends them."""
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


# Assumed if the number may not be read.
_ASSUMED = 2
# The minimum, in case the only address belongs to a load balancer.
_FEWEST = 2
# The accepted probability of missing an API server.
_MISSED = 1e-6


def count_api_servers(cluster: Cluster) -> int:
    """Return the number of addresses behind the Service C(kubernetes); each API server adds its own.

    Source: kubernetes/kubernetes, pkg/controlplane/reconcilers (the lease reconciler, the default).

    With a hosted control plane this may be one address of a load balancer with an unknown number of API servers.

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
    """Return the number of connections with which an API server is missed at most once in a million proofs.

    A connection reaches each API server with the same probability. So C(k) connections all miss a given one with the
    probability C((1 - 1/servers) ** k).
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
