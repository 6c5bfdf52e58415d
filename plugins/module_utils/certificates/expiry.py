# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report when the CA certificates in the webhook configurations expire. They are public. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..objects.fields import name_of, parts, text
from ..release.recognition import JOBSET_GROUP, TRAINER_GROUP, is_webhook_of
from .x509 import ends_of


def certificate_facts(configurations: Sequence[Mapping[str, Any]] | None, now: datetime) -> list[dict[str, Any]] | None:
    """Return one row for each webhook configuration of Trainer and JobSet, by name; None if they may not be read.

    Returns:
        C(configuration); C(not_after), the first expiry of its certificates, empty without any; and C(days_left) until
        then, None without any.
    """
    if configurations is None:
        return None
    rows = []
    for configuration in configurations:
        if not any(is_webhook_of(configuration, group) for group in (TRAINER_GROUP, JOBSET_GROUP)):
            continue
        bundles = {text(webhook, "clientConfig", "caBundle") for webhook in parts(configuration, "webhooks")}
        ends = [end for ca_bundle in bundles for end in ends_of(ca_bundle)]
        first = min(ends, default=None)
        rows.append(
            {
                "configuration": name_of(configuration),
                "not_after": first.strftime("%Y-%m-%dT%H:%M:%SZ") if first else "",
                "days_left": (first - now).days if first else None,
            }
        )
    return sorted(rows, key=lambda row: str(row["configuration"]))
