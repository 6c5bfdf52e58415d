# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the webhook configuration behind a rejection, and its owner. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import name_of, part, parts, text
from ..rejections.rejection import Rejection
from .owner import owner_of


def origin_of(rejection: Rejection, configurations: Iterable[Mapping[str, Any]]) -> str:
    """Return the webhook configuration that a rejection is due to, and its owner; empty if it is not among them.

    Other programs use the same names of webhooks, so the Service counts, too, if the message names it.
    """
    if not rejection.kind.startswith("webhook_"):
        return ""
    for configuration in configurations:
        for webhook in parts(configuration, "webhooks"):
            service = part(webhook, "clientConfig", "service")
            called = (text(service, "namespace"), text(service, "name"))
            if text(webhook, "name") == rejection.name and (not rejection.service[1] or rejection.service == called):
                owner = owner_of(part(configuration, "metadata"))
                return f"webhook configuration {name_of(configuration)} of {owner}"
    return ""
