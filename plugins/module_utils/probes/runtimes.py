# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind cluster_training_runtime_info: list runtimes, find missing ones, and try them by dry runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..cluster.client import Cluster
from ..cluster.retry import is_webhook_transport
from ..errors import ApiError, NotReadyError, listed
from ..objects.fields import text
from ..objects.resources import resource_of
from ..release.bundle import Bundle
from ..verdicts.api import runtime_verdict
from .probe import webhooks_of

FRAMEWORK_LABEL = "trainer.kubeflow.org/framework"
_API_VERSION = "trainer.kubeflow.org/v1alpha1"
# Seconds to repeat a dry run. The manager's cache knows a new runtime about 0.3 s after the API server (NVIDIA/aicr
# issue 1669). And a webhook may be unreachable for a moment, even if it has just answered: a node updates its rules for
# a Service in several steps.
_PATIENCE = 10.0
_PAUSE = 0.1
_NOT_SEEN_YET = "must be created before the TrainJob is created"


def runtime_info(
    cluster: Cluster,
    bundle: Bundle,
    *,
    prove: bool = True,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """List the ClusterTrainingRuntimes of a cluster and compare them with those of the bundle.

    Args:
        prove: send a dry-run TrainJob for each expected runtime that exists.

    Returns:
        C(runtimes) (name, framework, expected, proven, message), C(missing), C(unproven) and C(elapsed).

    Raises:
        ApiError: the list failed, e.g. because the CRD is missing (404).
    """
    started = monotonic()
    expected = bundle.names("ClusterTrainingRuntime")
    items, _version = cluster.list_all(resource_of(_API_VERSION, "ClusterTrainingRuntime"))
    present = {item["metadata"]["name"]: item for item in items}

    def row(name: str) -> dict[str, Any]:
        proving = prove and name in expected
        refusal = _refusal(cluster, probe_trainjob(name, bundle.probe_namespace), monotonic, sleep) if proving else None
        verdict = runtime_verdict(name, present[name], refusal)
        return {
            "name": name,
            "framework": text(present[name], "metadata", "labels", FRAMEWORK_LABEL),
            "expected": name in expected,
            "proven": verdict.ready if proving else None,
            # Without a dry run, there is a message only about a runtime that is Terminating.
            "message": verdict.evidence if verdict.state == "progressing" else "",
        }

    rows = cluster.each(row, sorted(present))
    return {
        "runtimes": rows,
        "missing": [name for name in expected if name not in present],
        "unproven": [entry["name"] for entry in rows if entry["proven"] is False],
        "elapsed": round(monotonic() - started, 2),
    }


def require_runtimes(cluster: Cluster, bundle: Bundle) -> list[dict[str, Any]]:
    """Return the C(runtimes) of C(runtime_info), if all runtimes of the bundle exist and can be used.

    Raises:
        NotReadyError: names the runtimes that are missing or reject a TrainJob; C(facts["runtimes"]) has all of them.
        ApiError: as C(runtime_info).
    """
    found = runtime_info(cluster, bundle)
    rejected = [
        f"{row['name']} rejects a TrainJob: {row['message']}" for row in found["runtimes"] if row["proven"] is False
    ]
    lines = [*(f"{name} is missing" for name in found["missing"]), *rejected]
    if lines:
        raise NotReadyError(
            listed("ClusterTrainingRuntimes cannot be used:", lines),
            step="prove runtimes",
            next_step=_next_step(bundle, [row["message"] for row in found["runtimes"] if row["proven"] is False]),
            facts={"runtimes": found["runtimes"]},
        )
    rows: list[dict[str, Any]] = found["runtimes"]
    return rows


def _next_step(bundle: Bundle, messages: Sequence[str]) -> str:
    """Return what helps: against what others reject, or an install, which restores runtimes and webhooks."""
    # A late import: most runtimes can be used.
    from ..rejections.rejection import Scene, rejection_of

    ours = webhooks_of(bundle)
    scene = Scene("the test TrainJob", bundle.probe_namespace, given=True)
    others = [found for found in map(rejection_of, messages) if found.is_admission and not found.is_of(ours)]
    return "; ".join(dict.fromkeys(found.next_step(scene) for found in others)) or "run the install again"


def probe_trainjob(runtime: str, namespace: str) -> dict[str, Any]:
    """Return the smallest TrainJob that uses a runtime."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "TrainJob",
        "metadata": {"name": "conductor-probe", "namespace": namespace},
        "spec": {"runtimeRef": {"apiGroup": "trainer.kubeflow.org", "kind": "ClusterTrainingRuntime", "name": runtime}},
    }


def _refusal(
    cluster: Cluster,
    manifest: Mapping[str, Any],
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
) -> str:
    """Return the server's message if it rejects a TrainJob; empty if it accepts it."""
    deadline = monotonic() + _PATIENCE
    while True:
        try:
            cluster.dry_run_create(dict(manifest), step="dry run")
            return ""
        except ApiError as error:
            passing = _NOT_SEEN_YET in error.message or is_webhook_transport(error)
            if not passing or monotonic() >= deadline:
                return error.message
            sleep(_PAUSE)
