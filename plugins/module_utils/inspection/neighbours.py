# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else runs on a cluster and matters to Trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..objects.fields import numbers, parts, texts
from ..release.recognition import TRAINER_GROUP
from ..release.versions import version_running

# Kueue's series and the series of Trainer whose API its TrainJob integration is built on (Kueue's go.mod; issues 7755,
# 11931, 14504). A patch release that moved on has a row of its own, before its series.
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
# API group to gang scheduler. Trainer's plugins look for Volcano's and Coscheduling's CRDs once, when it starts.
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
    """Which neighbours are there. C(present) is None where the API groups are not known.

    Args:
        groups: API group to the plural names it serves; the names are empty where the server does not list them.
        deployments: of the cluster, as far as they are known.
        configurations: all webhook configurations.
        release: the Trainer that is meant to run beside them.
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
    """The series of Trainer a Kueue works with; empty where the table does not know that Kueue."""
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
    """Whether Training Operator v1 is there; the group alone does not say, Notebooks and MPIJobs are in it as well."""
    if groups is None:
        return None
    kinds = groups.get("kubeflow.org")
    if kinds is None:
        return False
    return bool(kinds & _TRAINING_OPERATOR_KINDS) if kinds else None
