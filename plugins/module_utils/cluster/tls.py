# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Share one TLS context between all connections to a server. Keys stay in memory.

By default urllib3 creates a context for each connection and reads certificates and key from their files each time. This
takes 1 ms, or 30 ms with the machine's own CA certificates, and the probes open dozens of connections.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

try:
    import urllib3
    from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context
except ImportError:  # reported by module_runner.py, so that documentation and argument checks work without it
    pass

_READ_ONCE = ("ca_certs", "ca_cert_data", "cert_file", "key_file")


class TlsMaterial(NamedTuple):
    """Certificates and a key as PEM text: the CA that verifies the server, and what authenticates the client."""

    authorities: bytes = b""
    certificate: bytes = b""
    key: bytes = b""


def share_context(
    pool: urllib3.PoolManager, context: ssl.SSLContext | None = None, material: TlsMaterial | None = None
) -> ssl.SSLContext | None:
    """Make every connection of a pool use one context.

    Args:
        pool: a new pool of the official client, without connections.
        context: the context of an earlier pool with the same settings.
        material: certificates and key; None uses the files that the pool names.

    Returns:
        The context. None if each connection creates its own: with a proxy, which may need the same files, and with an
        unreadable file, so that each connection reports it.

    Raises:
        OSError, ValueError: the material is damaged, or the key does not belong to the certificate.
    """
    settings: dict[str, Any] = pool.connection_pool_kw
    if material is not None:
        return _share_material(pool, context, material)
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


def _share_material(pool: urllib3.PoolManager, context: ssl.SSLContext | None, material: TlsMaterial) -> ssl.SSLContext:
    settings: dict[str, Any] = pool.connection_pool_kw
    if context is None:
        context = _context({"cert_reqs": settings["cert_reqs"], "ca_cert_data": material.authorities.decode("latin-1")})
        if material.certificate:
            load_pair(context, material.certificate, material.key)
    settings["ssl_context"] = context
    if isinstance(pool, urllib3.ProxyManager) and material.authorities:
        # A proxy with HTTPS is verified by the same authorities, but the client's key is not for it.
        proxy = _context({"cert_reqs": settings["cert_reqs"], "ca_cert_data": material.authorities.decode("latin-1")})
        pool.proxy_config = settings["_proxy_config"] = settings["_proxy_config"]._replace(ssl_context=proxy)
    return context


def load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a client certificate and its key, which OpenSSL takes from files only.

    The files are in memory where the system allows it, and are gone when this returns: a process that is killed leaves
    no key behind.

    Raises:
        OSError, ValueError: one of them is damaged, or they do not belong together.
    """
    with _in_file(certificate) as certificate_file, _in_file(key) as key_file:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate_file, key_file, password="")


@contextlib.contextmanager
def _in_file(data: bytes) -> Iterator[str]:
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("conductor")
        path, clean_up = f"/proc/self/fd/{descriptor}", contextlib.ExitStack()
    else:
        descriptor, path = tempfile.mkstemp(prefix="conductor-")
        clean_up = contextlib.ExitStack()
        clean_up.callback(os.unlink, path)
    with clean_up, open(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        yield path


def _context(settings: dict[str, Any]) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=settings["cert_reqs"])
    authorities, text, certificate, key = (settings.get(name) for name in _READ_ONCE)
    if authorities or text:
        context.load_verify_locations(authorities, cadata=text or None)
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
