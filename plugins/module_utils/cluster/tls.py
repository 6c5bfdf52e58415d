# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Share one TLS context between all connections to a server.

By default urllib3 creates a context for each connection and reads certificates and key from their files each time. This
takes 1 ms, or 30 ms with the machine's own CA certificates, and the probes open dozens of connections.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

try:
    import urllib3
    from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context
except ImportError:  # reported by module_runner.py, so that documentation and argument checks work without it
    pass

_READ_ONCE = ("ca_certs", "ca_cert_data", "cert_file", "key_file")


def share_context(pool: urllib3.PoolManager, context: ssl.SSLContext | None = None) -> ssl.SSLContext | None:
    """Make every connection of a pool use one context.

    Args:
        pool: a new pool of the official client, without connections.
        context: the context of an earlier pool with the same settings.

    Returns:
        The context. None if each connection creates its own: with a proxy, which may need the same files, and with an
        unreadable file, so that each connection reports it.
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
    # urllib3 sets the protocols again for each connection. OpenSSL then frees the list while another thread may be
    # copying it, and that thread's handshake fails (alert "decode error"). So they are set only once.
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    context.set_alpn_protocols = _are_set  # type: ignore[method-assign]
    return context


def _are_set(alpn_protocols: Iterable[str]) -> None:
    """Keep the protocols that are already set."""
