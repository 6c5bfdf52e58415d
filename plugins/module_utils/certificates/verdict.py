# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on the certificate behind a webhook configuration: will the API server trust what its pods show? Pure.

What cannot be looked at - a Secret that may not be read, certificates where C(cryptography) is missing - is said, and
does not count against it: the proof that follows is a call by the API server itself, which verifies the whole chain.
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
# Days before its end from which on a certificate is to be renewed. The controllers renew theirs 90 days before
# (cert-controller, defaultLookaheadInterval); less than that is somebody's task.
RENEWAL_DAYS = 30
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Serving:
    """The public parts of a certificate Secret.

    Args:
        keys: the names of all its values that are not empty.
        certificate: what the pods show: C(tls.crt), PEM, the certificate of the server first.
        authority: C(ca.crt), PEM; empty where there is none.
    """

    keys: frozenset[str] = frozenset()
    certificate: bytes = b""
    authority: bytes = b""


@dataclass(frozen=True)
class Judgement:
    """What is known of the certificate behind a webhook configuration.

    Args:
        problem: what is wrong, and what to do about it; empty where nothing is known to be.
        not_checked: what could not be looked at, and why.
        end: the first end of all the certificates that trust goes by.
        due: whether what is shown, or what it is trusted by, is to be renewed by now.
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
        """Whole days until the first end; below 0 where it has passed."""
        return (self.end - self.now).days if self.end and self.now else None

    def verdict(self) -> Verdict:
        """Ready where nothing is known to be wrong."""
        subject = f"webhook configuration {self.configuration}"
        if self.problem:
            # The controller, or whoever looks after the Secret, may put it right at any moment.
            return Verdict(subject, RULE, "progressing", self.problem)
        if self.not_checked:
            return Verdict(subject, RULE, "ready", f"not looked at: {self.not_checked}")
        return Verdict(subject, RULE, "ready", f"{self.days_left} days left")

    def row(self) -> dict[str, Any]:
        """For a result."""
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
        """What to say of a certificate that is good, and not for long; empty otherwise."""
        if self.problem or not self.due:
            return ""
        whose = "the controller renews it by itself and has not done so: look at its log"
        if not self.source.own_authority:
            whose = "renew it"
        return f"the certificate in {self.source}, or one it is trusted by, ends in {self.days_left} days: {whose}"


def judge_certificate(
    configuration: Mapping[str, Any],
    source: CertificateSource,
    serving: Serving | None,
    now: datetime,
    *,
    unread: str = "",
) -> Judgement:
    """Judges a live webhook configuration against the Secret that its pods serve from.

    Args:
        serving: None where there is no such Secret.
        unread: why the Secret was not read; empty where it was.
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
        return Judgement(name, source, f"its caBundle holds no certificate: {_put_back(source)}", now=now)
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
    """What is wrong with a Secret whose certificate is to be trusted by C(authority), PEM; empty where nothing is."""
    if problem := _keys(serving, source):
        return problem
    held = serving or Serving()
    if _unfit_library(authority, held.certificate):
        return ""
    trusted = certificates_in(authority)
    if not trusted:
        return f"there is no certificate to trust {source} by: ca.crt"
    return _chain(held, source, [trusted], now)


def due_in(serving: Serving | None, authority: bytes, now: datetime) -> int | None:
    """In how many days ends what a Secret serves, or what that is trusted by; None where that is no matter yet.

    While an authority is replaced there are two, of which the old one may end.
    """
    shown = certificates_in(serving.certificate)[:1] if serving else []
    trusted = certificates_in(authority)
    if not shown or not trusted:
        return None
    left = min(not_after(shown[0]), max(map(not_after, trusted))) - now
    return left.days if left < _margin(shown[0]) else None


def _unfit_library(*pems: bytes) -> str:
    """Why these certificates cannot be judged here, whatever they are; empty where they can."""
    if not can_read():
        return "certificates, for want of the Python library cryptography"
    if any(map(refused_in, pems)):
        return "certificates, because the Python library cryptography refuses one of them"
    return ""


def _margin(*certificates: x509.Certificate) -> timedelta:
    """How long before the end certificates are to be renewed.

    The last 30 days, but for what lives shortly the last quarter of its life: cert-manager renews in the last third.
    """
    return min(timedelta(days=RENEWAL_DAYS), *((not_after(one) - not_before(one)) / 4 for one in certificates))


