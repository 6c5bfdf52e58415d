# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a target to a cluster client, with the official library's loaders doing the authentication."""

from __future__ import annotations

import base64
import logging
import os
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies

try:
    import urllib3
    import yaml
    from kubernetes import config as kubernetes_config
    from kubernetes.client import Configuration
except ImportError:  # reported by module_runner.py
    pass

from ..errors import TargetError
from ..redaction import redact
from .client import Cluster
from .target import CONNECTION_OPTIONS, Target, choose_context

DEFAULT_KUBECONFIG = "~/.kube/config"


def connect(target: Target, *, connections: int = 8) -> Cluster:
    """Return a client for the target. No request is sent.

    Raises:
        TargetError: a file or context does not exist, or its credentials cannot be loaded.
    """
    # Never use the process-wide default configuration: it may hold another task's settings.
    configuration = Configuration()
    if target.in_cluster:
        _load_in_cluster(configuration)
    elif target.host:
        configuration.host = target.host
    else:
        _load_kubeconfig(configuration, target)
    _check_server(str(configuration.host))
    headers = _override(configuration, dict(target.settings))
    _take_proxy_from_environment(configuration)
    _log_in_at_proxy(configuration)
    try:
        return Cluster(configuration, headers=headers, connections=connections)
    except ImportError as error:
        raise TargetError(
            f"the proxy cannot be used: {error}", next_step="install PySocks where the task runs"
        ) from error


def _check_server(server: str) -> None:
    """Fail if the address has no scheme: the client would send the credentials over plain HTTP.

    Raises:
        TargetError: the address is not an HTTP URL.
    """
    if not server.lower().startswith(("https://", "http://")):
        raise TargetError(
            f"the server address {redact(server)} is not a URL", next_step="begin it with https:// and the host name"
        )


def _load_in_cluster(configuration: Configuration) -> None:
    try:
        kubernetes_config.load_incluster_config(client_configuration=configuration)
    except kubernetes_config.ConfigException as error:
        raise TargetError(
            f"in_cluster is true, but this process does not run in a pod: {error}",
            next_step="name the cluster with conductor_kubeconfig and conductor_context, or with conductor_host",
        ) from error


def _load_kubeconfig(configuration: Configuration, target: Target) -> None:
    where, contents = _contents(target.kubeconfig)
    contexts = _entries(contents, "contexts")
    context = choose_context(target.context, list(contexts), where)
    complaints = _Complaints()
    root = logging.getLogger()
    root.addHandler(complaints)
    try:
        if isinstance(target.kubeconfig, dict):
            kubernetes_config.load_kube_config_from_dict(
                target.kubeconfig, context=context, client_configuration=configuration, persist_config=False
            )
        else:
            kubernetes_config.load_kube_config(
                where,
                context=context,
                client_configuration=configuration,
                persist_config=bool(target.settings.get("persist_config")),
            )
    except (kubernetes_config.ConfigException, OSError, ValueError, KeyError, TypeError) as error:
        raise TargetError(
            f"context {context!r} of {where} cannot be loaded: {error}", next_step="try kubectl with the same file"
        ) from error
    finally:
        root.removeHandler(complaints)
    if complaints.messages:
        # The official loader logs the failure of an exec plugin and continues as anonymous; the 403 would mislead.
        raise TargetError(
            f"the credentials of context {context!r} in {where} cannot be loaded: {'; '.join(complaints.messages)}",
            next_step="run the credential plugin by hand; it must be installed where this task runs",
        )
    _complete(configuration, _entries(contents, "clusters").get(str(contexts[context].get("cluster")), {}))


