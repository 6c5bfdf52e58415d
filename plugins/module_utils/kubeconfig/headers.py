# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials and names as the values of HTTP headers. Pure."""

from __future__ import annotations

from ..errors import TargetError


def bearer(token: str, name: str) -> str:
    """Return a token that can be sent in a header.

    Raises:
        TargetError: it is blank, or has characters that a header cannot have. The message does not show it.
    """
    if not token.strip():
        raise TargetError(f"{name} is blank", next_step="write the token into it")
    if any(not " " <= char <= "~" for char in token):
        raise TargetError(
            f"{name} has line breaks or other characters that a header cannot have",
            next_step="write it on one line; in YAML `|-` and `>-` remove the line break at the end",
        )
    return token


def impersonated(value: str, name: str) -> str:
    """Return the name of a user or a group to impersonate, or another fact about the user, for a header.

    Args:
        name: where it comes from, for errors.

    Raises:
        TargetError: it has control characters.
    """
    if any(char < " " or char == "\x7f" for char in value):
        raise TargetError(
            f"{name}: a user, a group or a field to impersonate has line breaks or other control characters",
            next_step="write impersonate_user and impersonate_groups, or as, as-uid, as-groups and as-user-extra of "
            "the user in the kubeconfig, on one line",
        )
    return utf8(value)


def utf8(text: str) -> str:
    """Return a text that HTTP libraries, which encode headers as Latin-1, send as the UTF-8 of this text."""
    return text.encode(errors="replace").decode("latin-1")
