# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check certificates that the user provides, and set the CA that the webhook configurations trust.

Trainer from 2.1 on (C(certManagement.enable)) and JobSet (C(internalCertManagement.enable)) can be configured not to
create certificates. They then serve the files of their mounted Secret, reload them on changes (controller-runtime,
pkg/certwatcher), and do not write the C(caBundle).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ..cluster.client import Cluster
from ..errors import ApiError, missing_permissions
from ..objects.fields import part
from ..objects.line import Line
from ..objects.resources import Key, key_of
from ..release.bundle import EXTERNAL, Bundle, Phase
from .provided import given_certificates, key_problem
from .serving import read_serving
from .sources import CertificateSource, sources
from .verdict import Serving, due_in, secret_problem

# Annotations that make cert-manager's CA injector write a caBundle (cert-manager docs, "CA Injector").
_INJECTED = (
    "cert-manager.io/inject-ca-from",
    "cert-manager.io/inject-ca-from-secret",
    "cert-manager.io/inject-apiserver-ca",
)


class Fitness(NamedTuple):
    """Whether a Secret of the user is usable.

    Args:
        problem: what is wrong with it; empty if nothing is.
        due_in: whole days until it expires if it must be renewed; None if not, or if that is unknown.
    """

    problem: str
    due_in: int | None


class Certified(NamedTuple):
    """A bundle whose webhook configurations trust the right authority, and the blockers (see C(judge))."""

    bundle: Bundle
    blockers: tuple[dict[str, str], ...] = ()


def certify(
    cluster: Cluster,
    bundle: Bundle,
    present: Mapping[Key, Mapping[str, Any]],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Certified:
    """Check the certificates for a bundle and set its caBundles. Do nothing if the controllers create certificates.

    Args:
        present: the metadata of the existing objects.

    Raises:
        RightsError: the permission to list the Secrets is missing.
        ApiError, UnreachableError: the server failed.
    """
    if bundle.certificates != EXTERNAL:
        return Certified(bundle)
    # A late import: most installations have certificates that the controllers create.
    from ..findings.catalogue import BY_CODE

    found = _read_all(cluster, bundle)
    entry = BY_CODE["certificate_invalid"]
    blockers = [
        entry.finding(str(source), what=problem)
        for source, problem in _problems(bundle, found, now()).items()
        if problem
    ]
    trusted = {source: _trusted(bundle, serving) for source, serving in found.items()}
    return Certified(_trusting(bundle, trusted, present), tuple(blockers))


def own_certificates(
    cluster: Cluster, bundle: Bundle, *, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
) -> dict[str, Fitness]:
    """Return for each Secret of the user whether it is usable; empty if the controllers create certificates.

    Raises: as C(certify).
    """
    if bundle.certificates != EXTERNAL:
        return {}
    moment, found = now(), _read_all(cluster, bundle)
    return {
        str(source): Fitness(problem, due_in(found[source], _trusted(bundle, found[source]), moment))
        for source, problem in _problems(bundle, found, moment).items()
    }


def _read_all(cluster: Cluster, bundle: Bundle) -> dict[CertificateSource, Serving | None]:
    # Certificates in the options replace the existing ones, so they are the ones to check.
    given = given_certificates(bundle)
    return {
        source: given[source.secret] if source.secret in given else _read(cluster, source)
        for source in dict.fromkeys(sources(bundle).values())
    }


def _problems(
    bundle: Bundle, found: Mapping[CertificateSource, Serving | None], now: datetime
) -> dict[CertificateSource, str]:
    return {
        source: secret_problem(serving, source, _trusted(bundle, serving), now) or key_problem(bundle, source)
        for source, serving in found.items()
    }


def _trusted(bundle: Bundle, serving: Serving | None) -> bytes:
    """Return the PEM of the authority that the API server must trust."""
    return bundle.authority.encode() or (serving or Serving()).authority


def injects_authority(metadata: Mapping[str, Any]) -> bool:
    """Return whether cert-manager writes the caBundle of this object."""
    return any(name in part(metadata, "annotations") for name in _INJECTED)


def _read(cluster: Cluster, source: CertificateSource) -> Serving | None:
    try:
        return read_serving(cluster, source)
    except ApiError as error:
        if error.status != 403:
            raise
        # A late import: most identities have the permission.
        from ..cluster.access_reviews import Right

        right = Right("list", "", "secrets", source.namespace, "")
        said = Line(f"list secrets in namespace {source.namespace}", about=[right])
        raise missing_permissions([said], "check the certificates") from error


def _trusting(
    bundle: Bundle, trusted: Mapping[CertificateSource, bytes], present: Mapping[Key, Mapping[str, Any]]
) -> Bundle:
    where = sources(bundle)

    def changed(manifest: dict[str, Any]) -> dict[str, Any]:
        source = where.get(manifest["metadata"]["name"]) if "webhooks" in manifest else None
        if source is None or not trusted[source] or injects_authority(present.get(key_of(manifest), {})):
            return manifest
        ca_bundle = base64.b64encode(trusted[source]).decode()
        webhooks = [
            {**webhook, "clientConfig": {**webhook["clientConfig"], "caBundle": ca_bundle}}
            for webhook in manifest["webhooks"]
        ]
        return {**manifest, "webhooks": webhooks}

    phases = [Phase(phase.name, tuple(changed(manifest) for manifest in phase.objects)) for phase in bundle.phases]
    return replace(bundle, phases=tuple(phases))
