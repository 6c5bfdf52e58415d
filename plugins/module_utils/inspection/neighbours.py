# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find other operators on a cluster that matter to Trainer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..objects.fields import numbers, parts, texts
from ..release.recognition import TRAINER_GROUP
from ..release.versions import version_running

# Series of Kueue to the series of Trainer whose API its TrainJob integration uses (Kueue's go.mod; issues 7755, 11931,
# 14504). A patch release with a newer Trainer has a row of its own, before its series.
_KUEUE = (
    ((0, 14, 5), "2.1"),
    ((0, 14), "2.0"),
    ((0, 15), "2.1"),
    ((0, 16), "2.1"),
    ((0, 17), "2.2"),
    ((0, 18), "2.2"),
    ((0, 19), "2.2"),
)
_KUEUE_IMAGE, _LWS_IMAGE, _CERT_MANAGER_IMAGE = "kueue", "lws", "cert-manager-controller"
# API group to gang scheduler. Trainer looks for the CRDs of Volcano and Coscheduling only once, when it starts.
_GANG_SCHEDULERS = {
    "scheduling.volcano.sh": "volcano",
    "scheduling.x-k8s.io": "coscheduling",
    "scheduling.run.ai": "kai",
}
_TRAINING_OPERATOR_KINDS = frozenset({"pytorchjobs", "tfjobs", "xgboostjobs", "jaxjobs", "paddlejobs"})


def neighbour_facts(
    groups: Mapping[str, frozenset[str]] | None,
    deployments: Sequence[Mapping[str, Any]] | None,
    configurations: Sequence[Mapping[str, Any]] | None,
    release: str,
) -> dict[str, Any]:
    """Return the installed neighbours. C(present) is None if the API groups are unknown.

    Args:
        groups: API group to its plural names; the names are empty if the server does not list them.
        deployments: the known Deployments of the cluster.
        configurations: all webhook configurations.
        release: the release of Trainer to install.
    """
    running = list(deployments or ())

    def neighbour(group: str, image: str = "") -> dict[str, Any]:
        present = None if groups is None else group in groups
        return {"present": present, "version": version_running(running, image) if image else ""}

    kueue = neighbour("kueue.x-k8s.io", _KUEUE_IMAGE)
    kueue["trainer"] = trainer_of_kueue(kueue["version"])
    kueue["fits"] = (kueue["trainer"] == _series(release)) if kueue["present"] and kueue["trainer"] else None
    kueue["handles_train_jobs"] = None if configurations is None else any(_is_kueue(item) for item in configurations)
    return {
        "kueue": kueue,
        "leader_worker_set": neighbour("leaderworkerset.x-k8s.io", _LWS_IMAGE),
        "cert_manager": neighbour("cert-manager.io", _CERT_MANAGER_IMAGE),
        "istio": neighbour("networking.istio.io"),
        "gang_schedulers": sorted(name for group, name in _GANG_SCHEDULERS.items() if group in (groups or ())),
        "training_operator": {"present": _training_operator(groups)},
    }


def trainer_of_kueue(version: str) -> str:
    """Return the series of Trainer for a version of Kueue; empty if the table does not contain it."""
    have = numbers(version)
    for since, series in _KUEUE:
        if len(since) == 3 and have[:2] == since[:2] and have >= since:
            return series
        if have[:2] == since:
            return series
    return ""


def _series(release: str) -> str:
    return ".".join(str(number) for number in numbers(release)[:2])


def _is_kueue(configuration: Mapping[str, Any]) -> bool:
    rules = [rule for webhook in parts(configuration, "webhooks") for rule in parts(webhook, "rules")]
    named = {group for rule in rules for group in texts(rule, "apiGroups")}
    return "kueue.x-k8s.io" in named and TRAINER_GROUP in named


def _training_operator(groups: Mapping[str, frozenset[str]] | None) -> bool | None:
    """Return whether Training Operator v1 is installed. The API group alone also contains Notebooks and MPIJobs."""
    if groups is None:
        return None
    kinds = groups.get("kubeflow.org")
    if kinds is None:
        return False
    return bool(kinds & _TRAINING_OPERATOR_KINDS) if kinds else None
