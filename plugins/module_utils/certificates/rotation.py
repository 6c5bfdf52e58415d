# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until no running controller creates certificates, before the webhooks trust another authority.

A running one watches the webhook configurations and overwrites every other authority with its own
(cert-controller, ReconcileWH).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..cluster.watch import Scope, Watcher
from ..errors import NotReadyError, listed
from ..names import CONFIG_HASH
from ..objects.fields import name_of, part, text
from ..objects.resources import resource_of
from ..release.bundle import Bundle

# Seconds for the new pod to become ready and the old one to end.
PATIENCE = 120.0
_IDLE = 1.0


def with_another_configuration(bundle: Bundle, pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of controller pods with another configuration than the bundle's, Terminating pods included.

    Pods without a started container are left out: they write nothing, and the wait reports if they never start.
    """
    pods = list(pods)
    return sorted(
        name_of(pod)
        for deployment in bundle.objects("Deployment")
        for template in (part(deployment, "spec", "template", "metadata"),)
        for pod in pods
        if text(pod, "status", "phase") not in ("", "Pending")
        and part(deployment, "spec", "selector", "matchLabels").items() <= part(pod, "metadata", "labels").items()
        and part(pod, "metadata", "annotations").get(CONFIG_HASH) != part(template, "annotations").get(CONFIG_HASH)
    )


def await_rotators_gone(cluster: Cluster, bundle: Bundle, *, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Wait until these pods are gone, up to C(PATIENCE) seconds.

    Raises:
        NotReadyError: names the remaining pods.
        ApiError, UnreachableError: the server failed.
    """
    scope = Scope(resource_of("v1", "Pod"), bundle.namespace)
    deadline = monotonic() + PATIENCE
    with Watcher(cluster, [scope], step="wait for the old controllers") as watched:
        watched.refresh()
        while left := with_another_configuration(bundle, watched.objects(scope).values()):
            if watched.failure:
                raise watched.failure
            if monotonic() >= deadline:
                raise NotReadyError(
                    listed(f"pods that create certificates still run after {PATIENCE:.0f} s:", left),
                    step="wait for the old controllers",
                    next_step=f"run `kubectl -n {bundle.namespace} get pods,events`, fix the cause and run this again",
                )
            watched.start()
            watched.wait(min(_IDLE, deadline - monotonic()))
