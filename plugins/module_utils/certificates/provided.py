# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that the user gives as PEM: the Secrets that hold them, as objects of the bundle. Pure.

As objects of the bundle they are planned, applied, recorded and removed like all others, and somebody else's Secret of
the same name stops an install like any other object of somebody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..objects.fields import name_of, text
from ..redaction import PRIVATE_KEY, encoded_pem
from ..release.bundle import EXTERNAL, Bundle, Phase, marked
from ..release.components import is_named_jobset
from .serving import public_parts
from .sources import CertificateSource, sources
from .verdict import Serving
from .x509 import can_read, certificates_in, decoded, is_key_of

COMPONENTS = ("trainer", "jobset")
_STEP = "read certificates_pem"
# After the namespace, before the controllers.
_PHASE = "access"


def pem_options() -> dict[str, Any]:
    """The argument spec of C(certificates_pem)."""
    pair = {"certificate": {"type": "str", "required": True}, "key": {"type": "str", "required": True, "no_log": True}}
    return {"type": "dict", "options": {name: {"type": "dict", "options": pair} for name in COMPONENTS}}


def with_own_certificates(bundle: Bundle, pems: Mapping[str, Any] | None) -> Bundle:
    """The same release with a Secret for each component whose certificate and key are given.

    What is not given is not touched: its Secret is looked at where it is, whoever made it.

    Raises:
        InputError: they would never be served, or nobody could trust them.
    """
    given = {name: pair for name, pair in (pems or {}).items() if pair}
    if not given:
        return bundle
    if bundle.certificates != EXTERNAL:
        raise InputError(
            "certificates_pem is given, and the controllers are to make their certificates themselves",
            step=_STEP,
            next_step=f"set certificates: {EXTERNAL}, or leave certificates_pem out",
        )
    if not bundle.authority:
        raise InputError(
            "certificates_pem is given, and not what the API server is to trust these certificates by",
            step=_STEP,
            next_step="give certificates_ca, the certificate of the authority that signed them, as PEM text",
        )
    for name, pair in given.items():
        if PRIVATE_KEY in pair["certificate"]:
            # In tls.crt, and in what Ansible shows of the options, nobody would take it for a secret.
            raise InputError(
                f"certificates_pem.{name}.certificate holds a private key",
                step=_STEP,
                next_step=f"give the certificates alone there, and the key as certificates_pem.{name}.key",
            )
    secrets = tuple(
        _secret(source, given[component], bundle.authority)
        for source in dict.fromkeys(sources(bundle).values())
        for component in (_component(source),)
        if component in given
    )
    phases = [Phase(phase.name, phase.objects + secrets) if phase.name == _PHASE else phase for phase in bundle.phases]
    return replace(bundle, phases=tuple(phases))


def given_certificates(bundle: Bundle) -> dict[str, Serving]:
    """The names of the Secrets whose content is given, to the public parts of it."""
    return {name: public_parts(secret) for name, secret in _given(bundle).items()}


def key_problem(bundle: Bundle, source: CertificateSource) -> str:
    """Why a key that is given would not do, empty where nothing speaks against it; never a part of it."""
    secret = _given(bundle).get(source.secret)
    shown = certificates_in(decoded(text(secret, "data", "tls.crt")))
    if secret is None or not shown or not can_read():
        return ""
    if is_key_of(decoded(text(secret, "data", "tls.key")), shown[0]):
        return ""
    return (
        f"the key for {source} is not that of its certificate, or cannot be read: give the first certificate's as PEM "
        "text that is not encrypted"
    )


def _given(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """Name to Secret; those that the controllers fill come without data."""
    return {name_of(secret): secret for secret in bundle.objects("Secret") if secret.get("data")}


def _secret(source: CertificateSource, pair: Mapping[str, str], authority: str) -> dict[str, Any]:
    values = {"tls.crt": pair["certificate"], "tls.key": pair["key"], "ca.crt": authority}
    return marked(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": source.secret, "namespace": source.namespace},
            "data": {name: encoded_pem(value) for name, value in values.items()},
        }
    )


def _component(source: CertificateSource) -> str:
    return "jobset" if is_named_jobset(source.secret) else "trainer"
