# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whose JobSet a Trainer is to use, before anything is written: looks only where the record does not tell.

A second JobSet over a first one would take its webhooks and its rights away, so what is not plainly absent, ours, or
somebody else's in good health stops an install, whatever is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cluster.client import Cluster
from ..cluster.reader import Page, Reader, merge_pages
from ..findings.jobset_rules import judge_jobset
from ..objects.fields import part
from ..objects.resources import resource_of
from ..ownership.record import Record
from ..release.bundle import Bundle
from ..release.components import Meant, part_for
from ..release.recognition import CONTROLLER_LABELS, JOBSET_CRD, JOBSET_GROUP, places, speaks_for
from .facts import API_VERSION, jobset_facts

# What a person asks for, and what it comes to on a cluster.
JOBSET_MODES = ("auto", "bundled", "external")

_CRD = resource_of("apiextensions.k8s.io/v1", "CustomResourceDefinition")
_NAMESPACE = resource_of("v1", "Namespace")
_DEPLOYMENT = resource_of("apps/v1", "Deployment")
_SLICE = resource_of("discovery.k8s.io/v1", "EndpointSlice")
_JOBSET = resource_of(f"{JOBSET_GROUP}/{API_VERSION}", "JobSet")


@dataclass(frozen=True)
class Choice:
    """Whose JobSet it is, and what speaks against that.

    Args:
        bundle: what of the release is to be applied then.
        facts: the JobSet that is there (see C(jobset_facts)); empty where nobody had to look.
        blockers: as C(judge) has them.
        unreadable: the rights that lacked for looking.
    """

    meant: Meant
    bundle: Bundle
    facts: Mapping[str, Any] = field(default_factory=dict)
    blockers: tuple[Mapping[str, str], ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def refusals(self) -> list[str]:
        """The blockers, a line each."""
        lacking = f" (this identity may not {'; '.join(self.unreadable)})" if self.unreadable else ""
        return [
            f"{blocker['object']}: {blocker['cause']}{lacking if blocker['code'] == 'jobset_unknown' else ''}"
            for blocker in self.blockers
        ]

    @property
    def next_steps(self) -> list[str]:
        """What can be done about them."""
        return [blocker["next_step"] for blocker in self.blockers]


def choose_jobset(
    cluster: Cluster,
    bundle: Bundle,
    mode: str,
    record: Record,
    configurations: Sequence[Mapping[str, Any]],
    adopt: Sequence[str] = (),
) -> Choice:
    """The JobSet to use with a release.

    Args:
        mode: what was asked for, one of C(JOBSET_MODES).
        record: the install record.
        configurations: every webhook configuration of the cluster, whole.
        adopt: the installers whose objects are taken over.

    Raises:
        ApiError, UnreachableError: the server failed. Missing rights do not raise, they are a blocker.
    """
    if record.jobset and mode in ("auto", record.jobset) and _is_as_recorded(record, bundle, configurations):
        meant = resolve_jobset(mode, record, None)
        return Choice(meant, part_for(bundle, meant))
    facts, job_sets, denied = look_at_jobset(cluster, bundle, configurations, adopt)
    meant = resolve_jobset(mode, record, facts)
    blockers = judge_jobset(facts, bundle, meant, job_sets)
    return Choice(meant, part_for(bundle, meant), facts, tuple(blockers), denied)


def look_at_jobset(
    cluster: Cluster, bundle: Bundle, configurations: Sequence[Mapping[str, Any]], adopt: Sequence[str] = ()
) -> tuple[dict[str, Any], int | None, tuple[str, ...]]:
    """Facts about the JobSet that is there, the number of JobSets, the rights that lacked. Two rounds of reads."""
    reader = Reader(cluster)
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
    # Charts may leave the labels out that are asked for above; and who may not look everywhere may look here.
    looked_into = {*pointed, *([] if first["home"] == {} else [bundle.namespace])}
    answers = first | reader.all(
        {
            **({} if first["crd"] == {} else {"job_sets": page(None, _JOBSET, metadata_only=True, limit=1)}),
            **{f"deployments {namespace}": page(namespace, _DEPLOYMENT) for namespace in looked_into},
            **{f"slices {namespace}": page(namespace, _SLICE) for namespace in pointed},
        }
    )
    everywhere = [answers[f"controllers {labels}"] for labels in CONTROLLER_LABELS]
    near = [answers[f"deployments {namespace}"] for namespace in looked_into]
    if not looked_into:
        # In a namespace that is not there is nothing, and nothing points to another.
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
    """The webhook configurations that are JobSet's own, whoever installed it."""
    return [configuration for configuration in configurations if speaks_for(configuration, JOBSET_GROUP)]


def _is_as_recorded(record: Record, bundle: Bundle, configurations: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the JobSet that the record tells of is there, as far as webhooks show it.

    Ours needs no look: the plan goes through all of its objects, and through everybody's webhooks.
    """
    if record.jobset == "bundled":
        return True
    found = {place.namespace for place in places(of_jobset(configurations))}
    return len(found) == 1 and not found & {"", bundle.namespace}


def resolve_jobset(mode: str, record: Record, jobset: Mapping[str, Any] | None) -> Meant:
    """Whose JobSet it is to be. What was installed one way stays so, unless another way is asked for.

    Args:
        mode: one of C(JOBSET_MODES).
        record: the install record; empty where nothing was installed.
        jobset: the facts about the JobSet that is there; None where they were not looked for.
    """
    there = "external" if part(jobset).get("state") == "external" else "bundled"
    said = (record.jobset or there) if mode == "auto" else mode
    return "external" if said == "external" else "bundled"
