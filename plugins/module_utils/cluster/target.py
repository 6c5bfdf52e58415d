# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster is meant, and with which credentials. Pure: options and environment in, one target out.

A target must be named. kubernetes.core, asked nothing, tries the cluster its process runs in and then the current
context; under AWX the first is AWX's own cluster, and the second is whatever somebody used last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import TargetError

_CREDENTIALS, _TLS, _ANYWHERE = "credentials", "tls", "anywhere"


@dataclass(frozen=True)
class ConnectionOption:
    """One option that says which cluster is meant or how to connect to it. All modules have all of them.

    Args:
        spec: the option in an argument spec.
        scope: credentials and TLS settings belong to one host; "anywhere" applies to every kind of target; empty for
            what names a target.
        environment: the variables that set it, the first one wins; C(K8S_AUTH_) and the option's name by default.
        attribute: the attribute of the official client's configuration that takes the value as it is.
        is_file: the value may be a file on the control node.
    """

    spec: Mapping[str, Any]
    scope: str = ""
    environment: tuple[str, ...] | None = None
    attribute: str = ""
    is_file: bool = False

    def variables(self, name: str) -> tuple[str, ...]:
        """The environment variables of the option of this name."""
        return (f"K8S_AUTH_{name.upper()}",) if self.environment is None else self.environment


# The names, meanings and variables of kubernetes.core's options, and in_cluster. A test compares them.
CONNECTION_OPTIONS: dict[str, ConnectionOption] = {
    "kubeconfig": ConnectionOption({"type": "raw"}, is_file=True),
    "context": ConnectionOption({"type": "str"}),
    "host": ConnectionOption({"type": "str"}),
    "api_key": ConnectionOption({"type": "str", "no_log": True}, _CREDENTIALS),
    "username": ConnectionOption({"type": "str"}, _CREDENTIALS, attribute="username"),
    "password": ConnectionOption({"type": "str", "no_log": True}, _CREDENTIALS, attribute="password"),
    "client_cert": ConnectionOption(
        {"type": "path", "aliases": ["cert_file"]},
        _CREDENTIALS,
        ("K8S_AUTH_CLIENT_CERT", "K8S_AUTH_CERT_FILE"),
        "cert_file",
        is_file=True,
    ),
    "client_key": ConnectionOption(
        {"type": "path", "aliases": ["key_file"]},
        _CREDENTIALS,
        ("K8S_AUTH_CLIENT_KEY", "K8S_AUTH_KEY_FILE"),
        "key_file",
        is_file=True,
    ),
    "ca_cert": ConnectionOption(
        {"type": "path", "aliases": ["ssl_ca_cert"]},
        _TLS,
        ("K8S_AUTH_CA_CERT", "K8S_AUTH_SSL_CA_CERT"),
        "ssl_ca_cert",
        is_file=True,
    ),
    "validate_certs": ConnectionOption(
        {"type": "bool", "aliases": ["verify_ssl"]},
        _TLS,
        ("K8S_AUTH_VALIDATE_CERTS", "K8S_AUTH_VERIFY_SSL"),
        "verify_ssl",
    ),
    "proxy": ConnectionOption({"type": "str"}, _ANYWHERE, attribute="proxy"),
    "no_proxy": ConnectionOption({"type": "str"}, _ANYWHERE, attribute="no_proxy"),
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
    "name one cluster: kubeconfig and context; or host with api_key (or client_cert and client_key) and ca_cert; "
    "or in_cluster: true"
)


