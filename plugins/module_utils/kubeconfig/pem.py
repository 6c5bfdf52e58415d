# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read PEM text: is it certificates or a key, as the setting needs. Pure, but for reading a file."""

from __future__ import annotations

import re
import ssl

from ..errors import TargetError

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_MOST = 4 * 1024 * 1024


def read_file(path: str, name: str) -> bytes:
    """Return the content of a file that a setting names.

    Raises:
        TargetError: it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MOST + 1)
    except FileNotFoundError:
        raise TargetError(
            f"{name}: file not found: {path}", next_step="check the path on the machine where the task runs"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise TargetError(
            f"{name}: {path} cannot be read: {reason}", next_step="check the path and the permissions of the file"
        ) from None
    if len(data) > _MOST:
        raise TargetError(f"{name}: {path} is larger than 4 MiB", next_step="check the path")
    return data


def certificates(data: bytes, name: str) -> bytes:
    """Return the certificates in the data, without anything else.

    Raises:
        TargetError: there is none. The message does not show the data.
    """
    found = [match[0] for match in _BLOCK.finditer(data) if match[1] == b"CERTIFICATE"]
    if not found:
        raise _other_thing(data, name, "certificate")
    return b"\n".join([*found, b""])


def authority(data: bytes, name: str) -> bytes:
    """Return the CA certificates in the data, without those that are damaged, as kubectl does.

    Raises:
        TargetError: there is none.
    """
    found = certificates(data, name)
    if _are_valid(found):
        return found
    valid = [match[0] for match in _BLOCK.finditer(found) if _are_valid(match[0])]
    if not valid:
        raise TargetError(
            f"{name} holds a certificate that is damaged", next_step="check it with `openssl x509 -noout -text`"
        )
    return b"\n".join([*valid, b""])


def _are_valid(found: bytes) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found.decode("latin-1"))
    except (ssl.SSLError, ValueError):
        return False
    return True


def private_key(data: bytes, name: str) -> bytes:
    """Return the data if it holds a private key without a passphrase.

    Raises:
        TargetError: it does not. The message does not show the data.
    """
    keys = [kind for kind in _kinds(data) if kind.endswith(b"PRIVATE KEY")]
    if not keys:
        raise _other_thing(data, name, "private key")
    if b"ENCRYPTED PRIVATE KEY" in keys or b"Proc-Type: 4,ENCRYPTED" in data:
        raise TargetError(
            f"{name} is a private key with a passphrase",
            next_step="use a key without one, and encrypt its file with Ansible Vault",
        )
    return data


def _kinds(data: bytes) -> list[bytes]:
    return [match[1] for match in _BLOCK.finditer(data)]


def _other_thing(data: bytes, name: str, wanted: str) -> TargetError:
    kinds = _kinds(data)
    if not data.strip():
        found = "is empty"
    elif any(kind.endswith(b"PRIVATE KEY") for kind in kinds):
        found = "holds a private key"
    elif b"CERTIFICATE" in kinds:
        found = "holds a certificate"
    elif kinds:
        found = f"holds a {kinds[0].decode().lower()}"
    elif b"-----BEGIN" in data:
        found = "is PEM text that is cut off or damaged"
    else:
        found = "is not PEM text"
    return TargetError(f"{name} {found}, but must be a {wanted} (PEM)", next_step="correct the setting or its file")
