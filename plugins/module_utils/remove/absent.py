# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind C(state=absent): look, plan, ask for rights, delete in stages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from ..cluster.client import Cluster
from ..cluster.deletion import Deleter
from ..cluster.identity import identity_of, parse_pin, require_identity
from ..cluster.lease import Lease
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

# Of what people made there may be thousands; of ours every object is named.
_NAMED = 20
_PEOPLES = frozenset({"TrainJob", "JobSet", "TrainingRuntime", "ClusterTrainingRuntime"})


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
    """Takes away what Conductor installed, in an order that loses nobody's work; cut off, it goes on where it stopped.

    Args:
        bundle: whichever part of the release it is, the whole release goes.
        remove_crds: the CRDs as well, where no object of their kinds is left.
        remove_user_data: TrainJobs, JobSets, TrainingRuntimes and custom ClusterTrainingRuntimes as well.
        abandon_jobs: although unfinished jobs need the controllers; they stay.
        check: write nothing. Fails as the run would fail.
        with_diff: name what goes, line by line.
        cluster_uid: the identity the cluster must have; None where any is right.
        timeout: seconds to wait, all told, until what is deleted is gone.
        lease_timeout: seconds to wait for another run on the same cluster to end.

    Returns:
        C(changed), C(existed) (whether anything of Conductor's existed), C(actions) (C(delete) to object names),
        C(counts) (kind to the number of deleted objects), C(finalizers_removed) (runtimes whose finalizer was removed),
        C(retained) (objects that stay, with the reason), C(release), C(namespace), C(kubernetes), C(cluster_uid),
        C(notices), C(elapsed) in seconds, and C(diff).

    Raises:
        InputError, RefusedError, RightsError: before any write.
        NotReadyError: something does not go; names what holds it.
        ConductorError: a request failed. C(facts["written"]) names what was deleted before.
    """
    if timeout < 0:
        raise InputError("timeout must not be negative", next_step="give a number of seconds")
    pin = parse_pin(cluster_uid) if cluster_uid else None
    started = monotonic()
    notices: list[str] = []

    def decide() -> tuple[RemovalState, Removal]:
        """What is to be done, by what is on the cluster now."""
        found = look(cluster, bundle)
        require_identity(pin, identity_of(cluster, found.observed.cluster_uid), cluster.host)
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
                # Another run has written since.
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
    """The namespace for the lease; empty where it is not there, or takes nothing new because it is Terminating."""
    metadata = found.observed.metadata.get(Key("v1", "Namespace", "", bundle.namespace))
    return "" if metadata is None or metadata.get("deletionTimestamp") else bundle.namespace


def _carry_out(
    cluster: Cluster, bundle: Bundle, removal: Removal, check: bool, timeout: float, monotonic: Callable[[], float]
) -> tuple[dict[str, list[str]], list[Key], list[Key]]:
    """What stays (reason to objects), what is deleted and which runtimes are let go; in check mode, what would be."""
    retained = {reason: list(names) for reason, names in removal.retained.items()}
    deleted, finalizers_removed = removal.deleted(), [target.key for target in removal.finalizers_to_remove]
    if not check:
        deleter = Deleter(cluster, timeout=timeout, explain=lambda key: _explain(cluster, key), monotonic=monotonic)
        stages = Stages(cluster, bundle, deleter)
        try:
            stages.run(removal)
        except ConductorError as error:
            error.facts["written"] = _named(deleter.deleted)
            raise
        for reason, key in stages.retained.items():
            retained.setdefault(reason, []).append(str(key))
        deleted = [key for key in deleted if key not in stages.retained.values()]
        finalizers_removed = stages.finalizers_removed
    return retained, deleted, finalizers_removed


def _refused(removal: Removal) -> RefusedError:
    return RefusedError(
        listed("nothing was deleted, because of", [text for text, _next_step in removal.blockers]),
        step="plan the removal",
        next_step="; ".join(dict.fromkeys(next_step for _text, next_step in removal.blockers)),
        facts={"plan_blockers": [text for text, _next_step in removal.blockers]},
    )


def _explain(cluster: Cluster, key: Key) -> str:
    """What keeps an object from going: the server's words, or the pods of a Deployment."""
    if key.kind != "Deployment":
        return ending(cluster, key)
    try:
        pods, _version = cluster.list_all(resource_of("v1", "Pod"), key.namespace)
    except ApiError:
        # That it does not go is known; of the pods nothing is said.
        return ""
    names = [pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith(f"{key.name}-")]
    return f"pods {', '.join(some(names))} are left" if names else ""


def _named(keys: Iterable[Key]) -> list[str]:
    """Their names; of many that people made only some."""
    by_kind: dict[str, list[str]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, []).append(str(key))
    found = []
    for kind, names in sorted(by_kind.items()):
        most = _NAMED if kind in _PEOPLES else len(names)
        found += sorted(names)[:most]
        found += [f"{kind}: {len(names) - most} more"] if len(names) > most else []
    return found


def _lines(retained: Mapping[str, list[str]]) -> list[str]:
    return [f"{', '.join(some(names))}: {reason}" for reason, names in sorted(retained.items())]
