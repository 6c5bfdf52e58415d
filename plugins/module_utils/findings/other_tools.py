# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other tools delete when an installation of theirs is removed, and how to prevent it. Pure.

With a CRD the API server deletes every object of its kind. So no text may advise to remove an installation without
these sentences: the CRDs of Trainer contain the TrainJobs of all users, the CRD of JobSet the running pods of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..names import MANAGERS
from ..objects.line import about

_LOST = "every TrainJob, JobSet and runtime on the cluster with their pods"
# How the parts of an installation are removed without the CRDs, once no tool manages them any more.
_BY_HAND = "then delete its Deployments, Services and webhook configurations by name, and not its CRDs"


class Tool(NamedTuple):
    """What is known about one installer.

    Args:
        danger: what removes the CRDs, as a clause.
        detach: how the tool gives up the objects without deleting them; begins with a verb.
        remove: how to remove the installation so that the CRDs stay; begins with a verb. Empty: detach it, then delete
            by hand.
    """

    danger: str
    detach: str
    remove: str = ""


# Sources: helm/pkg/action/uninstall.go and kube/resource_policy.go (Helm 3 deletes by the names in the release and
# reads `keep` from the stored manifest), argo-cd docs (app_deletion, sync-options), helm-controller and
# kustomize-controller (a suspended object is deleted without its contents), olm.operatorframework.io (uninstall).
TOOLS: Mapping[str, Tool] = {
    "helm": Tool(
        "`helm uninstall` deletes every object that the stored release names, whoever manages it now and whatever its "
        "annotations are (`helm.sh/resource-policy: keep` on a CRD does not count unless the chart has it); with the "
        f"chart of Trainer 2.3 these are the CRDs too, and with them {_LOST}",
        "delete Helm's release Secrets, which deletes nothing else and makes Helm forget the release: `kubectl delete "
        "secrets --namespace {namespace} --selector owner=helm,name={name}`",
    ),
    "argocd": Tool(
        "deleting the Application with its resources-finalizer (`argocd app delete` does by default), and a sync with "
        f"prune, delete the CRDs of its manifests and with them {_LOST}",
        "disable automated sync, remove the finalizer `resources-finalizer.argocd.argoproj.io` and delete the "
        "Application without its resources: `argocd app delete {name} --cascade=false`; an ApplicationSet needs "
        "`preserveResourcesOnDeletion: true` first",
    ),
    "flux": Tool(
        "deleting the Kustomization or HelmRelease, or removing the manifests from its source, deletes the CRDs with "
        f"`prune: true` or by Helm, and with them {_LOST}",
        "set `spec.prune: false` and `spec.suspend: true` in the Kustomization, or `spec.suspend: true` in the "
        "HelmRelease, and delete it only then",
    ),
    "olm": Tool(
        f"deleting the CRDs as a last step, or a ClusterExtension of OLM 1, which owns its CRDs, deletes {_LOST}",
        "delete the Subscription, then the ClusterServiceVersion with `--cascade=orphan`, and not the CRDs",
        "delete the Subscription, then the ClusterServiceVersion, and not the CRDs",
    ),
    "juju": Tool(
        f"`juju remove-application` runs the charm, which may delete its CRDs and with them {_LOST}",
        "remove the CRDs from what the charm deletes, as its documentation describes, before you remove the "
        "application",
    ),
    "kubectl": Tool(
        f"`kubectl delete -f` or `-k` with the manifests of a release deletes its CRDs and with them {_LOST}",
        "stop applying it with kubectl",
        "delete its Deployments, Services and webhook configurations by name, and not its CRDs",
    ),
}
_OTHER = Tool(
    f"whatever deletes its CRDs (the operator, chart, pipeline or program that installed it may) deletes {_LOST}",
    "stop the tool, and exclude the CRDs from what it deletes",
)


def removal_advice(*owners: str) -> str:
    """Return how to remove the installation of these owners without losing TrainJobs, as clauses.

    Args:
        owners: who manages it: the names that C(ownership.installers.owner) returns, which are lines.
    """
    return "; ".join(
        f"warning: {tool.danger}; to remove it and keep them, {steps.format(**words)}"
        for tool, words in _tools(owners)
        for steps in (tool.remove or f"{tool.detach}, {_BY_HAND}",)
    )


def detach_advice(*owners: str) -> str:
    """Return how these owners give up their objects without deleting them, and what deletes them."""
    return "; ".join(f"{tool.detach.format(**words)}; warning: {tool.danger}" for tool, words in _tools(owners))


def warning_about(*owners: str) -> str:
    """Return what these owners may do that deletes the CRDs."""
    return "; ".join(f"warning: {tool.danger}" for tool, _words in _tools(owners))


def upgrade_advice(owner: str) -> str:
    """Return what to consider if an owner is to upgrade its installation; empty if nothing is known."""
    if any(tool is TOOLS["helm"] for tool, _words in _tools([owner])):
        return (
            " (the chart of Trainer 2.3 has the CRDs in its templates, so the upgrade from 2.2 needs "
            f"`helm upgrade --take-ownership`, and from then on {TOOLS['helm'].danger})"
        )
    return ""


def _tools(owners: Iterable[str]) -> list[tuple[Tool, dict[str, str]]]:
    """Return the tools of these owners, each once, with the words for their placeholders."""
    found = {_named(kind, name) for owner in owners for kind, name in _owners_in(owner)}
    # An owner that is known by its mark needs no general advice because of objects without the mark.
    found = {one for one in found if one[2] or one[0] not in {kind for kind, _place, name in found if name}}
    found.discard(("conductor", "", ""))
    return [
        (TOOLS.get(kind, _OTHER), {"namespace": place or "NAMESPACE", "name": name or "NAME"})
        for kind, place, name in sorted(found or {("other", "", "")})
    ]


def _owners_in(line: str) -> Iterator[tuple[str, str]]:
    """Yield the kinds and names of the owners that a line is about."""
    for identity in about(line):
        if isinstance(identity, tuple) and len(identity) == 3 and identity[0] == "owner":
            yield str(identity[1]), str(identity[2])


def _named(kind: str, name: str) -> tuple[str, str, str]:
    """Return the tool of an owner, and the namespace and the name that its commands need; empty if unknown."""
    if kind == "managers":
        names = name.split(", ")
        kinds = (tool for tool, prefixes in MANAGERS.items() if any(one.startswith(prefixes) for one in names))
        return next(kinds, "other"), "", ""
    if kind not in TOOLS:
        return ("conductor" if kind == "conductor" else "other"), "", ""
    place, _slash, last = name.rpartition("/")
    return (kind, place, last) if kind == "helm" else (kind, "", name if kind == "argocd" else "")
