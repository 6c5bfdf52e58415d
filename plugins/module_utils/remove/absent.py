# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind C(state=absent): observe, plan, check permissions, delete in stages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from ..cluster.client import Cluster
from ..cluster.deletion import Deleter
from ..cluster.identity import identity_of, parse_pin, require_expected
from ..cluster.lease import Lease
from ..diagnose.deletions import DeletionDiagnosis
from ..errors import ApiError, ConductorError, InputError, RefusedError, listed
from ..objects.fields import some
from ..objects.resources import Key, resource_of
from ..ownership.record import read_install_record
from ..plan.observe import ending
from ..release.bundle import Bundle
from .execute import Stages
from .model import Removal, RemovalState, Switches
from .observe import look
from .plan import make_removal
from .rights import require_removal_rights

# There may be thousands of user objects: name only some of each kind. All other objects are named.
_NAMED = 20
_USER_KINDS = frozenset({"TrainJob", "JobSet", "TrainingRuntime", "ClusterTrainingRuntime"})


def ensure_absent(
    cluster: Cluster,
    bundle: Bundle,
    *,
    remove_crds: bool = False,
    remove_user_data: bool = False,
    abandon_jobs: bool = False,
    check: bool = False,
    with_diff: bool = False,
    cluster_uid: str | None = None,
    timeout: float = 300.0,
    lease_timeout: float = 120.0,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Uninstall what Conductor installed, in an order that loses no user data. An interrupted run can be repeated.

    Args:
        bundle: the release; all of it is deleted, even if the bundle has only some of its runtimes.
        remove_crds: delete the CRDs, too, if no object of their kinds is left.
        remove_user_data: delete TrainJobs, JobSets, TrainingRuntimes and custom ClusterTrainingRuntimes, too.
        abandon_jobs: continue although unfinished jobs need the controllers; the jobs stay.
        check: write nothing. Fails where the run would fail.
        with_diff: list the objects to delete line by line.
        cluster_uid: the expected identity of the cluster; None accepts any.
        timeout: total seconds to wait until the deleted objects are gone.
        lease_timeout: seconds to wait for another run on the same cluster to end.

    Returns:
        C(changed), C(existed) (whether anything of Conductor's existed), C(actions) (C(delete) to object names),
        C(counts) (kind to the number of deleted objects), C(finalizers_removed) (runtimes whose finalizer was removed),
        C(retained) (objects that stay, with the reason), C(release), C(namespace), C(kubernetes), C(cluster_uid),
        C(notices), C(elapsed) in seconds, and C(diff).

    Raises:
        InputError, RefusedError, RightsError: before any write.
        NotReadyError: a deletion does not finish; names what it waits for.
        ConductorError: a request failed; C(facts["written"]) names the objects that were deleted before.
    """
    if timeout < 0:
        raise InputError("timeout must not be negative", next_step="set conductor_wait_timeout to 0 or more seconds")
    pin = parse_pin(cluster_uid) if cluster_uid else None
    started = monotonic()
    notices: list[str] = []

    def decide() -> tuple[RemovalState, Removal]:
        """Decide what to do, from the current state of the cluster."""
        found = look(cluster, bundle)
        require_expected(cluster, pin, found.observed.cluster_uid)
        switches = Switches(user_data=remove_user_data, abandon=abandon_jobs, crds=remove_crds)
        removal = make_removal(bundle, found, switches)
        if removal.blockers:
            raise _refused(removal)
        require_removal_rights(cluster, removal, _home_of_lease(found, bundle))
        return found, removal

    with ExitStack() as stack:
        found, removal = decide()
        if not check and removal.stages and _home_of_lease(found, bundle):
            lease = stack.enter_context(Lease(cluster, bundle.namespace, patience=lease_timeout, monotonic=monotonic))
            if lease.waited_for:
                notices.append(f"waited for another run to end: {lease.waited_for}")
            seen = found.observed.record.resource_version
            if read_install_record(cluster, bundle.namespace).resource_version != seen:
                # The decision is outdated: another run has written since.
                found, removal = decide()
        retained, deleted, finalizers_removed = _carry_out(cluster, bundle, removal, check, timeout, monotonic)
    result: dict[str, Any] = {
        "changed": bool(deleted or finalizers_removed),
        "existed": removal.existed,
        "release": found.observed.record.release or bundle.release,
        "namespace": bundle.namespace,
        "kubernetes": found.observed.kubernetes,
        "cluster_uid": str(identity_of(cluster, found.observed.cluster_uid)),
        "actions": {"delete": _named(deleted)} if deleted else {},
        "counts": dict(sorted(Counter(key.kind for key in deleted).items())),
        "finalizers_removed": sorted(map(str, finalizers_removed)),
        "retained": _lines(retained),
        "notices": notices,
        "elapsed": round(monotonic() - started, 2),
    }
    if with_diff:
        result["diff"] = {"before": "".join(f"{name}\n" for name in _named(deleted)), "after": ""}
    return result


def _home_of_lease(found: RemovalState, bundle: Bundle) -> str:
    """Return the namespace for the lease; empty if it is missing, or Terminating and so accepts no new objects."""
    metadata = found.observed.metadata.get(Key("v1", "Namespace", "", bundle.namespace))
    return "" if metadata is None or metadata.get("deletionTimestamp") else bundle.namespace


def _carry_out(
    cluster: Cluster, bundle: Bundle, removal: Removal, check: bool, timeout: float, monotonic: Callable[[], float]
) -> tuple[dict[str, list[str]], list[Key], list[Key]]:
    """Delete, unless in check mode; return retained objects by reason, deleted ones, and finalizers removed."""
    retained = {reason: list(names) for reason, names in removal.retained.items()}
    deleted, finalizers_removed = removal.deleted(), [target.key for target in removal.finalizers_to_remove]
    if not check:
        diagnosis = DeletionDiagnosis(cluster)

        def explain(key: Key) -> str:
            return "; ".join(filter(None, (_explain(cluster, key), diagnosis.explain(key))))

        deleter = Deleter(cluster, timeout=timeout, explain=explain, monotonic=monotonic)
        stages = Stages(cluster, bundle, deleter)
        try:
            stages.run(removal)
        except ConductorError as error:
            error.facts["written"] = _named(deleter.deleted)
            if diagnosis.next_steps:
                error.next_step = "; ".join(
                    [*diagnosis.next_steps, "then run this again: it continues where it stopped"]
                )
            raise
        for key, reason in stages.retained.items():
            retained.setdefault(reason, []).append(str(key))
        deleted = [key for key in deleted if key not in stages.retained]
        finalizers_removed = stages.finalizers_removed
    return retained, deleted, finalizers_removed


def _refused(removal: Removal) -> RefusedError:
    return RefusedError(
        listed("uninstall blocked, nothing was deleted:", [text for text, _next_step in removal.blockers]),
        step="plan the uninstall",
        next_step="; ".join(dict.fromkeys(next_step for _text, next_step in removal.blockers)),
        facts={"plan_blockers": [text for text, _next_step in removal.blockers]},
    )


def _explain(cluster: Cluster, key: Key) -> str:
    """Return what a deletion waits for: the server's message, or the pods of a Deployment."""
    if key.kind != "Deployment":
        return ending(cluster, key)
    try:
        pods, _version = cluster.list_all(resource_of("v1", "Pod"), key.namespace)
    except ApiError:
        # The error reports the object; leave out its pods.
        return ""
    names = [pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith(f"{key.name}-")]
    return f"remaining pods: {', '.join(some(names))}" if names else ""


def _named(keys: Iterable[Key]) -> list[str]:
    """Return the names of the objects; only some if there are many of a user's."""
    by_kind: dict[str, list[str]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, []).append(str(key))
    found = []
    for kind, names in sorted(by_kind.items()):
        most = _NAMED if kind in _USER_KINDS else len(names)
        found += sorted(names)[:most]
        found += [f"{kind}: {len(names) - most} more"] if len(names) > most else []
    return found


def _lines(retained: Mapping[str, list[str]]) -> list[str]:
    return [f"{', '.join(some(names))}: {reason}" for reason, names in sorted(retained.items())]