@dataclass(frozen=True)
class Target:
    """One cluster: C(kubeconfig) with C(context), or C(host) with credentials, or the cluster we run in."""

    kubeconfig: str | dict[str, Any] | None = None
    context: str | None = None
    host: str | None = None
    in_cluster: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def choose_target(options: Mapping[str, Any], environ: Mapping[str, str]) -> Target:
    """The target that options and environment name together.

    Options beat the environment, and what they name is never mixed with another cluster's settings: with a
    C(kubeconfig) option the environment's host, token, CA and verification (as AWX injects them for its credential)
    are left alone; with a C(host) option its kubeconfig and context are, and its credentials where they are for another
    host.

    Args:
        options: the connection options of a task; absent or None where not given.
        environ: the environment of the process.

    Raises:
        TargetError: none, more than one, or half a target is named.
    """
    given = _given(options)
    if given.get("in_cluster"):
        if any(name in given for name in ("kubeconfig", "context", "host")):
            raise TargetError("in_cluster: true and another cluster are both named", next_step=_NAME_A_TARGET)
        if useless := sorted(name for name in _options_of(_CREDENTIALS, _TLS) if name in given):
            raise TargetError(
                f"in_cluster: true brings its own credentials, and {', '.join(useless)} is given as well",
                next_step="leave one of them out",
            )
        return Target(in_cluster=True, settings={name: given[name] for name in _options_of(_ANYWHERE) if name in given})
    if "host" in given and ("kubeconfig" in given or "context" in given):
        raise TargetError("host and kubeconfig/context are both named", next_step="name one of them")

    settings = {**_borrow(given, environ), **given}

    kubeconfig, context, host = (settings.pop(name, None) for name in ("kubeconfig", "context", "host"))
    settings.pop("in_cluster", None)
    if host and (kubeconfig or context):
        raise TargetError(
            "the environment names two clusters: K8S_AUTH_HOST and K8S_AUTH_KUBECONFIG or K8S_AUTH_CONTEXT",
            next_step="unset one of them, or name the cluster by options",
        )
    if not (host or kubeconfig or context):
        raise TargetError(
            "no cluster is named; nothing is ever installed on 'the current context'", next_step=_NAME_A_TARGET
        )
    if host and not _has_credentials(settings):
        raise TargetError(
            f"no credentials for {host}",
            next_step="give api_key, or client_cert and client_key, or username and password",
        )
    return Target(kubeconfig=kubeconfig, context=context, host=host, settings=settings)


def complete(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What an environment adds to options, by the rules of C(choose_target); options and additions name one target.

    For variables that must not go the way of an environment, because that is printed.
    """
    given = _given(options)
    return {} if given.get("in_cluster") else {n: v for n, v in _borrow(given, environ).items() if n not in given}


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, "", [])}


def _borrow(given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says, as far as it is not about another cluster than the options are."""
    names: tuple[str, ...]
    if "host" in given:
        # The environment's credentials are for its own host; they must not be sent to another one.
        theirs = environ.get("K8S_AUTH_HOST", given["host"]).rstrip("/")
        same = theirs == given["host"].rstrip("/")
        names = _options_of(_CREDENTIALS, _TLS, _ANYWHERE) if same else _options_of(_ANYWHERE)
    elif "kubeconfig" in given:
        names = ("context", *_options_of(_ANYWHERE))
    elif "context" in given:
        names = ("kubeconfig", *_options_of(_ANYWHERE))
    else:
        names = tuple(CONNECTION_OPTIONS)
    return _from_environment(environ, names)


def choose_context(named: str | None, contexts: list[str], where: str) -> str:
    """The context to use. One that is the only one of its file needs no naming; "the current one" is never used.

    Raises:
        TargetError: the context is not in the file, or none is named and the file has several.
    """
    contexts = sorted(set(contexts))
    listed = ", ".join(contexts) or "none"
    if named:
        if named not in contexts:
            raise TargetError(f"there is no context {named!r} in {where}", next_step=f"its contexts are: {listed}")
        return named
    if len(contexts) != 1:
        raise TargetError(f"no context is named and {where} has {len(contexts)}", next_step=f"name one of: {listed}")
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
            # Text, as AWX injects it: "True" or "False".
            value = value.strip().lower() not in ("0", "false", "no")
        elif option.spec["type"] == "list":
            value = [item for item in value.split(",") if item]
        found[name] = value
    return found


def _has_credentials(settings: Mapping[str, Any]) -> bool:
    return bool(
        settings.get("api_key")
        or (settings.get("client_cert") and settings.get("client_key"))
        or (settings.get("username") and settings.get("password"))
    )
