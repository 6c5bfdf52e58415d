# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig as values that are checked: its clusters, users and contexts, merged from all of its files. Pure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from ..errors import TargetError
from .schema import USER, checked

_Entry = TypeVar("_Entry")
_LONGEST_NAME = 80


class Content(NamedTuple):
    """The content of one file.

    Args:
        where: the file, for messages.
        value: a mapping with the types of JSON.
        folder: relative paths begin here; empty for an inline kubeconfig.
    """

    where: str
    value: Mapping[str, Any]
    folder: str = ""


class ClusterEntry(NamedTuple):
    """An entry of C(clusters)."""

    server: str = ""
    tls_server_name: str = ""
    insecure: bool = False
    authority_file: str = ""
    authority: bytes = b""
    proxy: str = ""
    disable_compression: bool = False
    exec_config: Any = None


class ExecPlugin(NamedTuple):
    """The C(exec) of a user."""

    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    api_version: str = ""
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class User(NamedTuple):
    """An entry of C(users).

    Args:
        where: the file it is in.
        provider: the name of its C(auth-provider); None without one.
        unknown: the names of settings that are not part of the API.
    """

    where: str = ""
    certificate_file: str = ""
    certificate: bytes = b""
    key_file: str = ""
    key: bytes = b""
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""
    impersonate: str = ""
    impersonate_uid: str = ""
    impersonate_groups: tuple[str, ...] = ()
    impersonate_extra: Mapping[str, tuple[str, ...]] = {}
    provider: str | None = None
    provider_config: Mapping[str, str] = {}
    plugin: ExecPlugin | None = None
    unknown: tuple[str, ...] = ()

    @property
    def has_certificate(self) -> bool:
        """Return whether it has a client certificate."""
        return bool(self.certificate or self.certificate_file)

    @property
    def has_credentials(self) -> bool:
        """Return whether it brings any credentials."""
        return bool(
            self.has_certificate
            or self.token
            or self.token_file
            or self.username
            or self.provider is not None
            or self.plugin
        )


class ContextEntry(NamedTuple):
    """An entry of C(contexts)."""

    cluster: str = ""
    user: str = ""


class Kubeconfig(NamedTuple):
    """All files together. Of entries with the same name the one in the first file counts, whole."""

    clusters: Mapping[str, ClusterEntry]
    users: Mapping[str, User]
    contexts: Mapping[str, ContextEntry]


def shown(name: str) -> str:
    """Return a name of a file for a message: within bounds, and on one line."""
    return repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...")


def merged(contents: Iterable[Content]) -> Kubeconfig:
    """Return the kubeconfig that the contents are together.

    Raises:
        TargetError: a content is not valid.
    """
    found = Kubeconfig({}, {}, {})
    for content in contents:
        one = _parsed(content)
        found = Kubeconfig(
            {**one.clusters, **found.clusters}, {**one.users, **found.users}, {**one.contexts, **found.contexts}
        )
    return found


def _parsed(content: Content) -> Kubeconfig:
    value = checked(content.value, content.where)
    unknown = {
        str(entry.get("name")): tuple(str(name)[:80] for name in entry["user"] if name not in USER)
        for entry in content.value.get("users") or ()
        if isinstance(entry, Mapping) and isinstance(entry.get("user"), Mapping)
    }

    def path(text: str) -> str:
        return os.path.join(content.folder, text) if text else ""

    def cluster(_name: str, entry: Mapping[str, Any]) -> ClusterEntry:
        extensions = {item.get("name"): item.get("extension") for item in entry.get("extensions", ())}
        return ClusterEntry(
            server=entry.get("server", ""),
            tls_server_name=entry.get("tls-server-name", ""),
            insecure=entry.get("insecure-skip-tls-verify", False),
            authority_file=path(entry.get("certificate-authority", "")),
            authority=entry.get("certificate-authority-data", b""),
            proxy=entry.get("proxy-url", ""),
            disable_compression=entry.get("disable-compression", False),
            exec_config=extensions.get("client.authentication.k8s.io/exec"),
        )

    def user(name: str, entry: Mapping[str, Any]) -> User:
        provider = entry.get("auth-provider")
        return User(
            where=content.where,
            certificate_file=path(entry.get("client-certificate", "")),
            certificate=entry.get("client-certificate-data", b""),
            key_file=path(entry.get("client-key", "")),
            key=entry.get("client-key-data", b""),
            token=entry.get("token", ""),
            token_file=path(entry.get("tokenFile", "")),
            username=entry.get("username", ""),
            password=entry.get("password", ""),
            impersonate=entry.get("as", ""),
            impersonate_uid=entry.get("as-uid", ""),
            impersonate_groups=tuple(entry.get("as-groups", ())),
            impersonate_extra={key: tuple(values) for key, values in entry.get("as-user-extra", {}).items()},
            provider=None if provider is None else provider.get("name", ""),
            provider_config=(provider or {}).get("config", {}),
            plugin=_plugin(entry["exec"], path) if "exec" in entry else None,
            unknown=unknown.get(name, ()),
        )

    def context(_name: str, entry: Mapping[str, Any]) -> ContextEntry:
        return ContextEntry(entry.get("cluster", ""), entry.get("user", ""))

    return Kubeconfig(
        _by_name(value, "clusters", cluster, content.where),
        _by_name(value, "users", user, content.where),
        _by_name(value, "contexts", context, content.where),
    )


def _plugin(entry: Mapping[str, Any], path: Callable[[str], str]) -> ExecPlugin:
    command = entry.get("command", "")
    api_version = entry.get("apiVersion", "")
    return ExecPlugin(
        command=path(command) if os.sep in command else command,
        args=tuple(entry.get("args", ())),
        env=tuple((item.get("name", ""), item.get("value", "")) for item in entry.get("env", ())),
        api_version=api_version,
        install_hint=entry.get("installHint", ""),
        provide_cluster_info=entry.get("provideClusterInfo", False),
        # The default of the older versions of the API; the newest one has none.
        interactive_mode=entry.get("interactiveMode", "")
        or ("IfAvailable" if api_version.startswith("client.authentication.k8s.io/v1beta") else ""),
    )


def _by_name(
    value: Mapping[str, Any], kind: str, build: Callable[[str, Mapping[str, Any]], _Entry], where: str
) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for entry in value.get(kind, ()):
        name = entry.get("name", "")
        if name in found:
            raise TargetError(
                f"{where}: {kind} has two entries with the name {shown(name)}",
                next_step="remove or rename one of them; kubectl rejects the file as well",
            )
        found[name] = build(name, entry.get(kind[:-1], {}))
    return found
