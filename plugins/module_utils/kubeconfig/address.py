# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of an API server: one spelling for each, and whether credentials may be sent to it. Pure."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..errors import TargetError

_PORTS = {"https": 443, "http": 80}


class Address(NamedTuple):
    """The address of an API server.

    Args:
        url: scheme and host in lower case, without a slash at the end.
        host: without brackets.
        port: the port of the scheme if the URL has none.
    """

    url: str
    scheme: str
    host: str
    port: int

    @property
    def is_encrypted(self) -> bool:
        """Return whether requests are encrypted."""
        return self.scheme == "https"

    @property
    def is_loopback(self) -> bool:
        """Return whether the server is on this machine."""
        return is_loopback(self.host)

    @property
    def key(self) -> str:
        """Return a text that is equal for all spellings of one address.

        All names and addresses of this machine are one host.
        """
        host = "localhost" if self.is_loopback else self.host.rstrip(".")
        path = urlsplit(self.url).path.rstrip("/")
        return f"{self.scheme}://{host}:{self.port}{path}"


def address_of(server: str, name: str) -> Address:
    """Return the address in a setting. Without a scheme it is https.

    Args:
        name: the setting, for errors.

    Raises:
        TargetError: it is not the URL of an API server. The message shows no password.
    """
    text = server.strip()
    has_scheme = "://" in text
    try:
        parts = urlsplit(text if has_scheme else f"https://{text}")
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:
        raise _no_url(name) from None
    if parts.username is not None or parts.password is not None:
        raise TargetError(
            f"{name} has a user name or a password in its URL, which Conductor never sends",
            next_step="remove it from the URL, and set conductor_api_key, or conductor_client_cert and "
            "conductor_client_key, or a user of a kubeconfig",
        )
    # Without a scheme only host and port, as in kubectl: https:/host is a mistake.
    if not has_scheme and parts.path not in ("", "/"):
        raise _no_url(name)
    if scheme not in _PORTS or not _is_host(host, parts) or parts.query or parts.fragment:
        raise _no_url(name)
    netloc = parts.netloc.lower()
    return Address(f"{scheme}://{netloc}{parts.path.rstrip('/')}", scheme, host, port or _PORTS[scheme])


def is_loopback(host: str) -> bool:
    """Return whether a host name or an address is this machine, without asking DNS."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_host(host: str, parts: SplitResult) -> bool:
    forbidden = '\\^`{|}"<>'
    return bool(host) and not any(char <= " " or char in forbidden for char in parts.netloc + parts.path)


def _no_url(name: str) -> TargetError:
    return TargetError(
        f"{name} is not the URL of an API server",
        next_step="write it like https://host:6443, with https:// and the host name",
    )
