# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the LimitRange that rejects pods: the API server's message has its value, but not its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..cluster.client import Cluster
from ..errors import ConductorError
from ..objects.fields import name_of, part, parts, text
from ..objects.resources import resource_of
from .failure_sign import FailureSign, rejection_sign

_LIMIT_RANGE = resource_of("v1", "LimitRange")
_FIELDS = {"minimum": "min", "maximum": "max", "": "maxLimitRequestRatio"}


def with_limit_range(cluster: Cluster, failure: FailureSign) -> FailureSign:
    """Return the sign with the name of the LimitRange, if it is one that rejects the pods and may be read."""
    rejection, scene = failure.rejection, failure.scene
    if rejection is None or rejection.kind not in ("limit_range", "limit_range_ratio") or not scene.namespace:
        return failure
    try:
        items, _version = cluster.list_all(_LIMIT_RANGE, scene.namespace, metadata_only=False)
    except ConductorError:
        # The error reports the value of the limit; leave out the name.
        return failure
    name = limit_range_of(rejection.words, items)
    if not name:
        return failure
    named = replace(rejection, words={**rejection.words, "limit_range": name})
    return rejection_sign(named, scene, failure.uid, failure.words, failure.deployment)


def limit_range_of(words: Mapping[str, str], items: Iterable[Mapping[str, Any]]) -> str:
    """Return the name of the LimitRange with this limit; empty without one. Pure."""
    field = _FIELDS.get(words.get("bound", ""), "")
    for item in items:
        for limit in parts(part(item, "spec"), "limits"):
            value = text(part(limit, field), words.get("resource", ""))
            if text(limit, "type") == words.get("type") and value == words.get("value"):
                return name_of(item)
    return ""
