# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials of a kubeconfig's user: where they come from, and how they are renewed during a run."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..errors import TargetError
from .files import Hide
from .headers import bearer
from .model import ExecPlugin, shown
from .pem import certificates, private_key, read_file
from .usable import OIDC, Access

if TYPE_CHECKING:
    from .exec_plugin import Credential

# Seconds: kubectl reads a token file again after this time.
_TOKEN_FILE = 60.0
# A credential that expires during a request is of no use.
_MARGIN = 10.0


class Login(NamedTuple):
    """The credentials of one connection.

    Args:
        token: returns the current bearer token; None without one. Called for each request.
        username, password: for HTTP basic authentication.
        certificate, key: the client certificate and its key (PEM).
    """

    token: Callable[[], str] | None = None
    username: str = ""
    password: str = ""
    certificate: bytes = b""
    key: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Return whether there are no credentials to send."""
        return not (self.token or self.username or self.password or self.certificate)


def login_of(access: Access, authority: bytes, hide: Hide, warn: Callable[[str], None], *, writes: bool) -> Login:
    """Return the credentials of a user, by the precedence of kubectl. A plugin is run only if there is no other one.

    Args:
        authority: the CA certificates of the cluster, for a plugin.
        hide: receives every secret that becomes known.
        writes: whether renewed tokens are written back into the file (the option C(persist_config)).

    Raises:
        TargetError: the credentials cannot be loaded.
    """
    user = access.user
    name = f"user {shown(access.user_name)} of {user.where}"
    certificate = key = b""
    if user.has_certificate:
        setting = f"client-certificate of {name}"
        certificate = certificates(user.certificate or read_file(user.certificate_file, setting), setting)
        setting = f"client-key of {name}"
        key = user.key or read_file(user.key_file, setting)
        hide({key.decode(errors="replace")})
        key = private_key(key, setting)
    token: Callable[[], str] | None = None
    if user.token_file:
        token = _TokenFile(user.token_file, user.token, f"tokenFile of {name}", hide).current
    elif user.token:
        token = _Fixed(bearer(user.token, f"token of {name}")).current
    elif user.username:
        return Login(None, user.username, user.password, certificate, key)
    elif user.provider == OIDC:
        token = _IdToken(access, hide, warn, writes=writes).current
    elif user.plugin and not certificate:
        plugin = _Plugin(user.plugin, access, authority, hide)
        first = plugin.first()
        certificate, key = first.certificate, first.key
        token = plugin.current if first.token else None
    if token:
        # Fail before the first request.
        token()
    return Login(token, certificate=certificate, key=key)


class _Fixed:
    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        return self._token


class _TokenFile:
    """A token in a file, which wins over a token beside it if it can be read."""

    def __init__(self, path: str, fallback: str, name: str, hide: Hide) -> None:
        self._path, self._fallback, self._name, self._hide = path, fallback, name, hide
        self._token, self._read_at = "", float("-inf")

    def current(self) -> str:
        if time.monotonic() - self._read_at > _TOKEN_FILE:
            self._token, self._read_at = self._read(), time.monotonic()
        return self._token

    def _read(self) -> str:
        try:
            data = read_file(self._path, self._name)
        except TargetError:
            if self._token or self._fallback:
                return self._token or self._fallback
            raise
        text = data.decode(errors="replace").strip()
        if not text and self._fallback:
            return self._fallback
        if not text:
            raise TargetError(f"{self._name}: {self._path} is empty", next_step="write the token into it")
        self._hide({text})
        return bearer(text, self._name)


class _IdToken:
    def __init__(self, access: Access, hide: Hide, warn: Callable[[str], None], *, writes: bool) -> None:
        self._access, self._hide, self._warn, self._writes = access, hide, warn, writes
        self._config = dict(access.user.provider_config)
        self._lock = threading.Lock()

    def current(self) -> str:
        # A late import: most users have other credentials.
        from . import oidc

        with self._lock:
            config = oidc.current_config(self._config, self._access.name)
            if config != self._config:
                self._hide({config["id-token"], config["refresh-token"]})
                rotated = config["refresh-token"] != self._config.get("refresh-token")
                self._config = config
                self._keep(rotated)
            return config["id-token"]

    def _keep(self, rotated: bool) -> None:
        path = self._access.user.where
        if self._writes and os.path.isfile(path):
            from . import oidc

            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                oidc.persist(path, self._access.user_name, self._config)
                return
        if rotated:
            self._warn(
                f"the issuer replaced the refresh-token of user {shown(self._access.user_name)}, and it was not "
                f"written to {path}; set persist_config to true, or log in again before the next run"
            )


class _Plugin:
    def __init__(self, plugin: ExecPlugin, access: Access, authority: bytes, hide: Hide) -> None:
        self._plugin, self._access, self._authority, self._hide = plugin, access, authority, hide
        self._credential: Credential | None = None
        self._lock = threading.Lock()

    def first(self) -> Credential:
        """Return the first credential."""
        with self._lock:
            return self._renewed()

    def current(self) -> str:
        with self._lock:
            kept = self._credential
            return (self._renewed() if kept is None or kept.expires < time.time() + _MARGIN else kept).token

    def _renewed(self) -> Credential:
        # A late import: most users have other credentials.
        from .exec_plugin import run_plugin

        self._credential = run_plugin(self._plugin, self._access.cluster, self._authority, self._access.name)
        self._hide(self._credential.secrets)
        if self._credential.token:
            bearer(self._credential.token, f"token of the credential plugin of {self._access.name}")
        return self._credential
