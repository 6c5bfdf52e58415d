# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connection options bring: credentials, which replace those of a kubeconfig, and impersonation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..credentials import secrets_in
from ..errors import TargetError
from .credentials import Login
from .files import Hide
from .headers import bearer, impersonated
from .model import User
from .pem import certificates, private_key, read_file


def secrets_of(settings: Mapping[str, Any]) -> set[str]:
    """Return the secrets in connection options."""
    found = {str(settings[name]) for name in ("api_key", "password") if settings.get(name)}
    for value in (settings.get("proxy_headers") or {}).values():
        # The name of a program is no secret, a login is.
        found |= {str(value), str(value).partition(":")[2]} if ":" in str(value or "") else set()
    return {secret for secret in found if secret} | secrets_in(settings)


def has_credentials(settings: Mapping[str, Any]) -> bool:
    """Return whether settings bring credentials of one kind, complete."""
    return bool(
        settings.get("api_key")
        or (settings.get("client_cert") and settings.get("client_key"))
        or (settings.get("username") and settings.get("password"))
    )


def given_login(settings: Mapping[str, Any], hide: Hide) -> Login | None:
    """Return the credentials that options bring; they replace all of those in a kubeconfig."""
    certificate, key = (file_of(settings, name) for name in ("client_cert", "client_key"))
    if certificate or key:
        hide({key.decode(errors="replace")} - {""})
        if certificate and not key:
            # One file may hold both.
            key = certificate
        certificate, key = certificates(certificate, "client_cert"), private_key(key, "client_key")
    token = str(settings.get("api_key") or "")
    if token:
        bearer(token, "api_key")
    if not has_credentials(settings) and not certificate:
        return None
    user, password = str(settings.get("username") or ""), str(settings.get("password") or "")
    return Login((lambda: token) if token else None, "" if token else user, "" if token else password, certificate, key)


def file_of(settings: Mapping[str, Any], name: str) -> bytes:
    """Return the content of the file that an option names; empty without one."""
    value = settings.get(name)
    if not value:
        return b""
    if "-----BEGIN" in value:
        raise TargetError(
            f"{name} is the content of a file, but must be a path",
            next_step="write it to a file, or use an inline kubeconfig",
        )
    return read_file(os.path.expanduser(value), name)


def impersonation(settings: Mapping[str, Any], user: User, name: str) -> list[tuple[str, str]]:
    """Return the headers for impersonation; another user of the options replaces all of the kubeconfig's.

    Args:
        name: how errors name the server and the user.
    """
    instead, groups = settings.get("impersonate_user"), settings.get("impersonate_groups")
    if instead:
        user = User(impersonate=instead)
    if groups:
        user = User(impersonate=user.impersonate, impersonate_groups=tuple(groups))
    if groups and not user.impersonate:
        raise TargetError("impersonate_groups is set without impersonate_user", next_step="set both")
    headers = [("Impersonate-User", user.impersonate)] if user.impersonate else []
    headers += [("Impersonate-Uid", user.impersonate_uid)] if user.impersonate_uid else []
    headers += [("Impersonate-Group", group) for group in user.impersonate_groups]
    for extra, values in user.impersonate_extra.items():
        # A header's name has letters and digits; the server decodes the rest.
        headers += [(f"Impersonate-Extra-{quote(extra, safe='')}", value) for value in values]
    return [(header, impersonated(value, name)) for header, value in headers]
