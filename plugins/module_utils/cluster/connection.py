# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a target to a cluster client. Everything is checked before the first request."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

try:
    import urllib3
    from kubernetes.client import Configuration
except ImportError:  # reported by module_runner.py
    pass

from ..errors import TargetError
from ..kubeconfig.address import Address, address_of
from ..kubeconfig.credentials import Login, login_of
from ..kubeconfig.files import INLINE, Hide, read_kubeconfig
from ..kubeconfig.headers import utf8
from ..kubeconfig.model import ClusterEntry, User, merged
from ..kubeconfig.options import file_of, given_login, has_credentials, impersonation, secrets_of
from ..kubeconfig.pem import authority, read_file
from ..kubeconfig.usable import Access, access_of
from .client import Cluster
from .target import Target, choose_context
from .tls import TlsMaterial

Warn = Callable[[str], None]


@dataclass
class _Way:
    """How to reach a server, and as whom.

    Args:
        name: how errors name it.
        impersonation: headers.
    """

    address: Address
    name: str
    login: Login = field(default_factory=Login)
    authority: bytes = b""
    verify: bool = True
    server_name: str = ""
    proxy: str = ""
    compress: bool = True
    impersonation: list[tuple[str, str]] = field(default_factory=list)


def connect(
    target: Target,
    *,
    connections: int = 8,
    hide: Hide = lambda secrets: None,
    warn: Warn = lambda text: None,
) -> Cluster:
    """Return a client for the target. No request is sent to it.

    Args:
        hide: receives the secrets of options, environment and files as soon as they are known.
        warn: receives warnings.

    Raises:
        TargetError: a file or context does not exist, or its credentials cannot be loaded.
    """
    settings = dict(target.settings)
    hide = _without_blanks(hide)
    hide(secrets_of(settings))
    # Never use the process-wide default configuration: it may hold another task's settings.
    configuration = Configuration()
    if target.in_cluster:
        way = _in_cluster(configuration, settings, hide)
    elif target.host:
        address = address_of(target.host, "host")
        way = _Way(address, address.url, given_login(settings, hide) or Login())
    else:
        way = _by_kubeconfig(target, settings, hide, warn)
    _override(way, settings)
    configuration.host = way.address.url
    configuration.verify_ssl = way.verify
    configuration.ssl_ca_cert = configuration.cert_file = configuration.key_file = None
    if way.server_name:
        configuration.tls_server_name = way.server_name
    configuration.proxy = way.proxy or None
    configuration.no_proxy = settings.get("no_proxy")
    if settings.get("proxy_headers"):
        words: dict[str, Any] = {name: utf8(str(value)) for name, value in settings["proxy_headers"].items() if value}
        configuration.proxy_headers = urllib3.util.make_headers(**words)
    _take_proxy_from_environment(configuration, way.address)
    _log_in_at_proxy(configuration)
    if not way.address.is_encrypted:
        _require_safe_way(way, settings, bool(configuration.proxy), warn)
    _log_in(configuration, way.login)
    return _cluster(configuration, way, connections)


def _without_blanks(hide: Hide) -> Hide:
    """Leave out blank texts, which are everywhere: hiding them would make a mess of the output."""
    return lambda secrets: hide({secret for secret in secrets if secret.strip()})


def _cluster(configuration: Configuration, way: _Way, connections: int) -> Cluster:
    material = TlsMaterial(way.authority if way.verify else b"", way.login.certificate, way.login.key)
    try:
        return Cluster(
            configuration,
            headers=way.impersonation,
            connections=connections,
            material=material,
            compress=way.compress,
        )
    except ImportError as error:
        raise TargetError(
            f"the proxy cannot be used: {error}", next_step="install PySocks where the task runs"
        ) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what = "the client key does not belong to the client certificate"
            next_step = "set the certificate and the key of one pair"
        else:
            what = "a certificate or a key is damaged" + (f" ({error.reason})" if error.reason else "")
            next_step = "check the CA, the client certificate and the client key with `openssl x509` and `openssl pkey`"
        raise TargetError(f"the credentials of {way.name} cannot be loaded: {what}", next_step=next_step) from None
    except (OSError, ValueError):
        raise TargetError(
            f"the credentials of {way.name} cannot be loaded: a certificate or a key is damaged",
            next_step="check the CA, the client certificate and the client key with `openssl x509` and `openssl pkey`",
        ) from None


# -- the three kinds of target ---------------------------------------------------------------------------------


def _in_cluster(configuration: Configuration, settings: Mapping[str, Any], hide: Hide) -> _Way:
    # A heavy import, which other targets do not need.
    from kubernetes import config as kubernetes_config

    try:
        kubernetes_config.load_incluster_config(client_configuration=configuration)
    except (kubernetes_config.ConfigException, OSError) as error:
        raise TargetError(
            f"in_cluster is true, but this process does not run in a pod: {error}",
            next_step="name the cluster with conductor_kubeconfig and conductor_context, or with conductor_host",
        ) from error
    way = _Way(address_of(str(configuration.host), "the address of the cluster"), "this pod's service account")
    way.authority = authority(read_file(str(configuration.ssl_ca_cert), "the CA of the pod"), "the CA of the pod")
    way.impersonation = impersonation(settings, User(), way.name)
    hide({value.partition(" ")[2] or value for value in configuration.api_key.values()})
    return way


