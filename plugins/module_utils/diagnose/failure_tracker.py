# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Track signs of failure and decide when one is certain.

A sign is certain after its grace period, if no node that is new or becomes ready can resolve it, and if an early exit
was the container's own fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..cluster.autoscaler import can_scale_up
from ..cluster.client import Cluster
from ..errors import ConductorError
from ..objects.fields import name_of, text
from ..objects.resources import resource_of
from ..verdicts.nodes import any_may_accept_soon
from ..verdicts.pods import restarts_of
from ..verdicts.workloads import deployment_verdict, pods_of
from .failure_sign import FailureSign
from .failures import failure_signs
from .log_causes import is_own_fault
from .pull_failures import PULL_REASONS

# Lines of a log: more than the list of all flags that follows an unknown flag.
_LINES = 100
_NODE = resource_of("v1", "Node")
# The number of nodes that are read, and the seconds until they are read again.
_NODES, _NODES_AGE = 200, 5.0


class FailureTracker:
    """Collects signs and remembers since when each has lasted.

    Args:
        deployments: the controllers' Deployments, from the bundle.
    """

    def __init__(self, cluster: Cluster, deployments: Iterable[Mapping[str, Any]]) -> None:
        self._cluster = cluster
        self._deployments = list(deployments)
        self._stale: frozenset[str] = frozenset()
        self._restarts: dict[str, int] = {}
        self._since: dict[tuple[str, str], float] = {}
        self._grows: bool | None = None
        self._own_faults: dict[tuple[str, str, str, int], bool] = {}
        self._pulls: dict[tuple[str, str], FailureSign] = {}
        self._nodes: tuple[float, bool] = (float("-inf"), True)

    def begin(self, pods: Iterable[Mapping[str, Any]], stale: frozenset[str]) -> None:
        """Record the state at the beginning of the wait, because the cause of earlier failures may be repaired by now.

        Args:
            stale: the uids of pods whose signs do not count at all.
        """
        self._stale = stale
        self._restarts = {text(pod, "metadata", "uid"): restarts_of(pod) for pod in pods}

    def signs(self, live: Mapping[str, Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> list[FailureSign]:
        """Return the signs of failure of the controllers that are not rolled out.

        Args:
            live: name to Deployment, from the server.
            pods: the pods of their namespace.
        """
        pods = [pod for pod in pods if text(pod, "metadata", "uid") not in self._stale]
        return [
            self._with_last_error(failure)
            for deployment in self._deployments
            for found in (live.get(name_of(deployment)),)
            for members in (pods_of(deployment, pods),)
            if found is not None and not deployment_verdict("", found, members).ready
            for failure in failure_signs(found, members, self._restarts)
        ]

    def certain(self, failures: Iterable[FailureSign], now: float) -> list[FailureSign]:
        """Return the certain ones of the current signs; each call must pass all of them. C(now) is in seconds."""
        present = [self._with_last_error(failure) for failure in failures]
        seen = {(failure.uid, failure.signature.cause): failure for failure in present}
        self._since = {sign: self._since.get(sign, now) for sign in seen}
        return [
            failure
            for sign, failure in seen.items()
            if now - self._since[sign] >= failure.signature.grace
            and not (failure.signature.nodes_help and self._may_grow())
            and not (failure.needs_nodes and self._nodes_may_change(now))
            and not (failure.signature.own_fault and not self._is_own_fault(failure))
        ]

    def _with_last_error(self, failure: FailureSign) -> FailureSign:
        """Return a sign of a failed pull with its last error, which the kubelet may leave out between two attempts."""
        _namespace, _pod, container, _restarts = failure.run
        if failure.is_back_off:
            known = self._pulls.get((failure.uid, container))
            return replace(known, is_back_off=False) if known else failure
        if failure.signature.reasons >= PULL_REASONS:
            self._pulls[failure.uid, container] = failure
        return failure

    def _nodes_may_change(self, now: float) -> bool:
        """Return whether a node is starting or under pressure, so that it may accept pods soon; True if unknown.

        From Kubernetes 1.35 on, the scheduler does not name the taints of the nodes.
        """
        read, may_change = self._nodes
        if now - read >= _NODES_AGE:
            try:
                page = self._cluster.request(
                    "GET", _NODE.path(), query={"limit": str(_NODES)}, step="list", subject="nodes"
                )
                nodes = page.get("items") or []
                may_change = bool(text(page, "metadata", "continue")) or not nodes or any_may_accept_soon(nodes)
            except ConductorError:
                may_change = True
            self._nodes = (now, may_change)
        return may_change

    def _is_own_fault(self, failure: FailureSign) -> bool:
        """Return whether the last run of a container failed by its own fault. Reads each run's log once."""
        if failure.run not in self._own_faults:
            namespace, pod, container, _restarts = failure.run
            try:
                lines = self._cluster.pod_log(namespace, pod, container=container, lines=_LINES, previous=True)
            except ConductorError:
                # Unknown without the log; the next exit will decide.
                lines = []
            self._own_faults[failure.run] = is_own_fault(lines)
        return self._own_faults[failure.run]

    def _may_grow(self) -> bool:
        """Return whether an autoscaler may add nodes; True if unknown. Sends the request once."""
        if self._grows is None:
            self._grows = can_scale_up(self._cluster)
        return self._grows
