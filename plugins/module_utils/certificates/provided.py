# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build Secrets from certificates that the user gives as PEM, and add them to the bundle. Pure.

As objects of the bundle they are planned, applied, recorded and removed like all others. An existing Secret with the
same name and another owner stops an install like any other object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..credentials import encoded_pem
from ..errors import InputError
from ..objects.fields import name_of, text
from ..redaction import PRIVATE_KEY
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
    """Return the argument spec of C(certificates_pem)."""
    pair = {"certificate": {"type": "str", "required": True}, "key": {"type": "str", "required": True, "no_log": True}}
    return {"type": "dict", "options": {name: {"type": "dict", "options": pair} for name in COMPONENTS}}


def with_own_certificates(bundle: Bundle, pems: Mapping[str, Any] | None) -> Bundle:
    """Return the release with a Secret for each component whose certificate and key are given.

    The existing Secrets of the other components are checked, but not changed.

    Raises:
        InputError: the certificates would never be served, or the API server could not trust them.
    """
    given = {name: pair for name, pair in (pems or {}).items() if pair}
    if not given:
        return bundle
    if bundle.certificates != EXTERNAL:
        raise InputError(
            "certificates_pem is set, but the controllers create their own certificates",
            step=_STEP,
            next_step=f"set `conductor_certificates: {EXTERNAL}`, or remove conductor_certificates_pem",
        )
    if not bundle.authority:
        raise InputError(
            "certificates_pem is set, but not certificates_ca: the API server cannot trust the certificates",
            step=_STEP,
            next_step="set certificates_ca to the certificate of the authority that signed them, as PEM text",
        )
    for name, pair in given.items():
        if PRIVATE_KEY in pair["certificate"]:
            # In tls.crt and in the options that Ansible shows, it would not be protected as a secret.
            raise InputError(
                f"certificates_pem.{name}.certificate holds a private key",
                step=_STEP,
                next_step=f"put only certificates there, and the key into certificates_pem.{name}.key",
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
    """Return the public parts of each Secret whose content is given, by name."""
    return {name: public_parts(secret) for name, secret in _given(bundle).items()}


def key_problem(bundle: Bundle, source: CertificateSource) -> str:
    """Return what is wrong with a given key, empty if nothing is. The text never holds a part of the key."""
    secret = _given(bundle).get(source.secret)
    shown = certificates_in(decoded(text(secret, "data", "tls.crt")))
    if secret is None or not shown or not can_read():
        return ""
    if is_key_of(decoded(text(secret, "data", "tls.key")), shown[0]):
        return ""
    return (
        f"the key for {source} does not belong to its certificate, or cannot be read: give the key of the first "
        "certificate as unencrypted PEM text"
    )


def _given(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """Return the Secrets with data, by name. Secrets that the controllers fill have none in the bundle."""
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