def _by_kubeconfig(target: Target, settings: Mapping[str, Any], hide: Hide, warn: Warn) -> _Way:
    where, contents = read_kubeconfig(target.kubeconfig, hide)
    kubeconfig = merged(contents)
    names = [name for name in kubeconfig.contexts if name]
    if not names:
        held = [content.where for content in contents if content.value]
        what = "has contexts without a name" if kubeconfig.contexts else "has no contexts" if held else "holds nothing"
        raise TargetError(f"{where} is not a valid kubeconfig: it {what}", next_step="check the path and the file")
    own = has_credentials(settings)
    access = access_of(kubeconfig, choose_context(target.context, names, where), where, own_credentials=own)
    cluster = access.cluster
    way = _Way(
        access.address,
        access.name,
        verify=not cluster.insecure,
        server_name=cluster.tls_server_name,
        proxy=cluster.proxy,
        compress=not cluster.disable_compression,
        impersonation=impersonation(settings, access.user, access.name),
    )
    if not settings.get("ca_cert"):
        way.authority = _authority_of(cluster, access)
    given = given_login(settings, hide)
    persist = bool(settings.get("persist_config")) and where != INLINE
    # Without encryption they would not be sent, so no plugin is run for them.
    safe = access.address.is_encrypted or (access.address.is_loopback and _is_asked_for(settings))
    if given is None and not safe:
        way.login = Login() if not access.user.has_credentials else _WITHHELD
    else:
        way.login = given or login_of(access, way.authority, hide, warn, writes=persist)
    return way


# The credentials of a user that is not going to be loaded, because they would not be sent.
_WITHHELD = Login(username="withheld")


def _authority_of(cluster: ClusterEntry, access: Access) -> bytes:
    name = f"certificate-authority of {access.name}"
    if cluster.authority:
        return authority(cluster.authority, name)
    if not cluster.authority_file:
        return b""
    return authority(read_file(cluster.authority_file, name), name)


# -- options over the kubeconfig ---------------------------------------------------------------------------------


def _override(way: _Way, settings: Mapping[str, Any]) -> None:
    """Override what a kubeconfig says with explicit settings."""
    if settings.get("ca_cert"):
        way.authority = authority(file_of(settings, "ca_cert"), "ca_cert")
        way.verify = True
    if settings.get("validate_certs") is not None:
        way.verify = bool(settings["validate_certs"])
    if settings.get("proxy"):
        way.proxy = settings["proxy"]
    if not way.impersonation:
        way.impersonation = impersonation(settings, User(), way.name)


# -- the way there ---------------------------------------------------------------------------------------------


def _is_asked_for(settings: Mapping[str, Any]) -> bool:
    """Return whether an option says that the server need not prove who it is.

    A kubeconfig cannot say so: with the same file kubectl sends no credentials without encryption.
    """
    return settings.get("validate_certs") is False


def _require_safe_way(way: _Way, settings: Mapping[str, Any], by_proxy: bool, warn: Warn) -> None:
    """Keep credentials from being sent without encryption.

    They are sent to a server on this machine if validate_certs is false, like the credentials for a server that does
    not prove who it is. kubectl never sends them.

    Raises:
        TargetError: there are credentials, and the server is on another machine.
    """
    if way.login.is_empty:
        return
    if by_proxy or not way.address.is_loopback:
        raise TargetError(
            f"{way.name}: credentials are not sent to {way.address.url}, because http:// is not encrypted",
            next_step="use https://; only a server on this machine, reached without a proxy, may be http://",
        )
    if _is_asked_for(settings):
        return
    way.login = Login()
    warn(
        f"no credentials are sent to {way.address.url}, because http:// is not encrypted; "
        "set validate_certs to false to send them to this machine without encryption"
    )


def _take_proxy_from_environment(configuration: Configuration, address: Address) -> None:
    """Take a proxy from C(HTTPS_PROXY) or a similar variable if nothing else names one, as kubectl does.

    Older releases of the official client do not read these variables. A server on this machine is never behind them,
    and C(NO_PROXY) does not apply to a proxy that is named for the cluster.
    """
    if configuration.proxy or address.is_loopback:
        return
    proxies = getproxies()
    configuration.proxy = proxies.get(address.scheme) or proxies.get("all")
    # Go reads *.example.com like .example.com; the libraries of Python do not.
    words = (configuration.no_proxy or proxies.get("no") or "").split(",")
    configuration.no_proxy = ",".join(word.strip().replace("*.", ".") for word in words) or None


def _log_in_at_proxy(configuration: Configuration) -> None:
    """Move user and password from the proxy's URL to a header: urllib3 would ignore them and show them in errors.

    Raises:
        TargetError: the URL is invalid.
    """
    if not configuration.proxy:
        return
    scheme, separator, rest = configuration.proxy.partition("://")
    if not separator or scheme.lower() not in _PROXIES or not _has_host_and_port(rest):
        raise TargetError(
            "proxy is not a valid proxy URL",
            next_step="write it like http://proxy.example:3128, with user and password before the host",
        )
    credentials, at, address = rest.rpartition("@")
    if not at or scheme.lower().startswith("socks"):
        return
    configuration.proxy = f"{scheme}{separator}{address}"
    login = base64.b64encode(unquote(credentials).encode()).decode()
    configuration.proxy_headers = {"proxy-authorization": f"Basic {login}", **(configuration.proxy_headers or {})}


_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def _has_host_and_port(address: str) -> bool:
    try:
        # A password may have characters that end a host name.
        parts = urlsplit(f"//{address.rpartition('@')[2]}")
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _log_in(configuration: Any, login: Login) -> None:
    """Set the credentials in the configuration of the official client, which asks for the token for each request."""
    if login.token is not None:
        token = login.token

        def refresh(current: Any) -> None:
            # Clients up to release 35 read only this name.
            current.api_key = {"authorization": f"Bearer {token()}"}

        refresh(configuration)
        configuration.refresh_api_key_hook = refresh
    elif login.username or login.password:
        configuration.username, configuration.password = utf8(login.username), utf8(login.password)
