# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether the API server will trust the certificate behind a webhook configuration. Pure.

A Secret that may not be read, or certificates without the library C(cryptography), are reported as not checked and do
not make the verdict worse: the probe that follows is a call by the API server itself, which verifies the whole chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..objects.fields import name_of, part, parts, text
from ..verdicts.verdict import Verdict
from .sources import CertificateSource
from .x509 import (
    can_read,
    certificates_in,
    decoded,
    host_names,
    is_signed_by,
    not_after,
    not_before,
    refused_in,
    serves,
)

if TYPE_CHECKING:
    from cryptography import x509

RULE = "certificate"
# Warn if a certificate expires within this many days. The controllers renew theirs 90 days before
# (cert-controller, defaultLookaheadInterval), so a shorter time means that the renewal failed.
RENEWAL_DAYS = 30
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Serving:
    """The public parts of a certificate Secret.

    Args:
        keys: the names of all its values that are not empty.
        certificate: C(tls.crt) as PEM, which the pods serve, with the server's certificate first.
        authority: C(ca.crt) as PEM; empty if missing.
        is_terminating: whether the Secret is being deleted: the next pod cannot mount it.
    """

    keys: frozenset[str] = frozenset()
    certificate: bytes = b""
    authority: bytes = b""
    is_terminating: bool = False


@dataclass(frozen=True)
class Judgement:
    """The judgement on the certificate behind a webhook configuration.

    Args:
        problem: what is wrong, and how to fix it; empty if no problem is known.
        not_checked: what could not be checked, and why.
        end: the first expiry among the served certificate and its authorities.
        due: whether one of them must be renewed now.
    """

    configuration: str
    source: CertificateSource
    problem: str = ""
    not_checked: str = ""
    end: datetime | None = None
    now: datetime | None = field(default=None, repr=False)
    due: bool = False

    @property
    def days_left(self) -> int | None:
        """Return the whole days until the first expiry; negative after it."""
        return (self.end - self.now).days if self.end and self.now else None

    def verdict(self) -> Verdict:
        """Return the verdict: ready if no problem is known."""
        subject = f"webhook configuration {self.configuration}"
        if self.problem:
            # The controller, or the owner of the Secret, may fix it at any moment.
            return Verdict(subject, RULE, "progressing", self.problem)
        if self.not_checked:
            return Verdict(subject, RULE, "ready", f"not checked: {self.not_checked}")
        return Verdict(subject, RULE, "ready", f"{self.days_left} days left")

    def row(self) -> dict[str, Any]:
        """Return the judgement as a result row."""
        return {
            "configuration": self.configuration,
            "secret": self.source.secret,
            "service": self.source.service,
            "not_after": self.end.strftime(_TIME) if self.end else "",
            "days_left": self.days_left,
            "problem": self.problem,
            "not_checked": self.not_checked,
        }

    def warning(self) -> str:
        """Return a warning if a good certificate expires soon; empty otherwise."""
        if self.problem or not self.due:
            return ""
        whose = "the controller should have renewed it: check its log"
        if not self.source.own_authority:
            whose = "renew it"
        return f"the certificate in {self.source}, or its authority, expires in {self.days_left} days: {whose}"


def judge_certificate(
    configuration: Mapping[str, Any],
    source: CertificateSource,
    serving: Serving | None,
    now: datetime,
    *,
    unread: str = "",
) -> Judgement:
    """Judge a live webhook configuration against the Secret from which its pods serve.

    Args:
        serving: the public parts of the Secret; None if it does not exist.
        unread: why the Secret was not read; empty if it was read.
    """
    name = name_of(configuration)
    bundles = _bundles(configuration)
    if problem := wrong_service(configuration, source):
        return Judgement(name, source, problem, now=now)
    held = serving or Serving()
    if unfit := _unfit_library(*bundles, held.certificate, held.authority):
        problem = "" if unread else _keys(serving, source)
        return Judgement(name, source, problem, unfit, now=now)
    trusted = [certificates_in(pem) for pem in bundles]
    if not all(trusted):
        return Judgement(name, source, f"its caBundle contains no certificate: {_put_back(source)}", now=now)
    authorities = [authority for some in trusted for authority in some]
    if unread:
        end = min(map(not_after, authorities))
        return Judgement(
            name, source, _expired(trusted, source, now), unread, end, now, end - now < _margin(*authorities)
        )
    problem = _keys(serving, source) or _chain(held, source, trusted, now)
    shown = certificates_in(held.certificate)[:1]
    end = min(map(not_after, [*shown, *authorities]))
    return Judgement(name, source, problem, "", end, now, end - now < _margin(*(shown or authorities)))


def secret_problem(serving: Serving | None, source: CertificateSource, authority: bytes, now: datetime) -> str:
    """Return what is wrong with a Secret whose certificate C(authority) (PEM) must verify; empty if nothing is."""
    if problem := _keys(serving, source):
        return problem
    held = serving or Serving()
    if _unfit_library(authority, held.certificate):
        return ""
    trusted = certificates_in(authority)
    if not trusted:
        return f"no certificate of an authority to verify {source}: add ca.crt to it"
    return _chain(held, source, [trusted], now)


def due_in(serving: Serving | None, authority: bytes, now: datetime) -> int | None:
    """Return the days until a served certificate or its authority expires; None if it need not be renewed yet.

    While an authority is being replaced there are two, and the old one may expire.
    """
    shown = certificates_in(serving.certificate)[:1] if serving else []
    trusted = certificates_in(authority)
    if not shown or not trusted:
        return None
    left = min(not_after(shown[0]), max(map(not_after, trusted))) - now
    return left.days if left < _margin(shown[0]) else None