def wrong_service(configuration: Mapping[str, Any], source: CertificateSource) -> str:
    """Whether a webhook calls another Service than it should, in words."""
    for webhook in parts(configuration, "webhooks"):
        service = part(part(webhook, "clientConfig"), "service")
        called = (str(service.get("namespace", "")), str(service.get("name", "")))
        if called != (source.namespace, source.service):
            return (
                f"webhook {webhook.get('name', '')} calls Service {'/'.join(called)} and not "
                f"{source.namespace}/{source.service}: run the install again"
            )
    return ""


def _bundles(configuration: Mapping[str, Any]) -> list[bytes]:
    """The different ones of its webhooks, as PEM."""
    found = [text(webhook, "clientConfig", "caBundle") for webhook in parts(configuration, "webhooks")]
    return [decoded(ca_bundle) for ca_bundle in dict.fromkeys(found)]


def _keys(serving: Serving | None, source: CertificateSource) -> str:
    if serving is None:
        return f"{source} is not there: {_again(source)}"
    missing = sorted(source.needed - serving.keys)
    return f"{source} lacks {', '.join(missing)}: {_again(source)}" if missing else ""


def _chain(
    serving: Serving, source: CertificateSource, trusted: Sequence[Sequence[x509.Certificate]], now: datetime
) -> str:
    shown = certificates_in(serving.certificate)
    if not shown:
        return f"tls.crt of {source} holds no certificate: {_again(source)}"
    first = shown[0]
    names = host_names(first)
    if not any(_covers(pattern, source.host) for pattern in names):
        has = ", ".join(names[:3]) or "no name at all"
        return f"the certificate in {source} is for {has} and not for {source.host}: {_again(source)}"
    if not serves(first):
        return f"the certificate in {source} is not for servers (extended key usage): {_again(source)}"
    if problem := _times([first], f"the certificate in {source}", now, _again(source)):
        return problem
    for authorities in trusted:
        if problem := _trust(shown, source, authorities, now):
            return problem
    own = certificates_in(serving.authority)
    if source.own_authority and not all(any(one == other for other in some) for some in trusted for one in own):
        return f"its caBundle has not the ca.crt of {source}: {_put_back(source)}"
    return ""


def _trust(
    shown: Sequence[x509.Certificate], source: CertificateSource, authorities: Sequence[x509.Certificate], now: datetime
) -> str:
    """Follows the signatures from the first certificate to one of the authorities."""
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
                f"the certificate in {source} is not signed by one of its caBundle (the issuer is "
                f"{at.issuer.rfc4514_string() or 'without a name'}): {_again(source)}"
            )
        if problem := _times([step], f"an intermediate certificate in {source}", now, _again(source)):
            return problem
        left.remove(step)
        at = step
    return ""


def _expired(trusted: Iterable[Sequence[x509.Certificate]], source: CertificateSource, now: datetime) -> str:
    """Whether nothing is left that a certificate could be trusted by, in words."""
    for authorities in trusted:
        if not any(_valid(authority, now) for authority in authorities):
            return _times(authorities, "its caBundle", now, _again(source))
    return ""


def _valid(certificate: x509.Certificate, now: datetime) -> bool:
    return not_before(certificate) <= now <= not_after(certificate)


def _times(certificates: Sequence[x509.Certificate], what: str, now: datetime, next_step: str) -> str:
    for certificate in certificates:
        if now > not_after(certificate):
            return f"{what} ended on {not_after(certificate).strftime(_TIME)}: {next_step}"
        if now < not_before(certificate):
            return f"{what} is valid only from {not_before(certificate).strftime(_TIME)} on: {next_step}"
    return ""


def _put_back(source: CertificateSource) -> str:
    if source.own_authority:
        return "the controller puts its own there; look at its log"
    return "run the install again"


def _again(source: CertificateSource) -> str:
    if source.own_authority:
        return f"empty {source} of its data, and the controller makes a new one"
    return "put a certificate for this Service there, with what signed it"


def _covers(pattern: str, host: str) -> bool:
    """Whether a name of a certificate covers a host: equal, or with a wildcard for the first label (RFC 6125)."""
    pattern, host = pattern.lower().rstrip("."), host.lower()
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return pattern == host
