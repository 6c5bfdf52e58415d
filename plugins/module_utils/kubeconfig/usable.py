# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the entries that a context names, before any request: are they usable, do they bring credentials. Pure.

A context whose user is missing or empty would be served as C(system:anonymous), and end in a long list of missing
permissions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..errors import TargetError
from .address import Address, address_of
from .model import ClusterEntry, ExecPlugin, Kubeconfig, User, shown

EXEC_API = "client.authentication.k8s.io"
OIDC = "oidc"

_PLUGINS = {
    "azure": "kubelogin (https://azure.github.io/kubelogin)",
    "gcp": "gke-gcloud-auth-plugin, by `gcloud container clusters get-credentials`",
}
_LOG_IN_AGAIN = "create the entry again with the tool of the provider (it uses an exec plugin), or set a token"


class Access(NamedTuple):
    """What a context names: a cluster, its address, and a user.

    Args:
        name: how errors name the context and its file.
        user_name: the name of the user.
    """

    name: str
    cluster: ClusterEntry
    address: Address
    user_name: str
    user: User


def access_of(kubeconfig: Kubeconfig, context: str, where: str, *, own_credentials: bool = False) -> Access:
    """Return what a context names.

    Args:
        context: the name of one of its contexts.
        where: the location of the kubeconfig, for errors.
        own_credentials: whether options bring credentials, so that those of the user are not used.

    Raises:
        TargetError: kubectl would not use it either, or it brings no credentials.
    """
    name = f"context {shown(context)} of {where}"
    entry = kubeconfig.contexts[context]
    if not entry.cluster or entry.cluster not in kubeconfig.clusters:
        raise _missing(name, "cluster", entry.cluster, kubeconfig.clusters)
    cluster = kubeconfig.clusters[entry.cluster]
    if not cluster.server:
        raise TargetError(
            f"{name} names cluster {shown(entry.cluster)}, which has no server",
            next_step="set its server to an https URL",
        )
    address = address_of(cluster.server, f"server of cluster {shown(entry.cluster)} in {where}")
    _check_cluster(cluster, address, f"cluster {shown(entry.cluster)} of {where}")
    if own_credentials and entry.user not in kubeconfig.users:
        return Access(name, cluster, address, entry.user, User(where=where))
    if not entry.user or entry.user not in kubeconfig.users:
        raise _missing(name, "user", entry.user, kubeconfig.users)
    user = kubeconfig.users[entry.user]
    _check_user(user, f"user {shown(entry.user)} of {where}", name)
    # A proxy on this machine, like `kubectl proxy`, adds credentials of its own.
    needed = address.is_encrypted or not address.is_loopback
    if needed and not own_credentials and not user.has_credentials:
        extra = f"; unknown settings: {', '.join(user.unknown[:8])}" if user.unknown else ""
        raise TargetError(
            f"{name} names user {shown(entry.user)}, which brings no credentials{extra}",
            next_step="give the user a token, a client certificate with its key, or an exec plugin",
        )
    return Access(name, cluster, address, entry.user, user)


def _check_cluster(cluster: ClusterEntry, address: Address, name: str) -> None:
    if cluster.authority and cluster.authority_file:
        raise _twice("certificate-authority", name)
    if address.is_encrypted and cluster.insecure and (cluster.authority or cluster.authority_file):
        raise TargetError(
            f"{name} has a certificate-authority and insecure-skip-tls-verify: true",
            next_step="remove insecure-skip-tls-verify; kubectl rejects both together as well",
        )


def _check_user(user: User, name: str, context: str) -> None:
    if user.has_certificate:
        if user.certificate and user.certificate_file:
            raise _twice("client-certificate", name)
        if user.key and user.key_file:
            raise _twice("client-key", name)
        if not user.key and not user.key_file:
            raise TargetError(f"{name} has a client certificate without a key", next_step="set client-key-data")
    if (user.token and (user.username or user.password)) or (user.token_file and user.username):
        raise TargetError(f"{name} has both a token and a password", next_step="remove one of them")
    if not user.impersonate and (user.impersonate_uid or user.impersonate_groups or user.impersonate_extra):
        raise TargetError(
            f"{name} has as-uid, as-groups or as-user-extra without as", next_step="set as, the user name"
        )
    if user.provider is not None:
        _check_provider(user, user.provider, name, context)
    if user.plugin:
        # With other credentials no plugin is run.
        is_run = not (user.token or user.token_file or user.username or user.has_certificate)
        _check_plugin(user.plugin, name, is_run=is_run)


def _check_provider(user: User, provider: str, name: str, context: str) -> None:
    failed = f"the credentials of {context} cannot be loaded: {name} has auth-provider {shown(provider)}"
    if user.plugin:
        raise TargetError(f"{failed} and an exec plugin", next_step="remove the auth-provider")
    if provider != OIDC:
        plugin = _PLUGINS.get(provider)
        raise TargetError(
            f"{failed}, which kubectl no longer has",
            next_step=f"use the exec plugin {plugin}" if plugin else _LOG_IN_AGAIN,
        )
    missing = [setting for setting in ("idp-issuer-url", "client-id") if not user.provider_config.get(setting)]
    if missing:
        raise TargetError(f"{failed} without {' and '.join(missing)}", next_step=_LOG_IN_AGAIN)
    if not user.token and not (user.provider_config.get("id-token") or user.provider_config.get("refresh-token")):
        raise TargetError(f"{failed} without id-token and refresh-token", next_step=_LOG_IN_AGAIN)


def _check_plugin(plugin: ExecPlugin, name: str, *, is_run: bool) -> None:
    if not plugin.command:
        raise TargetError(f"{name} has an exec plugin without a command", next_step="set its command")
    if plugin.api_version not in (f"{EXEC_API}/v1", f"{EXEC_API}/v1beta1"):
        found = f"apiVersion {plugin.api_version[:80]!r}" if plugin.api_version else "no apiVersion"
        raise TargetError(
            f"{name} has an exec plugin with {found}",
            next_step=f"update the plugin and its entry; kubectl knows {EXEC_API}/v1 and {EXEC_API}/v1beta1",
        )
    if not all(variable for variable, _value in plugin.env):
        raise TargetError(f"{name} has an exec plugin with a variable without a name", next_step="correct its env")
    mode = plugin.interactive_mode
    if mode not in ("Never", "IfAvailable", "Always"):
        found = f"interactiveMode {mode[:80]!r}" if mode else "no interactiveMode"
        raise TargetError(f"{name} has an exec plugin with {found}", next_step="set it to Never or IfAvailable")
    if mode == "Always" and is_run:
        raise TargetError(
            f"{name} has an exec plugin with interactiveMode Always, but a task has no terminal",
            next_step="use credentials that need no terminal, e.g. the token of a ServiceAccount",
        )


def _missing(context: str, kind: str, named: str, names: Iterable[str]) -> TargetError:
    """Return the error for a context that names no entry of a kind, or one that does not exist.

    Args:
        context: how errors name the context.
        named: the name in the context; empty if it has none.
        names: the names of the entries that exist.
    """
    which = f"{kind} {shown(named)}, which does not exist" if named else f"no {kind}"
    existing = ", ".join(map(shown, sorted(names)[:20]))
    what = "with credentials" if kind == "user" else "with its cluster"
    return TargetError(
        f"{context} names {which}",
        next_step=f"name one of its {kind}s in the context: {existing}"
        if existing
        else f"the file has no {kind}s: export it again {what}, or give the file that has them as well",
    )


def _twice(setting: str, name: str) -> TargetError:
    return TargetError(f"{name} has both {setting} and {setting}-data", next_step="remove one of them")
