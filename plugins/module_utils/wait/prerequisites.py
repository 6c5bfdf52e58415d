# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Poll the CRDs and the namespace instead of watching them: CRDs are large, and both seldom change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..diagnose.unreachable import unreachable_verdict
from ..errors import ApiError, ConductorError
from ..names import MANAGED_LABEL
from ..objects.fields import name_of
from ..objects.resources import Key, path_of, resource_of
from ..verdicts.api import crd_verdict, namespace_verdict
from ..verdicts.verdict import Verdict

_CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


class Foundation:
    """Polls each object until it is ready, and then not again until C(requests) is called.

    Args:
        crds: the names of the CRDs.
    """

    def __init__(self, cluster: Cluster, namespace: str, crds: Iterable[str]) -> None:
        self._cluster = cluster
        self._home = Key("v1", "Namespace", "", namespace)
        self._asked: dict[Key, Callable[[str, Mapping[str, Any] | None], Verdict]] = {
            self._home: namespace_verdict,
            **{Key(*_CRD, "", name): crd_verdict for name in crds},
        }
        self._known: dict[Key, Verdict | None] = {}
        self._listed: dict[str, dict[str, Any]] = {}

    def requests(self) -> list[Callable[[], object]]:
        """Return the requests that read all objects again; the next verdicts use their responses."""
        self._known.clear()
        return [self._list, lambda: self._verdict(self._home)]

    def verdicts(self) -> list[Verdict]:
        """Return one verdict per object; none for a namespace that may not be read."""
        if not self._known:
            for send in self.requests():
                send()
        found = [self._verdict(key) for key in self._asked]
        # Later polls read only the objects that are not ready, one by one.
        self._listed = {}
        return [verdict for verdict in found if verdict is not None]

    @property
    def is_asking(self) -> bool:
        """Return whether an object is not ready, so that the next poll reads it."""
        return len(self._known) < len(self._asked) or any(
            verdict is not None and not verdict.ready for verdict in self._known.values()
        )

    def _list(self) -> None:
        """Read our CRDs with one list, if the identity may list them."""
        try:
            items, _version = self._cluster.list_all(
                resource_of(*_CRD), metadata_only=False, label_selector=f"{MANAGED_LABEL}=true"
            )
        except ConductorError:
            # The single reads report what is wrong.
            items = []
        self._listed = {name_of(item): item for item in items}

    def _verdict(self, key: Key) -> Verdict | None:
        known = self._known.get(key)
        if key in self._known and (known is None or known.ready):
            return known
        try:
            found = self._listed.get(key.name) if key != self._home else None
            self._known[key] = self._asked[key](key.name, found or self._cluster.find(path_of(key)))
        except ConductorError as error:
            if key == self._home and isinstance(error, ApiError) and error.status == 403:
                self._known[key] = None
                return None
            return unreachable_verdict(error)
        return self._known[key]
