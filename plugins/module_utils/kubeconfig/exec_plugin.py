# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the credential plugin of a kubeconfig, by the protocol C(client.authentication.k8s.io)."""

from __future__ import annotations

import base64
import json
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ..errors import TargetError
from ..objects.documents import documents
from ..redaction import HIDDEN, redact
from .model import ClusterEntry, ExecPlugin

# Seconds. kubectl waits without limit, but a person can interrupt it.
_LIMIT = 60
# The most characters of the messages that are shown, and the most bytes in which they are looked for.
_MOST_OUTPUT, _END = 600, 4800
# Reads that empty a pipe, which holds 64 KiB.
_PIECES = 4
# The most bytes of the output.
_LARGEST = 1 << 20
# Shorter arguments are names of commands, and would be found in every text.
_SHORTEST_SECRET = 6


class Credential(NamedTuple):
    """What a plugin returned: a token, or a client certificate and its key, or both.

    Args:
        expires: seconds since the epoch; infinite if the plugin sets no time.
    """

    token: str = ""
    certificate: bytes = b""
    key: bytes = b""
    expires: float = float("inf")

    @property
    def secrets(self) -> set[str]:
        """Return what must not be shown."""
        return {secret for secret in (self.token, self.key.decode(errors="replace")) if secret}


def run_plugin(plugin: ExecPlugin, cluster: ClusterEntry, authority: bytes, where: str) -> Credential:
    """Run a plugin and return its credential.

    Args:
        cluster, authority: the cluster and its CA certificates, for C(provideClusterInfo).
        where: the context, for errors.

    Raises:
        TargetError: the plugin failed, or returned no credential. The message shows no secret.
    """
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        spec["cluster"] = _cluster_info(cluster, authority)
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    env = {**os.environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": json.dumps(info)}
    # The program is found with our own PATH, as in kubectl: the plugin's variables are for the plugin.
    program = plugin.command if os.sep in plugin.command else shutil.which(plugin.command) or "/nonexistent"
    try:
        code, output, said = _run([plugin.command, *plugin.args], program, env)
    except FileNotFoundError:
        hint = f": {redact(plugin.install_hint[:_MOST_OUTPUT])}" if plugin.install_hint else ""
        raise _failed(where, plugin, "was not found", f"it must be installed where this task runs{hint}") from None
    except subprocess.TimeoutExpired:
        raise _failed(where, plugin, f"did not end within {_LIMIT} s", _BY_HAND) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "invalid arguments"
        raise _failed(where, plugin, f"cannot be run: {reason}", _BY_HAND) from None
    if len(output) > _LARGEST:
        raise _failed(where, plugin, f"returned more than {_LARGEST >> 20} MiB", _BY_HAND)
    if code:
        words = _shown(said, plugin)
        raise _failed(where, plugin, f"ended with code {code}{words and f': {words}'}", _BY_HAND)
    return _credential(output, plugin, where)


def _run(arguments: list[str], program: str, env: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run a program; return its code, its output, and the end of its messages.

    A program that it leaves in the background may keep its messages open, but not its output, as with kubectl.

    Raises:
        OSError, ValueError: it cannot be run.
        TimeoutExpired: it, or its output, did not end in time.
    """
    until = time.monotonic() + _LIMIT
    kept = {"output": b"", "messages": b""}
    with (
        # The output has a limit, which run_command does not have.
        subprocess.Popen(  # pylint: disable=ansible-bad-function
            arguments,
            executable=program,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        selectors.DefaultSelector() as pipes,
    ):
        for name, pipe in (("output", process.stdout), ("messages", process.stderr)):
            if pipe is not None:
                pipes.register(pipe, selectors.EVENT_READ, name)

        def read(seconds: float) -> bool:
            ready = pipes.select(max(0, seconds)) if pipes.get_map() else []
            for key, _events in ready:
                piece = os.read(key.fd, 1 << 16)
                kept[key.data] += piece
                kept["messages"] = kept["messages"][-_END:]
                if not piece:
                    pipes.unregister(key.fileobj)
            return bool(ready)

        try:
            while any(key.data == "output" for key in pipes.get_map().values()) and len(kept["output"]) <= _LARGEST:
                if not read(until - time.monotonic()):
                    raise subprocess.TimeoutExpired(program, _LIMIT)
            if len(kept["output"]) <= _LARGEST:
                process.wait(max(0, until - time.monotonic()))
            # Messages that have been written already; a program in the background may write without an end.
            for _piece in range(_PIECES):
                read(0)
        finally:
            process.kill()
    return process.returncode, kept["output"], kept["messages"]


_BY_HAND = "run the credential plugin by hand; it must be installed where this task runs"


def _failed(where: str, plugin: ExecPlugin, what: str, next_step: str) -> TargetError:
    return TargetError(
        f"the credentials of {where} cannot be loaded: the credential plugin {plugin.command[:200]} {what}",
        next_step=next_step,
    )


def _shown(data: bytes, plugin: ExecPlugin) -> str:
    """Return the end of the plugin's output without the secrets that it was given."""
    text = " ".join(data.decode(errors="replace").split())
    secrets = {value for _name, value in plugin.env}
    secrets |= {part for argument in plugin.args for part in (argument, argument.partition("=")[2])}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    return redact(text)[-_MOST_OUTPUT:]


def _credential(output: bytes, plugin: ExecPlugin, where: str) -> Credential:
    try:
        # kubectl reads YAML as well.
        (answer,) = documents(output.decode(errors="replace"))
    except ValueError:
        answer = None
    if not isinstance(answer, Mapping):
        raise _failed(where, plugin, "returned no JSON", _BY_HAND)
    if answer.get("kind") not in (None, "", "ExecCredential"):
        raise _failed(where, plugin, "returned no ExecCredential", _BY_HAND)
    if answer.get("apiVersion") != plugin.api_version:
        raise _failed(
            where,
            plugin,
            f"returned apiVersion {str(answer.get('apiVersion') or '')[:80]!r} instead of {plugin.api_version!r}",
            "set apiVersion of the exec plugin in the kubeconfig to what the plugin returns",
        )
    status = answer.get("status")
    if not isinstance(status, Mapping):
        raise _failed(where, plugin, "returned no status", _BY_HAND)
    token, certificate, key = (
        value if isinstance(value, str) else ""
        for value in (status.get(name) for name in ("token", "clientCertificateData", "clientKeyData"))
    )
    if bool(certificate) != bool(key):
        raise _failed(where, plugin, "returned only one of certificate and key", _BY_HAND)
    if not token and not certificate:
        raise _failed(where, plugin, "returned neither a token nor a certificate", _BY_HAND)
    return Credential(
        token, certificate.encode(), key.encode(), _expiry(status.get("expirationTimestamp"), plugin, where)
    )


def _expiry(value: Any, plugin: ExecPlugin, where: str) -> float:
    if not value:
        return float("inf")
    try:
        # Python 3.10 does not read the Z, nor fractions of any length.
        whole, _dot, rest = str(value).replace("Z", "+00:00").partition(".")
        return datetime.fromisoformat(whole + rest.lstrip("0123456789")).timestamp()
    except (ValueError, OverflowError):
        raise _failed(where, plugin, "returned an invalid expirationTimestamp", _BY_HAND) from None


def _cluster_info(cluster: ClusterEntry, authority: bytes) -> dict[str, Any]:
    info = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure,
        "certificate-authority-data": base64.b64encode(authority).decode(),
        "proxy-url": cluster.proxy,
        "disable-compression": cluster.disable_compression,
    }
    return {**{name: value for name, value in info.items() if value}, "config": cluster.exec_config}
