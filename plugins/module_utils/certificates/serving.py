# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the certificates that the webhooks serve, and nothing else of their Secrets.

A Secret can only be read as a whole, and only this file does it. Private keys are dropped before other code sees the
response, and no error repeats any of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

from ..cluster.client import Cluster
from ..errors import ApiError
from ..objects.fields import is_terminating, name_of, part, text
from ..objects.resources import resource_of
from ..release.bundle import Bundle
from ..verdicts.verdict import Verdict
from .sources import CertificateSource, sources
from .verdict import Judgement, Serving, judge_certificate
from .x509 import decoded

_PUBLIC = ("tls.crt", "ca.crt")
# Seconds for which a response stays valid, without and with a problem. Probes run more often than certificates are
# renewed, but the end of a problem should be noticed at once.
_FRESH, _BRIEFLY = 1.0, 0.1


def read_serving(cluster: Cluster, source: CertificateSource) -> Serving | None:
    """Read the public parts of a Secret; None if it does not exist.

    It is read by a list request for one name, so that verifying requires only the permission to list Secrets.

    Raises:
        ApiError, UnreachableError: the server failed or denied the request.
    """
    found, _version = cluster.list_all(
        resource_of("v1", "Secret"),
        source.namespace,
        metadata_only=False,
        field_selector=f"metadata.name={source.secret}",
    )
    return public_parts(found[0]) if found else None


def public_parts(secret: Mapping[str, Any]) -> Serving:
    """Return the parts of a Secret that are not secret: the names of its values, and its certificates."""
    data = part(secret, "data")
    certificate, authority = (decoded(text(data, name)) for name in _PUBLIC)
    keys = frozenset(str(name) for name, value in data.items() if value)
    return Serving(keys, certificate, authority, is_terminating(secret))


class ServingCertificates:
    """Check the certificates of a bundle's webhooks.

    Args:
        now: the time; injected by tests.
        monotonic: a clock in seconds; injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        bundle: Bundle,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._sources = sources(bundle)
        self._now = now
        self._monotonic = monotonic
        self._read: dict[str, tuple[float, Serving | None, str]] = {}
        self._judgements: list[Judgement] = []

    def look(self, configurations: Iterable[Mapping[str, Any]]) -> list[Verdict]:
        """Return a verdict for each of these live webhook configurations that belongs to the bundle.

        Raises:
            ApiError, UnreachableError: the server failed.
        """
        judgements = []
        for configuration in configurations:
            source = self._sources.get(name_of(configuration))
            if source is not None:
                serving, unread = self._serving(source)
                judgements.append(judge_certificate(configuration, source, serving, self._now(), unread=unread))
        self._judgements = judgements
        return [judgement.verdict() for judgement in judgements]

    def requests(self) -> list[Callable[[], object]]:
        """Return functions that read the Secrets again if they are due. Call them, in parallel, before C(look)."""
        by_secret = {source.secret: source for source in self._sources.values()}
        return [partial(self._serving, source) for source in by_secret.values()]

    def forget(self) -> None:
        """Forget what was read, so that it is read again."""
        # A missing permission will still be missing: keep that result.
        self._read = {secret: known for secret, known in self._read.items() if known[2]}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the judgements of the last look as result rows."""
        return [judgement.row() for judgement in self._judgements]

    @property
    def warnings(self) -> list[str]:
        """Return a warning for each certificate that expires soon."""
        return list(dict.fromkeys(filter(None, (judgement.warning() for judgement in self._judgements))))

    @property
    def good(self) -> frozenset[str]:
        """Return the Services without a known problem of their certificate."""
        return frozenset(judgement.source.service for judgement in self._judgements) - self._bad

    @property
    def _bad(self) -> frozenset[str]:
        """Return the Services whose certificate had a problem at the last look."""
        return frozenset(judgement.source.service for judgement in self._judgements if judgement.problem)

    def _serving(self, source: CertificateSource) -> tuple[Serving | None, str]:
        """Return the public parts of a Secret, and why it was not read."""
        known = self._read.get(source.secret)
        holds = _BRIEFLY if source.service in self._bad else _FRESH
        if known is None or (not known[2] and self._monotonic() - known[0] >= holds):
            known = (self._monotonic(), *self._ask(source))
            self._read[source.secret] = known
        return known[1:]

    def _ask(self, source: CertificateSource) -> tuple[Serving | None, str]:
        try:
            return read_serving(self._cluster, source), ""
        except ApiError as error:
            if error.status != 403:
                raise
            return None, f"{source}: missing permission to list it"
