# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the JobSet that Trainer uses, before any write. Reads the cluster only if the record does not decide.

A second JobSet would take over the webhooks and the permissions of the first. Therefore an install stops, whatever mode
is requested, unless JobSet is clearly absent, managed by Conductor, or external and healthy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..cluster.client import Cluster
from ..objects.fields import part
from ..objects.resources import resource_of
from ..ownership.record import Record
from ..release.bundle import Bundle
from ..release.components import Meant, part_for
from ..release.recognition import CONTROLLER_LABELS, JOBSET_CRD, JOBSET_GROUP, is_webhook_of, places

if TYPE_CHECKING:
    from ..cluster.reader import Page

# The modes of C(conductor_jobset).
JOBSET_MODES = ("auto", "bundled", "external")

_CRD = resource_of("apiextensions.k8s.io/v1", "CustomResourceDefinition")
_NAMESPACE = resource_of("v1", "Namespace")
_DEPLOYMENT = resource_of("apps/v1", "Deployment")
_SLICE = resource_of("discovery.k8s.io/v1", "EndpointSlice")


@dataclass(frozen=True)
class Choice:
    """The chosen JobSet, and the blockers.

    Args:
        meant: whether the bundled or an external JobSet is used.
        bundle: the part of the release to apply.
        facts: the facts about the installed JobSet (see C(jobset_facts)); empty if the cluster was not read.
        blockers: findings, as C(judge) returns them.
        unreadable: the permissions that were missing for the reads.
    """

    meant: Meant
    bundle: Bundle
    facts: Mapping[str, Any] = field(default_factory=dict)
    blockers: tuple[Mapping[str, str], ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def refusals(self) -> list[str]:
        """Return the blockers, one line each."""
        missing = f" (this identity may not {'; '.join(self.unreadable)})" if self.unreadable else ""
        return [
            f"{blocker['object']}: {blocker['cause']}{missing if blocker['code'] == 'jobset_unknown' else ''}"
            for blocker in self.blockers
        ]

    @property
    def next_steps(self) -> list[str]:
        """Return the next step of each blocker."""
        return [blocker["next_step"] for blocker in self.blockers]


def choose_jobset(
    cluster: Cluster,
    bundle: Bundle,
    mode: str,
    record: Record,
    configurations: Sequence[Mapping[str, Any]],
    adopt: Sequence[str] = (),
) -> Choice:
    """Choose the JobSet to use with a release.

    Args:
        mode: the requested mode, one of C(JOBSET_MODES).
        record: the install record.
        configurations: every webhook configuration of the cluster, complete.
        adopt: the installers whose objects are adopted.

    Raises:
        ApiError, UnreachableError: the server failed. Missing permissions do not raise; they result in a blocker.
    """
    if record.jobset and mode in ("auto", record.jobset) and _is_as_recorded(record, bundle, configurations):
        meant = resolve_jobset(mode, record, None)
        return Choice(meant, part_for(bundle, meant))
    # A late import, like those of look_at_jobset: most runs find what the record says.
    from ..findings.jobset_rules import judge_jobset

    facts, job_sets, denied = look_at_jobset(cluster, bundle, configurations, adopt)
    meant = resolve_jobset(mode, record, facts)
    blockers = judge_jobset(facts, bundle, meant, job_sets)
    return Choice(meant, part_for(bundle, meant), facts, tuple(blockers), denied)


def look_at_jobset(
    cluster: Cluster, bundle: Bundle, configurations: Sequence[Mapping[str, Any]], adopt: Sequence[str] = ()
) -> tuple[dict[str, Any], int | None, tuple[str, ...]]:
    """Return facts about the installed JobSet, the number of JobSets, and missing permissions. Two rounds of reads."""
    from ..cluster.reader import Page, Reader, merge_pages
    from .facts import API_VERSION, jobset_facts

    reader = Reader(cluster)
    job_set = resource_of(f"{JOBSET_GROUP}/{API_VERSION}", "JobSet")
    pointed = sorted({place.namespace for place in places(of_jobset(configurations)) if place.namespace})

    def page(namespace: str | None, resource: Any, **options: Any) -> Callable[[], Page | None]:
        return lambda: reader.page(resource, namespace, **options)

    first = reader.all(
        {
            "crd": lambda: reader.named(_CRD, JOBSET_CRD),
            "home": lambda: reader.named(_NAMESPACE, bundle.namespace, metadata_only=True),
            **{
                f"controllers {labels}": page(None, _DEPLOYMENT, selectors={"labelSelector": labels})
                for labels in CONTROLLER_LABELS
            },
        }
    )
    # Charts may omit the labels that are selected above, and an identity may have permissions in these namespaces only.
    looked_into = {*pointed, *([] if first["home"] == {} else [bundle.namespace])}
    answers = first | reader.all(
        {
            **({} if first["crd"] == {} else {"job_sets": page(None, job_set, metadata_only=True, limit=1)}),
            **{f"deployments {namespace}": page(namespace, _DEPLOYMENT) for namespace in looked_into},
            **{f"slices {namespace}": page(namespace, _SLICE) for namespace in pointed},
        }
    )
    everywhere = [answers[f"controllers {labels}"] for labels in CONTROLLER_LABELS]
    near = [answers[f"deployments {namespace}"] for namespace in looked_into]
    if not looked_into:
        # The namespace does not exist, and no webhook points to another one.
        near = [Page()]
    deployments = merge_pages([*everywhere, *near])
    facts = jobset_facts(
        crd=answers["crd"],
        configurations=configurations,
        deployments=None if deployments is None else deployments.items,
        everywhere=None not in everywhere,
        slices={
            namespace: None if found is None else found.items
            for namespace in pointed
            for found in (answers[f"slices {namespace}"],)
        },
        home=bundle.namespace,
        wanted=bundle.components.get("jobset", ""),
        adopt=adopt,
    )
    counted = answers.get("job_sets", Page())
    return facts, None if counted is None else counted.total, tuple(sorted(reader.denied))


def of_jobset(configurations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the webhook configurations that belong to JobSet, whoever installed it."""
    return [configuration for configuration in configurations if is_webhook_of(configuration, JOBSET_GROUP)]


def _is_as_recorded(record: Record, bundle: Bundle, configurations: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the webhooks show the JobSet that the install record names.

    A bundled JobSet needs no check here: the plan covers all of its objects and every webhook configuration.
    """
    if record.jobset == "bundled":
        return True
    found = {place.namespace for place in places(of_jobset(configurations))}
    return len(found) == 1 and not found & {"", bundle.namespace}


def resolve_jobset(mode: str, record: Record, jobset: Mapping[str, Any] | None) -> Meant:
    """Return which JobSet to use. C(auto) keeps what the install record names, and otherwise uses an existing JobSet.

    Args:
        mode: one of C(JOBSET_MODES).
        record: the install record; empty if nothing is installed.
        jobset: the facts about the installed JobSet; None if they were not read.
    """
    found = "external" if part(jobset).get("state") == "external" else "bundled"
    selected = (record.jobset or found) if mode == "auto" else mode
    return "external" if selected == "external" else "bundled"
