# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the server for the resource types of kinds that only users' objects have. No request if there are none."""

from __future__ import annotations

from collections.abc import Iterable

from ..cluster.client import Cluster
from ..objects.fields import parts, text
from ..objects.resources import RESOURCES, Key, Resource, forget, learn


def learn_kinds(cluster: Cluster, keys: Iterable[Key]) -> None:
    """Learn the kinds of these objects that are not in C(RESOURCES), with one request for each API group version.

    Kinds that the server does not serve are unknown afterwards (C(find_resource)).

    Raises:
        ApiError, UnreachableError: the server failed.
    """
    wanted: dict[str, set[str]] = {}
    for key in keys:
        if key[:2] not in RESOURCES:
            wanted.setdefault(key.api_version, set()).add(key.kind)
    if wanted:
        cluster.each(lambda version: _learn(cluster, version, wanted[version]), sorted(wanted))


def _learn(cluster: Cluster, api_version: str, kinds: set[str]) -> None:
    group, _slash, version = api_version.rpartition("/")
    document = cluster.find(Resource(group, version, "", False).root) or {}
    served = {
        text(entry, "kind"): Resource(group, version, plural, entry.get("namespaced") is True)
        for entry in parts(document, "resources")
        # The others are subresources, e.g. C(widgets/status).
        if (plural := text(entry, "name")) and "/" not in plural
    }
    for kind in kinds:
        if kind in served:
            learn(kind, served[kind])
        else:
            forget(api_version, kind)
