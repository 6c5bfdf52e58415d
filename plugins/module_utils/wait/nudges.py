# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install does to help its controllers along while it waits: the only writes of a wait.

Kubelet and ReplicaSet controller try again what failed at growing intervals, up to minutes. Once the cause is repaired
nothing tells them so; a run that follows would wait for them in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

from ..certificates.sources import ANNOTATION, TOUCH_INTERVAL
from ..cluster.client import Cluster
from ..cluster.retry import is_transient
from ..diagnose.failures import in_back_off, is_refused
from ..errors import ApiError, ConductorError
from ..objects.resources import Key

RETRY_ANNOTATION = "conductor.trainer/retried-at"


class Nudges:
    """Sends nudges and keeps which. Without the right to one kind of them it warns, and the wait takes longer.

    Args:
        monotonic: seconds; injected by tests.
    """

    def __init__(self, cluster: Cluster, monotonic: Callable[[], float]) -> None:
        self._cluster = cluster
        self._monotonic = monotonic
        self._last: dict[Key, float] = {}
        self._denied: set[str] = set()
        self._touched: set[str] = set()
        self._retried: set[str] = set()
        self.warnings: list[str] = []

    @property
    def touched(self) -> list[str]:
        """The pods whose certificate was to be mounted."""
        return sorted(self._touched)

    @property
    def retried(self) -> list[str]:
        """The pods that were replaced and the Deployments whose pods were asked for again."""
        return sorted(self._retried)

    def touch(self, pods: Iterable[Key]) -> float:
        """Touches pods that wait for their certificate; returns the seconds until one may be due again."""
        pause = float("inf")
        for key in pods:
            now = self._monotonic()
            if now - self._last.get(key, float("-inf")) >= TOUCH_INTERVAL and self._annotate(
                key, ANNOTATION, "the kubelet mounts the new certificates when it likes"
            ):
                self._last[key] = now
                self._touched.add(key.name)
            pause = TOUCH_INTERVAL
        return pause

    def retry(self, deployments: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> frozenset[str]:
        """Lets what is in a back-off be tried again at once.

        A pod in a back-off is deleted, so that its ReplicaSet makes another, which starts without a pause. Where pods
        were refused the Deployment gets an annotation, which its controller copies to the ReplicaSet, and so the
        ReplicaSet's controller looks again.

        Returns:
            the uids of the pods that were in a back-off: what is known of them says nothing of the present.
        """
        stuck = {
            Key("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]): str(pod["metadata"]["uid"])
            for pod in pods
            if in_back_off(pod)
        }
        for key, uid in stuck.items():
            if self._send("delete", partial(self._cluster.delete, key, uid), "the kubelet tries when it likes"):
                self._retried.add(key.name)
        for deployment in deployments:
            metadata = deployment["metadata"]
            key = Key("apps/v1", "Deployment", metadata["namespace"], metadata["name"])
            if is_refused(deployment) and self._annotate(key, RETRY_ANNOTATION, "its pods are made when it likes"):
                self._retried.add(key.name)
        return frozenset(stuck.values())

    def _annotate(self, key: Key, name: str, without: str) -> bool:
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return self._send(name, partial(self._cluster.annotate_status, key, {name: stamp}), without)

    def _send(self, what: str, send: Callable[[], object], without: str) -> bool:
        """Whether it was done. What failed for a moment was not, and may be asked for again."""
        if what in self._denied:
            return False
        try:
            send()
        except ConductorError as error:
            status = error.status if isinstance(error, ApiError) else None
            if status == 403:
                self._denied.add(what)
                self.warnings.append(f"{error.message}: {without}")
            elif status not in (404, 409) and not is_transient(error):
                raise
            # 404, 409: the object was replaced meanwhile, and its successor needs no nudge.
            return False
        return True