def _unfit_library(*pems: bytes) -> str:
    """Return why these certificates cannot be judged on this machine; empty if they can."""
    if not can_read():
        return "certificates, because the Python library cryptography is missing"
    if any(map(refused_in, pems)):
        return "certificates, because the Python library cryptography rejects one of them"
    return ""


def _margin(*certificates: x509.Certificate) -> timedelta:
    """Return how long before its expiry a certificate must be renewed.

    This is 30 days, or a quarter of its lifetime if that is shorter: cert-manager renews in the last third.
    """
    return min(timedelta(days=RENEWAL_DAYS), *((not_after(one) - not_before(one)) / 4 for one in certificates))


def wrong_service(configuration: Mapping[str, Any], source: CertificateSource) -> str:
    """Return a text if a webhook calls another Service than it should; empty if not."""
    for webhook in parts(configuration, "webhooks"):
        service = part(part(webhook, "clientConfig"), "service")
        called = (str(service.get("namespace", "")), str(service.get("name", "")))
        if called != (source.namespace, source.service):
            return (
                f"webhook {webhook.get('name', '')} calls Service {'/'.join(called)} instead of "
                f"{source.namespace}/{source.service}: run the install again"
            )
    return ""


def _bundles(configuration: Mapping[str, Any]) -> list[bytes]:
    """Return the different caBundles of a configuration's webhooks, as PEM."""
    found = [text(webhook, "clientConfig", "caBundle") for webhook in parts(configuration, "webhooks")]
    return [decoded(ca_bundle) for ca_bundle in dict.fromkeys(found)]


def _keys(serving: Serving | None, source: CertificateSource) -> str:
    if serving is None:
        next_step = "run the install again" if source.own_authority else _again(source)
        return f"{source} does not exist: {next_step}"
    if serving.is_terminating:
        return f"{source} is being deleted: run the install again when it is gone"
    missing = sorted(source.needed - serving.keys)
    return f"{source} has no {', '.join(missing)}: {_again(source)}" if missing else ""


def _chain(
    serving: Serving, source: CertificateSource, trusted: Sequence[Sequence[x509.Certificate]], now: datetime
) -> str:
    shown = certificates_in(serving.certificate)
    if not shown:
        return f"tls.crt of {source} contains no certificate: {_again(source)}"
    first = shown[0]
    names = host_names(first)
    if not any(_covers(pattern, source.host) for pattern in names):
        has = ", ".join(names[:3]) or "no host name"
        return f"the certificate in {source} is for {has}, not for {source.host}: {_again(source)}"
    if not serves(first):
        return f"the certificate in {source} is not for servers (extended key usage): {_again(source)}"
    if problem := _times([first], f"the certificate in {source}", now, _again(source)):
        return problem
    for authorities in trusted:
        if problem := _trust(shown, source, authorities, now):
            return problem
    own = certificates_in(serving.authority)
    if source.own_authority and not all(any(one == other for other in some) for some in trusted for one in own):
        return f"its caBundle does not contain the ca.crt of {source}: {_put_back(source)}"
    return ""


def _trust(
    shown: Sequence[x509.Certificate], source: CertificateSource, authorities: Sequence[x509.Certificate], now: datetime
) -> str:
    """Follow the signatures from the first certificate to an authority; return what is wrong, empty if nothing is."""
    at, left = shown[0], list(shown[1:])
    while at not in authorities:
        roots = [authority for authority in authorities if is_signed_by(at, authority)]
        if roots:
            return (
                "" if any(_valid(root, now) for root in roots) else _times(roots, "its caBundle", now, _again(source))
            )
        step = next((one for one in left if is_signed_by(at, one)), None)
        if step is None:
            return (
                f"the certificate in {source} is not signed by an authority in its caBundle (issuer: "
                f"{at.issuer.rfc4514_string() or 'no name'}): {_again(source)}"
            )
        if problem := _times([step], f"an intermediate certificate in {source}", now, _again(source)):
            return problem
        left.remove(step)
        at = step
    return ""


def _expired(trusted: Iterable[Sequence[x509.Certificate]], source: CertificateSource, now: datetime) -> str:
    """Return a text if all authorities of a caBundle have expired; empty if not."""
    for authorities in trusted:
        if not any(_valid(authority, now) for authority in authorities):
            return _times(authorities, "its caBundle", now, _again(source))
    return ""


def _valid(certificate: x509.Certificate, now: datetime) -> bool:
    return not_before(certificate) <= now <= not_after(certificate)


def _times(certificates: Sequence[x509.Certificate], what: str, now: datetime, next_step: str) -> str:
    for certificate in certificates:
        if now > not_after(certificate):
            return f"{what} expired on {not_after(certificate).strftime(_TIME)}: {next_step}"
        if now < not_before(certificate):
            return f"{what} is not valid before {not_before(certificate).strftime(_TIME)}: {next_step}"
    return ""


def _put_back(source: CertificateSource) -> str:
    if source.own_authority:
        return "the controller should write its own; check its log"
    return "run the install again"


def _again(source: CertificateSource) -> str:
    if source.own_authority:
        return f"remove the data of {source}; the controller then creates a new certificate"
    return "store a certificate for this Service there, with the certificate of its authority"


def _covers(pattern: str, host: str) -> bool:
    """Return whether a name in a certificate covers a host: equal, or with a wildcard as first label (RFC 6125)."""
    pattern, host = pattern.lower().rstrip("."), host.lower()
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return pattern == host
