# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the server for the resource types of kinds that only users' objects have. No request if there are none."""

from __future__ import annotations

from collections.abc import Iterable

from ..objects.fields import parts, text
from ..objects.resources import Key, Resource, find_resource, learn
from .client import Cluster


def learn_kinds(cluster: Cluster, keys: Iterable[Key]) -> None:
    """Learn the kinds of these objects that are not known yet, with one request for each API group version.

    Kinds that the server does not serve stay unknown (C(find_resource)).

    Raises:
        ApiError, UnreachableError: the server failed.
    """
    unknown = {(key.api_version, key.kind) for key in keys if not find_resource(key.api_version, key.kind)}
    if unknown:
        cluster.each(lambda version: _learn(cluster, version), sorted({version for version, _kind in unknown}))


def _learn(cluster: Cluster, api_version: str) -> None:
    group, _slash, version = api_version.rpartition("/")
    document = cluster.find(Resource(group, version, "", False).root) or {}
    for entry in parts(document, "resources"):
        plural = text(entry, "name")
        # The others are subresources, e.g. C(widgets/status).
        if plural and "/" not in plural:
            learn(text(entry, "kind"), Resource(group, version, plural, entry.get("namespaced") is True))
