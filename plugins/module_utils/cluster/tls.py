# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One TLS context for all connections to a server.

urllib3 makes one for each connection otherwise, and reads certificates and key from their files each time: a
millisecond, and thirty where the machine's own certificates are trusted. A proof takes dozens of connections.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

try:
    import urllib3
    from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context
except ImportError:  # reported by _module.py, so that documentation and argument checks work without it
    pass

_READ_ONCE = ("ca_certs", "ca_cert_data", "cert_file", "key_file")


def share_context(pool: urllib3.PoolManager, context: ssl.SSLContext | None = None) -> ssl.SSLContext | None:
    """Lets every connection of a pool use one context.

    Args:
        pool: as the official client makes it; nothing was asked over it yet.
        context: what an earlier pool of the same settings got.

    Returns:
        The context. None where each connection makes its own, as urllib3 does it: where a proxy is in between, which
        may need the same files; and where a file is of no use, which every connection then says.
    """
    settings: dict[str, Any] = pool.connection_pool_kw
    if isinstance(pool, urllib3.ProxyManager):
        return None
    try:
        context = context or _context(settings)
    except (OSError, ValueError):
        return None
    for name in _READ_ONCE:
        settings.pop(name, None)
    settings["ssl_context"] = context
    return context


def _context(settings: dict[str, Any]) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=settings["cert_reqs"])
    authorities, text, certificate, key = (settings.get(name) for name in _READ_ONCE)
    if authorities or text:
        context.load_verify_locations(authorities, cadata=text)
    elif context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs()
    if certificate:
        context.load_cert_chain(certificate, key)
    # urllib3 sets these again for each connection, and OpenSSL then frees what another thread may just be copying for
    # its own: what that one says first is rubbish, and the server hangs up (alert "decode error"). Once is enough.
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    context.set_alpn_protocols = _are_set  # type: ignore[method-assign]
    return context


def _are_set(alpn_protocols: Iterable[str]) -> None:
    """Leaves them as they are."""
