# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the certificates in a PEM text end. Nothing but Python's own library: this also runs on bastions.

Only the way to the field C(validity) is read (RFC 5280, section 4.1); nothing is verified.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timezone

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


def ends_of(ca_bundle: str) -> list[datetime]:
    """When each certificate of a C(caBundle) ends; those that cannot be read are left out.

    Args:
        ca_bundle: PEM, once more encoded as base64, as the API has it.
    """
    try:
        pem = base64.b64decode(ca_bundle)
    except (binascii.Error, ValueError):
        return []
    found = []
    for block in _BLOCK.findall(pem):
        try:
            found.append(_not_after(base64.b64decode(block)))
        except (binascii.Error, ValueError, IndexError):
            continue
    return found


def _not_after(der: bytes) -> datetime:
    _tag, certificate, _rest = _element(der, _SEQUENCE)
    _tag, fields, _rest = _element(certificate, _SEQUENCE)
    tag, _value, rest = _element(fields)
    # The version may be left out; then the serial number comes first.
    for _skipped in range(3 if tag == _VERSION else 2):
        _tag, _value, rest = _element(rest)
    _tag, validity, _rest = _element(rest, _SEQUENCE)
    _tag, _not_before, rest = _element(validity)
    tag, value, _rest = _element(rest)
    return _time(tag, value.decode("ascii"))


def _time(tag: int, text: str) -> datetime:
    if tag == _UTC_TIME:
        # Two digits of the year mean 1950 to 2049.
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _element(data: bytes, wanted: int | None = None) -> tuple[int, bytes, bytes]:
    """The tag and the content of the first element, and what follows it."""
    tag, length, start = data[0], data[1], 2
    if wanted is not None and tag != wanted:
        raise ValueError("another element")
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise ValueError("cut off")
    return tag, data[start : start + length], data[start + length :]
