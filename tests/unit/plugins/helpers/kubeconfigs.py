# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs of one cluster, one user and one context."""

from __future__ import annotations

import base64
from typing import Any


def config(user: Any, server: str = "https://a.example", /, **cluster: Any) -> dict[str, Any]:
    """Return a kubeconfig with the context x of the user u; C(cluster) has more settings of its cluster."""
    return {
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }


def encoded(pem: bytes) -> str:
    """Return PEM text as a kubeconfig holds it."""
    return base64.b64encode(pem).decode()
