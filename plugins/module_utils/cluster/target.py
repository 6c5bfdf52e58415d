# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the target cluster and its credentials from options and environment. Pure.

A target must be named. Without one, kubernetes.core tries the cluster in which its process runs and then the current
context. Under AWX the first is AWX's own cluster; the second is the one that was used last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import TargetError
from ..kubeconfig.address import address_of
from ..kubeconfig.options import has_credentials

# A kubeconfig may have hundreds of contexts.
_MOST_NAMES = 30

_CREDENTIALS, _TLS, _ANYWHERE = "credentials", "tls", "anywhere"


@dataclass(frozen=True)
class ConnectionOption:
    """An option that names the cluster or sets how to connect to it. All modules have all of them.

    Args:
        spec: the option in an argument spec.
        scope: "credentials" and "tls" belong to one host; "anywhere" applies to every kind of target; empty for
            options that name a target.
        environment: the variables that set it, the first one wins; by default C(K8S_AUTH_) and the option's name.
        is_file: the value may be a file on the control node.
    """

    spec: Mapping[str, Any]
    scope: str = ""
    environment: tuple[str, ...] | None = None
    is_file: bool = False

    def variables(self, name: str) -> tuple[str, ...]:
        """Return the environment variables of the option with this name."""
        return (f"K8S_AUTH_{name.upper()}",) if self.environment is None else self.environment


# The options of kubernetes.core, with the same names, meanings and variables, plus in_cluster. A test compares them.
CONNECTION_OPTIONS: dict[str, ConnectionOption] = {
    "kubeconfig": ConnectionOption({"type": "raw"}, is_file=True),
    "context": ConnectionOption({"type": "str"}),
    "host": ConnectionOption({"type": "str"}),
    "api_key": ConnectionOption({"type": "str", "no_log": True}, _CREDENTIALS),
    "username": ConnectionOption({"type": "str"}, _CREDENTIALS),
    "password": ConnectionOption({"type": "str", "no_log": True}, _CREDENTIALS),
    "client_cert": ConnectionOption(
        {"type": "path", "aliases": ["cert_file"]},
        _CREDENTIALS,
        ("K8S_AUTH_CLIENT_CERT", "K8S_AUTH_CERT_FILE"),
        is_file=True,
    ),
    "client_key": ConnectionOption(
        {"type": "path", "aliases": ["key_file"]},
        _CREDENTIALS,
        ("K8S_AUTH_CLIENT_KEY", "K8S_AUTH_KEY_FILE"),
        is_file=True,
    ),
    "ca_cert": ConnectionOption(
        {"type": "path", "aliases": ["ssl_ca_cert"]},
        _TLS,
        ("K8S_AUTH_CA_CERT", "K8S_AUTH_SSL_CA_CERT"),
        is_file=True,
    ),
    "validate_certs": ConnectionOption(
        {"type": "bool", "aliases": ["verify_ssl"]},
        _TLS,
        ("K8S_AUTH_VALIDATE_CERTS", "K8S_AUTH_VERIFY_SSL"),
    ),
    "proxy": ConnectionOption({"type": "str"}, _ANYWHERE),
    "no_proxy": ConnectionOption({"type": "str"}, _ANYWHERE),
    "proxy_headers": ConnectionOption(
        {
            "type": "dict",
            "options": {
                "proxy_basic_auth": {"type": "str", "no_log": True},
                "basic_auth": {"type": "str", "no_log": True},
                "user_agent": {"type": "str"},
            },
        },
        _ANYWHERE,
    ),
    "persist_config": ConnectionOption({"type": "bool"}, _ANYWHERE),
    "impersonate_user": ConnectionOption({"type": "str"}, _ANYWHERE),
    "impersonate_groups": ConnectionOption({"type": "list", "elements": "str"}, _ANYWHERE),
    "in_cluster": ConnectionOption({"type": "bool", "default": False}, environment=()),
}


def _options_of(*scopes: str) -> tuple[str, ...]:
    return tuple(name for name, option in CONNECTION_OPTIONS.items() if option.scope in scopes)


_NAME_A_TARGET = (
    "name one cluster: conductor_kubeconfig and conductor_context; or conductor_host with conductor_api_key (or "
    "conductor_client_cert and conductor_client_key) and conductor_ca_cert; or conductor_in_cluster: true"
)
_NAME_A_CONTEXT = "set conductor_context to one of its contexts: "


