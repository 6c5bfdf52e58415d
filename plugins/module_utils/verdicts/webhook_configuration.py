# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the API server can trust the webhooks of a configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import part, parts
from .verdict import State, Verdict


def webhook_configuration_verdict(
    name: str, configuration: Mapping[str, Any] | None, webhooks: Iterable[str]
) -> Verdict:
    """Every webhook of it has a caBundle; the controllers write that when their certificate is made."""

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"webhook configuration {name}", "caBundle", state, evidence, name=name)

    if configuration is None:
        return verdict("progressing", "it is not there")
    found = {str(webhook.get("name")): webhook for webhook in parts(configuration, "webhooks")}
    missing = [webhook for webhook in webhooks if webhook not in found]
    if missing:
        return verdict("progressing", f"it lacks webhook {', '.join(missing)}")
    bare = [webhook for webhook in webhooks if not _has_bundle(found[webhook])]
    if bare:
        return verdict("progressing", f"no caBundle yet on {', '.join(bare)}")
    return verdict("ready")


def _has_bundle(webhook: Mapping[str, Any]) -> bool:
    bundle = part(webhook, "clientConfig").get("caBundle")
    return isinstance(bundle, str) and bool(bundle)
