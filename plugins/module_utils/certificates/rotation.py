# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until no controller is left that makes certificates, before webhooks are told to trust somebody else's.

As long as one runs it watches the webhook configurations, and writes its own authority over any other
(cert-controller, ReconcileWH).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..cluster.watch import Scope, Watcher
from ..errors import NotReadyError, listed
from ..objects.fields import name_of, part, text
from ..objects.resources import resource_of
from ..release.bundle import Bundle

# What the generator of the bundles annotates the pods with (tools/bundles, CONFIG_HASH).
CONFIG_HASH = "conductor.trainer/config-sha256"
# Seconds that a new pod may take to be ready, and the old one to end.
PATIENCE = 120.0
_IDLE = 1.0


def with_another_configuration(bundle: Bundle, pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the controllers' pods that run with another configuration than the bundle's; those that end as well.

    One that has not started any container yet writes nothing; whether it ever will is for the wait to find out.
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
    """Waits up to C(PATIENCE) seconds.

    Raises:
        NotReadyError: names the pods that are left.
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
                    listed(f"after {PATIENCE:.0f} s there are still pods that make certificates themselves:", left),
                    step="wait for the old controllers",
                    next_step=f"kubectl -n {bundle.namespace} get pods,events; then run this again",
                )
            watched.start()
            watched.wait(min(_IDLE, deadline - monotonic()))