def _contents(kubeconfig: str | dict[str, Any] | None) -> tuple[str, list[dict[str, Any]]]:
    """Return the location of the kubeconfig, for messages and the loader, and the content of each of its files."""
    if isinstance(kubeconfig, dict):
        return "the inline kubeconfig", [kubeconfig]
    if kubeconfig is not None and not isinstance(kubeconfig, str):
        raise TargetError(
            "kubeconfig has the wrong type",
            next_step="give a path, or the content of a kubeconfig as text or as a dictionary",
        )
    where = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    paths = [os.path.expanduser(path) for path in where.split(os.pathsep) if path]
    contents: list[dict[str, Any]] = []
    missing = [path for path in paths if not os.path.exists(path)]
    if len(missing) == len(paths):
        raise TargetError(f"kubeconfig file not found: {' or '.join(missing)}", next_step="check the path")
    for path in paths:
        if path in missing:
            continue
        try:
            with open(path, encoding="utf-8") as stream:
                content = yaml.safe_load(stream)
            if not isinstance(content, dict) or "contexts" not in content:
                raise TargetError(
                    f"{path} is not a valid kubeconfig: it has no contexts", next_step="check the path and the file"
                )
            contents.append(
                {**content, "contexts": [{**entry, "name": entry["name"]} for entry in content["contexts"] or []]}
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise TargetError(
                f"{path} is not a valid kubeconfig: {type(error).__name__}: {error}", next_step="check the file"
            ) from error
    return os.pathsep.join(paths), contents


def _entries(contents: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the entries of C(contexts) or C(clusters) by name; the first of each name counts."""
    found: dict[str, dict[str, Any]] = {}
    for content in contents:
        for entry in content.get(kind) or []:
            if isinstance(entry, dict) and entry.get("name"):
                found.setdefault(entry["name"], entry.get(kind[:-1]) or {})
    return found


def _complete(configuration: Configuration, cluster: dict[str, Any]) -> None:
    """Set what older releases of the official loader do not read from a kubeconfig."""
    for key, attribute in (("proxy-url", "proxy"), ("tls-server-name", "tls_server_name")):
        if cluster.get(key):
            setattr(configuration, attribute, cluster[key])


def kubeconfig_of(text: str) -> dict[str, Any]:
    """Parse a kubeconfig that is given as text.

    Raises:
        TargetError: it is not a kubeconfig. The message does not show the text, which may hold secrets.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict):
        raise TargetError(
            "kubeconfig is text, but not the content of a kubeconfig",
            next_step="give a path, or the content of a kubeconfig as text or as a dictionary",
        )
    return content


def _take_proxy_from_environment(configuration: Configuration) -> None:
    """Take a proxy from C(HTTPS_PROXY) or a similar variable if nothing else names one.

    Older releases of the official client do not read these variables.
    """
    proxies = getproxies()
    if not configuration.proxy:
        configuration.proxy = proxies.get(configuration.host.partition(":")[0]) or proxies.get("all")
    if not configuration.no_proxy:
        configuration.no_proxy = proxies.get("no")


def _log_in_at_proxy(configuration: Configuration) -> None:
    """Move user and password from the proxy's URL to a header: urllib3 would ignore them and show them in errors.

    Raises:
        TargetError: the URL is invalid.
    """
    if not configuration.proxy:
        return
    scheme, separator, rest = configuration.proxy.partition("://")
    if not separator or scheme.lower() not in ("http", "https", "socks4", "socks4a", "socks5", "socks5h"):
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


def _override(configuration: Configuration, settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Override loaded settings with explicit ones; return the headers to send with each request."""
    if settings.get("api_key"):
        # Clients up to release 35 read only this name.
        configuration.api_key = {"authorization": f"Bearer {settings['api_key']}"}
        # The hook of loaded credentials would replace this token with a renewed one of its own.
        configuration.refresh_api_key_hook = None
    for name, option in CONNECTION_OPTIONS.items():
        value = settings.get(name)
        if not option.attribute or value is None or value == "":
            continue
        if option.is_file:
            if "-----BEGIN" in value:
                raise TargetError(
                    f"{name} is the content of a file, but must be a path",
                    next_step="write it to a file, or use an inline kubeconfig",
                )
            value = os.path.expanduser(value)
            if not os.path.exists(value):
                raise TargetError(
                    f"{name}: file not found: {value}", next_step="check the path on the machine where the task runs"
                )
        setattr(configuration, option.attribute, value)
    if settings.get("proxy_headers"):
        configuration.proxy_headers = urllib3.util.make_headers(**settings["proxy_headers"])
    headers = []
    if settings.get("impersonate_user"):
        headers.append(("Impersonate-User", settings["impersonate_user"]))
    headers += [("Impersonate-Group", group) for group in settings.get("impersonate_groups") or []]
    return headers


class _Complaints(logging.Handler):
    """Collect the errors that the official loader logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Collect one record; called by logging."""
        self.messages.append(record.getMessage())
