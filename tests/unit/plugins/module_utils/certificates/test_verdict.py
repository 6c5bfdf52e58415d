# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import sys
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.sources import (
    CERTIFICATE_KEYS,
    CertificateSource,
)
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.verdict import (
    Judgement,
    Serving,
    due_in,
    judge_certificate,
    secret_problem,
)
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.x509 import (
    certificates_in,
    not_after,
    not_before,
)
from tests.unit.plugins.helpers.builders import webhooks
from tests.unit.plugins.helpers.certificates import Authority

OWN = CertificateSource("manager-cert", "webhook", "ops", CERTIFICATE_KEYS)
EXTERNAL = replace(OWN, needed=frozenset({"tls.crt", "tls.key"}), own_authority=False)
YEAR = timedelta(days=365)
ROOT, OTHER = Authority("root", life=YEAR), Authority("other", life=YEAR)
NOW = datetime.now(timezone.utc)


def served(
    authority: Authority = ROOT, host: str = "webhook.ops.svc", life: timedelta = YEAR, *, chain: bytes = b""
) -> Serving:
    """Return the public parts of a Secret whose certificate the authority signed."""
    return Serving(CERTIFICATE_KEYS, authority.server("x", [host], life=life).certificate + chain, authority.pem)


def trusting(*pems: bytes) -> dict[str, Any]:
    """Return a webhook configuration with this caBundle."""
    found = webhooks("validator", "webhook", ["g"])
    found["webhooks"][0]["clientConfig"]["caBundle"] = base64.b64encode(b"".join(pems)).decode()
    return found


def judged(
    serving: Serving | None, *pems: bytes, source: CertificateSource = OWN, now: datetime = NOW, unread: str = ""
) -> Judgement:
    return judge_certificate(trusting(*pems), source, serving, now, unread=unread)


def test_trusted_certificate_is_ready() -> None:
    found = judged(served(life=timedelta(days=100, hours=1)), ROOT.pem)
    assert (found.problem, found.not_checked, found.days_left) == ("", "", 100)
    assert found.verdict().ready
    assert found.verdict().evidence == "100 days left"
    row = found.row()
    assert row["not_after"] == found.end.strftime("%Y-%m-%dT%H:%M:%SZ") if found.end else False
    assert (row["configuration"], row["secret"], row["service"]) == ("validator", "manager-cert", "webhook")


BETWEEN = Authority("between", life=YEAR, above=ROOT)
LATE = Authority("late", life=timedelta(days=-1))
NONE = Authority("none", life=YEAR, lawful=False)
SHORT = Authority("short", life=timedelta(days=-1), above=ROOT)

