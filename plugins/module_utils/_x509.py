# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the certificates in a PEM text end.

C(cryptography) reads them. ansible-core brings it to every control node; on a bastion that lacks it nobody knows.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def ends_of(ca_bundle: str) -> list[datetime]:
    """When each certificate of a C(caBundle) ends; those that cannot be read are left out.

    Args:
        ca_bundle: PEM, once more encoded as base64, as the API has it.
    """
    try:
        # Six megabytes, of which a run that writes nothing has no use.
        from cryptography.x509 import load_pem_x509_certificate
    except ImportError:
        return []
    try:
        pem = base64.b64decode(ca_bundle)
    except (binascii.Error, ValueError):
        return []
    found = []
    for block in _BLOCK.findall(pem):
        try:
            found.append(_not_after(load_pem_x509_certificate(block + b"\n")))
        except ValueError:
            continue
    return found


def _not_after(certificate: x509.Certificate) -> datetime:
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    # Before cryptography 42: the same without saying that it is UTC.
    return certificate.not_valid_after.replace(tzinfo=timezone.utc)