@dataclass(frozen=True)
class Target:
    """One cluster: C(kubeconfig) with C(context), C(host) with credentials, or the cluster of this process."""

    kubeconfig: str | dict[str, Any] | None = None
    context: str | None = None
    host: str | None = None
    in_cluster: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def choose_target(options: Mapping[str, Any], environ: Mapping[str, str]) -> Target:
    """Return the target that options and environment name together.

    Options take precedence, and they are never mixed with the settings of another cluster. With a C(kubeconfig) option,
    host, token, CA and verification of the environment (as AWX injects them for its credential) are ignored. With a
    C(host) option, kubeconfig and context of the environment are ignored, and its credentials and verification too,
    unless the environment names this host itself. Credentials of options are never sent to a host of the environment.

    Args:
        options: the connection options of a task; missing or None if not set.
        environ: the environment of the process.

    Raises:
        TargetError: no target, more than one, or an incomplete one is named.
    """
    given = _given(options)
    if given.get("in_cluster"):
        if any(name in given for name in ("kubeconfig", "context", "host")):
            raise TargetError("in_cluster: true and another cluster are both set", next_step=_NAME_A_TARGET)
        if useless := sorted(name for name in _options_of(_CREDENTIALS, _TLS) if name in given):
            raise TargetError(
                f"in_cluster: true has its own credentials, but {', '.join(useless)} is set as well",
                next_step="remove one of them",
            )
        return Target(in_cluster=True, settings={name: given[name] for name in _options_of(_ANYWHERE) if name in given})
    if "host" in given and ("kubeconfig" in given or "context" in given):
        raise TargetError("host and kubeconfig/context are both set", next_step="remove one of them")

    borrowed = _borrow(given, environ)
    settings = {**borrowed, **given}
    if mixed := _own_credentials_for_their_cluster(given, borrowed):
        raise TargetError(
            f"{' and '.join(mixed)} {'are options' if len(mixed) > 1 else 'is an option'}, but the environment names "
            f"the cluster (K8S_AUTH_{'HOST' if 'host' in borrowed else 'KUBECONFIG'})",
            next_step="set conductor_host, or conductor_kubeconfig and conductor_context, as well",
        )

    kubeconfig, context, host = (settings.pop(name, None) for name in ("kubeconfig", "context", "host"))
    settings.pop("in_cluster", None)
    if host and (kubeconfig or context):
        raise TargetError(
            "the environment names two clusters: K8S_AUTH_HOST and K8S_AUTH_KUBECONFIG or K8S_AUTH_CONTEXT",
            next_step="unset one of them, or name the cluster with options",
        )
    if not (host or kubeconfig or context):
        raise TargetError("no cluster is named; the current context is never used", next_step=_NAME_A_TARGET)
    if host and not has_credentials(settings):
        unused = sorted(_from_environment(environ, _options_of(_CREDENTIALS))) if "host" in given else []
        theirs = f"; {' and '.join(unused)} of the environment (K8S_AUTH_*) belong to no host or to another one"
        raise TargetError(
            f"no credentials for {_shown(host)}{theirs if unused else ''}",
            next_step="set conductor_api_key, or conductor_client_cert and conductor_client_key"
            + (", like conductor_host, or set K8S_AUTH_HOST to the same host" if unused else ""),
        )
    return Target(kubeconfig=kubeconfig, context=context, host=host, settings=settings)


def complete(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the options that the environment adds, by the rules of C(choose_target).

    Use it to pass values as options if they must not be in an environment, which is printed.
    """
    given = _given(options)
    if given.get("in_cluster"):
        return {}
    borrowed = _borrow(given, environ)
    if _own_credentials_for_their_cluster(given, borrowed):
        borrowed = {name: value for name, value in borrowed.items() if name not in ("host", "kubeconfig", "context")}
    return {name: value for name, value in borrowed.items() if name not in given}


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, "", [])}


def _borrow(given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the environment that are not about another cluster than the options."""
    names: tuple[str, ...]
    if "host" in given:
        # Credentials of the environment must only be sent to the host of the environment, and never together with
        # others.
        names = _options_of(_ANYWHERE)
        if _is_same_host(given["host"], environ.get("K8S_AUTH_HOST")):
            for scope in (_CREDENTIALS, _TLS):
                if not any(name in given for name in _options_of(scope)):
                    names = (*names, *_options_of(scope))
    elif "kubeconfig" in given:
        names = ("context", *_options_of(_ANYWHERE))
    elif "context" in given:
        names = ("kubeconfig", *_options_of(_ANYWHERE))
    else:
        names = tuple(CONNECTION_OPTIONS)
    return _from_environment(environ, names)


def _own_credentials_for_their_cluster(given: Mapping[str, Any], borrowed: Mapping[str, Any]) -> list[str]:
    """Return the options that bring credentials, if only the environment names the cluster.

    A fleet's inventory would send them to whatever cluster a credential of AWX or a shell names.
    """
    theirs = "host" in borrowed or ("kubeconfig" in borrowed and "context" not in given)
    return [name for name in _options_of(_CREDENTIALS) if name in given] if theirs else []


def _is_same_host(host: Any, other: str | None) -> bool:
    """Return whether two settings name the same server, in whatever spelling."""
    if not other:
        return False
    try:
        return address_of(str(host), "host").key == address_of(other, "K8S_AUTH_HOST").key
    except TargetError:
        return False


def _shown(host: str) -> str:
    """Return a host for a message, without user name and password."""
    scheme, separator, rest = host.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def choose_context(named: str | None, contexts: list[str], where: str) -> str:
    """Return the context to use: the named one, or the only one of the file. The current context is never used.

    Raises:
        TargetError: the file does not have this context, or none is named and the file has several.
    """
    contexts = sorted(set(contexts))
    listed = ", ".join(name[:80] for name in contexts[:_MOST_NAMES]) or "none"
    if len(contexts) > _MOST_NAMES:
        listed += f" and {len(contexts) - _MOST_NAMES} more"
    if named:
        if named not in contexts:
            raise TargetError(f"context {named[:80]!r} not found in {where}", next_step=_NAME_A_CONTEXT + listed)
        return named
    if len(contexts) != 1:
        raise TargetError(
            f"no context is named, and {where} has {len(contexts)}",
            next_step=_NAME_A_CONTEXT + listed,
        )
    return contexts[0]


def _from_environment(environ: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        option = CONNECTION_OPTIONS[name]
        value: Any
        if option.spec["type"] == "dict":
            variables = {below: f"{option.variables(name)[0]}_{below.upper()}" for below in option.spec["options"]}
            value = {below: environ[variable] for below, variable in variables.items() if environ.get(variable)}
        else:
            value = next((environ[variable] for variable in option.variables(name) if environ.get(variable)), None)
        if not value:
            continue
        if option.spec["type"] == "bool":
            # AWX injects "True" or "False".
            value = value.strip().lower() not in ("0", "false", "no")
        elif option.spec["type"] == "list":
            value = [item for item in value.split(",") if item]
        found[name] = value
    return found
