# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply the objects of a plan, phase by phase. An install applies objects from here only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from ..cluster.client import Cluster
from ..cluster.retry import Backoff, is_webhook_transport
from ..errors import ApiError, ConductorError, NotReadyError
from ..objects.fields import parts, text
from ..objects.resources import RESOURCES, Resource
from ..plan.plan import Action
from .conflicts import explained
from .takeover import take_over

# Seconds to repeat an apply that fails because something is not ready yet. Behind a load balancer, one API server may
# serve a new CRD up to 5 s later than another; only a POST waits for it (kubernetes/apiextensions-apiserver,
# customresource_handler.go). Webhooks of releases before 2.3 may not answer yet when their runtimes are applied.
PATIENCE = 30.0
_PAUSES = Backoff(first=0.05, most=1.0)
_EAGER = 20


@dataclass(frozen=True)
class Outcome:
    """An applied object: the action and the metadata afterwards."""

    action: Action
    metadata: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Return whether the server stored a change: otherwise the resourceVersion stays the same."""
        return self.metadata.get("resourceVersion") != self.action.resource_version


class Applier:
    """Applies actions. C(outcomes) has the objects that were applied, even if an action fails.

    Args:
        force: overwrite fields that another manager owns.
        monotonic, sleep: injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        force: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._cluster = cluster
        self._force = force
        self._monotonic = monotonic
        self._sleep = sleep

    def apply_phase(self, actions: Sequence[Action]) -> None:
        """Apply the actions of one phase, as many at once as the client has connections.

        After the first failure no further request begins. Running requests finish and count as outcomes.

        Raises:
            ConductorError: the first failure.
        """
        with ThreadPoolExecutor(self._cluster.connections) as pool:
            futures: list[Future[None]] = [pool.submit(self._apply_one, action) for action in actions]
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                future.cancel()
        for future in futures:
            if not future.cancelled():
                future.result()

    def _apply_one(self, action: Action) -> None:
        deadline = self._monotonic() + PATIENCE
        attempt = 0
        while True:
            attempt += 1
            try:
                if action.take_over:
                    metadata = take_over(self._cluster, action, force=self._force)
                else:
                    metadata = self._cluster.server_side_apply(action.manifest, force=self._force or action.force)[
                        "metadata"
                    ]
                self.outcomes.append(Outcome(action, metadata))
                return
            except ConductorError as error:
                if not _is_not_yet(error, action) or self._monotonic() >= deadline:
                    raise explained(error) from error
                self._sleep(_PAUSES.pause(min(attempt, 8)))

    def await_served(self, resources: Sequence[Resource]) -> None:
        """Wait until custom resources are served: a controller that starts before its CRDs exits and is in back-off.

        Reads the small discovery document of each API group version. A watch on the CRDs would send complete CRDs with
        each event.

        Raises:
            NotReadyError: names the resources that are not served after C(PATIENCE) seconds.
        """
        deadline = self._monotonic() + PATIENCE
        attempt = 0
        while True:
            attempt += 1
            asked = self._monotonic()
            roots = sorted({resource.root for resource in resources})
            answers = self._cluster.each(lambda root: self._not_served(root, resources), roots)
            missing = sorted(str(resource) for answer in answers for resource in answer)
            if not missing:
                return
            if self._monotonic() >= deadline:
                raise NotReadyError(
                    f"not served {PATIENCE:.0f} s after its CRD was applied: {', '.join(missing)}",
                    step="wait for CRDs",
                    next_step="read the conditions Established and NamesAccepted in `kubectl describe crd`",
                )
            # Half a second is usual: short pauses first, then longer ones. The time of the requests counts as pause.
            pause = _PAUSES.pause(1 + attempt // _EAGER) - (self._monotonic() - asked)
            if pause > 0:
                self._sleep(pause)

    def _not_served(self, root: str, resources: Sequence[Resource]) -> list[Resource]:
        document = self._cluster.find(root) or {}
        served = {text(entry, "name") for entry in parts(document, "resources")}
        return [resource for resource in resources if resource.root == root and resource.plural not in served]


def _is_not_yet(error: ConductorError, action: Action) -> bool:
    """Return whether an apply failed only because a CRD or a webhook of ours is not ready yet."""
    if is_webhook_transport(error):
        return True
    is_custom = action.phase == "runtimes" or action.key[:2] not in RESOURCES
    return is_custom and isinstance(error, ApiError) and error.status == 404
