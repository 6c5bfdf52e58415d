# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed up the start of controllers during a wait. These are the only writes of a wait.

The kubelet and the ReplicaSet controller retry failed operations at growing intervals, up to minutes. They do not
notice when the cause is repaired, so the next run would wait too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

from ..certificates.sources import ANNOTATION, TOUCH_INTERVAL
from ..cluster.client import Cluster
from ..cluster.retry import is_transient
from ..errors import ApiError, ConductorError
from ..objects.fields import name_of, namespace_of, text
from ..objects.resources import Key
from ..verdicts.pods import in_back_off
from ..verdicts.workloads import is_refused

RETRY_ANNOTATION = "conductor.trainer/retried-at"


class Nudges:
    """Sends nudges and records them. If the permission for one kind is missing it warns, and the wait takes longer.

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
        """Return the names of the pods that were touched to mount their certificate."""
        return sorted(self._touched)

    @property
    def retried(self) -> list[str]:
        """Return the names of the replaced pods and of the Deployments that were retried."""
        return sorted(self._retried)

    def touch(self, pods: Iterable[Key]) -> float:
        """Touch pods that wait for their certificate; return the seconds until the next touch is due."""
        pause = float("inf")
        for key in pods:
            now = self._monotonic()
            if now - self._last.get(key, float("-inf")) >= TOUCH_INTERVAL and self._annotate(
                key, ANNOTATION, "the kubelet mounts the new certificates later"
            ):
                self._last[key] = now
                self._touched.add(key.name)
            pause = TOUCH_INTERVAL
        return pause

    def retry(self, deployments: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> frozenset[str]:
        """Retry immediately what is in back-off.

        Delete a pod in back-off: its ReplicaSet creates another one, which starts without a pause. Annotate a
        Deployment whose pods could not be created: its controller copies the annotation to the ReplicaSet, and the
        ReplicaSet's controller then tries again.

        Returns:
            the uids of the pods that were in back-off: their last state is outdated.
        """
        stuck = {
            Key("v1", "Pod", namespace_of(pod), name_of(pod)): text(pod, "metadata", "uid")
            for pod in pods
            if in_back_off(pod)
        }
        for key, uid in stuck.items():
            if self._send("delete", partial(self._cluster.delete, key, uid), "the kubelet retries later"):
                self._retried.add(key.name)
        for deployment in deployments:
            key = Key("apps/v1", "Deployment", namespace_of(deployment), name_of(deployment))
            if is_refused(deployment) and self._annotate(key, RETRY_ANNOTATION, "its pods are created later"):
                self._retried.add(key.name)
        return frozenset(stuck.values())

    def _annotate(self, key: Key, name: str, without: str) -> bool:
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return self._send(name, partial(self._cluster.annotate_status, key, {name: stamp}), without)

    def _send(self, what: str, send: Callable[[], object], without: str) -> bool:
        """Send a request; return whether it succeeded. After a transient failure it may be repeated."""
        if what in self._denied:
            return False
        try:
            send()
        except ConductorError as error:
            # A late import: most runs send nothing here.
            from ..rejections.rejection import rejection_of

            status = error.status if isinstance(error, ApiError) else None
            # A webhook or a policy may reject it, too. A nudge only helps: the wait continues without it.
            if status == 403 or rejection_of(error.message, status or 0).is_admission:
                self._denied.add(what)
                self.warnings.append(f"{error.message}: {without}")
            elif status not in (404, 409) and not is_transient(error):
                raise
            # 404, 409: the object was replaced meanwhile, and its successor needs no nudge.
            return False
        return True