WRONG: dict[str, tuple[Serving | None, tuple[bytes, ...], str]] = {
    "no Secret": (None, (ROOT.pem,), "Secret ops/manager-cert does not exist: run the install again"),
    "no keys": (Serving(), (ROOT.pem,), "has no ca.crt, ca.key, tls.crt, tls.key"),
    "one key missing": (replace(served(), keys=CERTIFICATE_KEYS - {"tls.key"}), (ROOT.pem,), "has no tls.key"),
    "no certificate": (
        replace(served(), certificate=b"x"),
        (ROOT.pem,),
        "tls.crt of Secret ops/manager-cert contains no",
    ),
    "another name": (served(host="other.ops.svc"), (ROOT.pem,), "is for other.ops.svc, not for webhook.ops.svc"),
    "a deeper name": (served(host="*.svc"), (ROOT.pem,), "is for *.svc, not for webhook.ops.svc"),
    "no name": (served(host="192.0.2.1"), (ROOT.pem,), "is for no host name"),
    "ended": (served(life=timedelta(seconds=-1)), (ROOT.pem,), "the certificate in Secret ops/manager-cert expired on"),
    "another authority": (served(OTHER), (ROOT.pem,), "not signed by an authority in its caBundle (issuer: CN=other)"),
    "another key of the same name": (
        served(Authority("root")),
        (ROOT.pem,),
        "not signed by an authority in its caBundle",
    ),
    "no caBundle": (served(), (), "its caBundle contains no certificate"),
    "a caBundle of rubbish": (served(), (b"ca",), "its caBundle contains no certificate"),
    "an authority that ended": (served(LATE), (LATE.pem,), "its caBundle expired on"),
    "an intermediate that is missing": (served(BETWEEN), (ROOT.pem,), "issuer: CN=between"),
    "an intermediate that ended": (served(SHORT, chain=SHORT.pem), (ROOT.pem,), "an intermediate certificate in"),
    "an authority that is none": (served(NONE), (NONE.pem,), "not signed by an authority in its caBundle"),
    "for clients": (
        replace(served(), certificate=ROOT.client("x", hosts=["webhook.ops.svc"]).certificate),
        (ROOT.pem,),
        "is not for servers",
    ),
    "another ca.crt": (replace(served(), authority=OTHER.pem), (ROOT.pem,), "does not contain the ca.crt of"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_problem_is_never_ready_and_has_a_next_step(wrong: str) -> None:
    serving, pems, words = WRONG[wrong]
    found = judged(serving, *pems)
    assert words in found.problem
    assert ": " in found.problem
    assert found.verdict().state == "progressing"
    assert found.verdict().evidence == found.problem == found.row()["problem"]
    assert not found.warning()


def test_certificate_is_not_valid_before_its_start() -> None:
    found = judged(served(), ROOT.pem, now=NOW - timedelta(days=3))
    assert "is not valid before" in found.problem


GOOD: dict[str, tuple[Serving, tuple[bytes, ...]]] = {
    "one authority of several": (served(), (OTHER.pem, ROOT.pem)),
    "an old authority stays beside": (served(), (LATE.pem, ROOT.pem)),
    "an intermediate that comes along": (served(BETWEEN, chain=OTHER.pem + BETWEEN.pem), (ROOT.pem,)),
    "an intermediate that is trusted": (served(BETWEEN), (BETWEEN.pem,)),
    "a wildcard": (served(host="*.ops.svc"), (ROOT.pem,)),
    "capital letters": (served(host="WebHook.ops.svc"), (ROOT.pem,)),
}


@pytest.mark.parametrize("good", GOOD)
def test_certificate_trusted_by_go_is_ready(good: str) -> None:
    serving, pems = GOOD[good]
    assert judged(serving, *pems, source=EXTERNAL).problem == ""


def test_a_certificate_may_be_trusted_by_itself() -> None:
    serving = served()
    assert judged(serving, serving.certificate, source=EXTERNAL).problem == ""


def test_every_webhook_of_a_configuration_has_to_trust_it() -> None:
    configuration = trusting(ROOT.pem)
    configuration["webhooks"] += trusting(OTHER.pem)["webhooks"]
    assert "not signed" in judge_certificate(configuration, OWN, served(), NOW).problem
    configuration["webhooks"][1]["clientConfig"]["caBundle"] = None
    assert "no certificate" in judge_certificate(configuration, OWN, served(), NOW).problem


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({"name": "webhook", "namespace": "else"}, "calls Service else/webhook instead of ops/webhook"),
        ({"name": "other", "namespace": "ops"}, "calls Service ops/other instead of ops/webhook"),
        (None, "calls Service / instead of ops/webhook"),
    ],
)
def test_webhook_must_call_the_right_service(service: Any, words: str) -> None:
    configuration = trusting(ROOT.pem)
    configuration["webhooks"][0]["clientConfig"]["service"] = service
    assert words in judge_certificate(configuration, OWN, served(), NOW).problem


def test_unreadable_secret_is_reported_as_not_checked() -> None:
    found = judged(None, ROOT.pem, unread="Secret x: missing permission to list it")
    assert found.problem == ""
    assert found.verdict().ready
    assert "not checked: Secret x" in found.verdict().evidence
    assert found.days_left == 364
    # The public caBundle is still checked.
    assert "its caBundle expired on" in judged(None, LATE.pem, unread="x").problem


def test_without_the_library_only_keys_and_service_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.x509", None)
    found = judged(served(OTHER), ROOT.pem)
    assert found.problem == ""
    assert found.verdict().ready
    assert "cryptography" in found.row()["not_checked"]
    assert (found.row()["not_after"], found.days_left, found.warning()) == ("", None, "")
    assert "has no" in judged(Serving(), ROOT.pem).problem
    assert judged(None, ROOT.pem, unread="x").problem == ""


def test_certificate_rejected_by_the_library_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The controllers' own authorities have the serial number 0, which the library will reject in a later release."""
    certificate = served()

    def refuse(_pem: bytes) -> None:
        raise ValueError("serial number is not positive")

    monkeypatch.setattr("cryptography.x509.load_pem_x509_certificate", refuse)
    found = judged(certificate, ROOT.pem)
    assert (found.problem, found.verdict().ready) == ("", True)
    assert "rejects one of them" in found.row()["not_checked"]
    assert (found.row()["not_after"], found.days_left, found.warning()) == ("", None, "")
    assert "has no" in judged(Serving(), ROOT.pem).problem
    assert secret_problem(certificate, EXTERNAL, ROOT.pem, NOW) == ""


# Lifetime in days, and days before the expiry. The authority is valid for longer.
@pytest.mark.parametrize(
    ("life", "days", "warned"),
    [(300, 29, True), (300, 30, False), (40, 9, True), (40, 10, False), (40, 29, False)],
)
@pytest.mark.parametrize("source", [OWN, EXTERNAL])
def test_certificate_that_expires_soon_has_a_warning(
    source: CertificateSource, life: int, days: int, warned: bool
) -> None:
    now = NOW + timedelta(days=life - days, hours=-1)
    found = judged(served(life=timedelta(days=life)), ROOT.pem, source=source, now=now)
    assert found.problem == ""
    assert bool(found.warning()) is warned
    if warned:
        assert f"expires in {days} days" in found.warning()
        assert ("renew it" in found.warning()) is (source is EXTERNAL)


@pytest.mark.parametrize(("life", "days", "due"), [(300, 29, 29), (300, 30, None), (40, 9, 9), (40, 10, None)])
def test_due_in_agrees_with_the_warning(life: int, days: int, due: int | None) -> None:
    now = NOW + timedelta(days=life - days, hours=-1)
    assert due_in(served(life=timedelta(days=life)), ROOT.pem, now) == due


def test_last_expiry_of_the_authorities_counts() -> None:
    soon = Authority("soon", life=timedelta(days=20, hours=1))
    serving = served(soon, life=YEAR)
    assert due_in(serving, soon.pem, NOW) == 20
    assert due_in(serving, soon.pem + ROOT.pem, NOW) is None
    # Of the served certificates only the server's own counts.
    assert due_in(served(soon, life=YEAR, chain=soon.pem), soon.pem, NOW) == 20
    assert due_in(Serving(), ROOT.pem, NOW) is None
    assert due_in(None, ROOT.pem, NOW) is None
    assert due_in(serving, b"", NOW) is None


@pytest.mark.parametrize(("days", "warned"), [(29, True), (30, False)])
def test_without_the_secret_the_authority_is_judged(days: int, warned: bool) -> None:
    now = NOW + YEAR - timedelta(days=days, hours=1)
    assert bool(judged(None, ROOT.pem, unread="x", now=now).warning()) is warned


def test_secret_problem_of_a_provided_certificate() -> None:
    serving = replace(served(), keys=EXTERNAL.needed)
    assert secret_problem(serving, EXTERNAL, ROOT.pem, NOW) == ""
    assert "not signed" in secret_problem(serving, EXTERNAL, OTHER.pem, NOW)
    assert "store a certificate" in secret_problem(serving, EXTERNAL, OTHER.pem, NOW)
    assert "ca.crt" in secret_problem(serving, EXTERNAL, b"", NOW)
    assert "does not exist" in secret_problem(None, EXTERNAL, ROOT.pem, NOW)


@pytest.mark.parametrize("odd", [None, [], {}, {"webhooks": None}, {"webhooks": [None, {"clientConfig": 3}]}])
def test_malformed_objects_never_raise(odd: Any) -> None:
    assert not judge_certificate(odd, OWN, served(), NOW).verdict().ready or not odd or not odd.get("webhooks")


def test_it_is_valid_from_its_first_to_its_last_second() -> None:
    serving = served(life=timedelta(days=90))
    (shown,) = certificates_in(serving.certificate)
    (root,) = certificates_in(ROOT.pem)
    # The authority is valid from earlier and for longer.
    first, last = not_before(shown), not_after(shown)
    assert judged(serving, ROOT.pem, now=first).problem == judged(serving, ROOT.pem, now=last).problem == ""
    assert "is not valid before" in judged(serving, ROOT.pem, now=first - timedelta(seconds=1)).problem
    assert "the certificate in" in judged(serving, ROOT.pem, now=last + timedelta(seconds=1)).problem
    assert judged(serving, ROOT.pem, now=last).days_left == 0
    # The caBundle is judged alone if the Secret may not be read.
    for now, fine in (
        (not_before(root), True),
        (not_after(root), True),
        (not_before(root) - timedelta(seconds=1), False),
        (not_after(root) + timedelta(seconds=1), False),
    ):
        found = judge_certificate(trusting(ROOT.pem), OWN, None, now, unread="it may not be read")
        assert (found.problem == "") is fine, now


@pytest.mark.parametrize("hosts", [["a", "b", "c", "d"]])
def test_at_most_three_host_names_are_shown(hosts: list[str]) -> None:
    serving = replace(served(), certificate=ROOT.server("x", hosts).certificate)
    assert "is for a, b, c, not for" in judged(serving, ROOT.pem).problem


def test_first_certificate_is_the_served_one() -> None:
    """A chain may hold further certificates, whose earlier expiry does not count."""
    sooner = Authority("sooner", life=timedelta(days=3))
    serving = served(life=timedelta(days=50, hours=1), chain=sooner.pem)
    assert judged(serving, ROOT.pem, source=EXTERNAL).days_left == 50


def test_certificates_that_sign_each_other_do_not_loop() -> None:
    """Following the signatures must not loop."""
    key = Authority("round", life=YEAR)
    first = Authority("round", life=YEAR, above=key)
    serving = replace(served(), certificate=key.server("x", ["webhook.ops.svc"], life=YEAR).certificate + key.pem * 2)
    assert "not signed by an authority in its caBundle" in judged(serving, first.pem, source=EXTERNAL).problem


def test_judgement_is_frozen_and_hides_the_time() -> None:
    found = judged(served(), ROOT.pem)
    with pytest.raises(FrozenInstanceError):
        found.problem = "x"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        served().certificate = b""  # type: ignore[misc]
    assert "now=" not in repr(found)


@pytest.mark.parametrize(
    ("source", "words"), [(OWN, "the controller should write its own"), (EXTERNAL, "run the install again")]
)
def test_next_step_depends_on_who_writes_the_ca_bundle(source: CertificateSource, words: str) -> None:
    assert words in judged(served(), b"ca", source=source).problem
