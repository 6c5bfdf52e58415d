# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check before a TrainJob is submitted what would make it fail for certain.

Whether this identity can follow it, whether a JobSet of its name exists, and whether LimitRanges or ResourceQuotas of
the namespace reject its pods. Facts that may not be read are left out, except for those that are needed to follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..cluster.access_reviews import Right, is_allowed
from ..cluster.client import Cluster
from ..errors import ApiError, RefusedError, listed, missing_permissions
from ..objects.fields import is_terminating, name_of, part, parts, text, whole_number
from ..objects.line import Line
from ..objects.pod_policies import Pods, exceeded, refused_by_limit_ranges, unstated
from ..objects.resources import Resource, resource_of
from .definition import API_VERSION, Submission
from .state import JOBSET_API_VERSION, JOBSET_LABEL, name_is_taken

STEP = "submit"
_TRAINJOB, _POD = resource_of(API_VERSION, "TrainJob"), resource_of("v1", "Pod")
_JOBSET = resource_of(JOBSET_API_VERSION, "JobSet")
_LIMIT_RANGE, _QUOTA = resource_of("v1", "LimitRange"), resource_of("v1", "ResourceQuota")
_ANCESTOR = "trainer.kubeflow.org/trainjob-ancestor-step"
_NODE = "node"
# A name that no pod has, for a dry run.
_PROBE = "conductor-probe-"


def require_submittable(cluster: Cluster, submission: Submission, *, follow: bool) -> None:
    """Fail if a TrainJob cannot be followed, or cannot run.

    Args:
        follow: whether it will be followed after it was submitted.

    Raises:
        RightsError: permissions to follow it are missing; names all of them.
        RefusedError: its name is taken, or its pods would be rejected.
        ConductorError: the server failed.
    """
    key = submission.key
    runtime = text(submission.job, "spec", "runtimeRef", "kind") or "ClusterTrainingRuntime"
    name = text(submission.job, "spec", "runtimeRef", "name")
    own = [item for item in submission.companions if (item["kind"], name_of(item)) == (runtime, name)]
    named = f"metadata.name={key.name}"
    tasks: list[Callable[[], Any]] = [
        lambda: _listed(cluster, _TRAINJOB, key.namespace, fields=named),
        lambda: _listed(cluster, _JOBSET, key.namespace, fields=named),
        lambda: _listed(cluster, _POD, key.namespace, labels=f"{JOBSET_LABEL}={key.name}"),
        lambda: _listed(cluster, _LIMIT_RANGE, key.namespace, metadata_only=False),
        lambda: _listed(cluster, _QUOTA, key.namespace, metadata_only=False),
        lambda: own[0] if own else _runtime(cluster, runtime, name, key.namespace),
    ]
    followed = (_TRAINJOB, _JOBSET, _POD)
    watched = [lambda resource=resource: _may_watch(cluster, resource, key.namespace) for resource in followed]
    answers = cluster.each(lambda task: task(), [*tasks, *(watched if follow else ())])
    jobs, job_sets, pods, ranges, quotas, found, *may_watch = answers
    missing = [
        f"{verb} {resource} in namespace {key.namespace}"
        for verb, results in (("list", [items is not None for items in (jobs, job_sets, pods)]), ("watch", may_watch))
        for resource, allowed in zip(followed, results, strict=False)
        if not allowed
    ]
    if follow and missing:
        raise missing_permissions(missing, STEP)
    for job_set in job_sets or () if key.name else ():
        if name_of(job_set) == key.name and not jobs and not _is_leftover(job_set, key.name):
            raise name_is_taken(key, job_set, STEP)
    wanted = list(pods_of(submission.job, found)) if found else []
    refusals = [*_refused(wanted, ranges or ()), *_over(wanted, ranges, quotas or ())]
    if refusals and not _is_admitted(cluster, key.namespace, wanted):
        raise RefusedError(
            listed(f"its pods would be rejected in namespace {key.namespace}:", [str(line) for line in refusals]),
            step=STEP,
            subject=str(key),
            next_step=(
                "set spec.trainer.resourcesPerNode of the TrainJob, or the resources in its runtime, to values that "
                f"are allowed, or have the owner of namespace {key.namespace} change "
                f"{', '.join(dict.fromkeys(line.subject for line in refusals))}; a LimitRange of type Container can "
                "give defaults to containers that state nothing"
            ),
            facts={"refusals": [str(line) for line in refusals]},
        )


def _is_leftover(job_set: Mapping[str, Any], name: str) -> bool:
    """Return whether a JobSet is that of an earlier TrainJob of this name, which is deleted soon."""
    owners = parts(job_set, "metadata", "ownerReferences")
    return is_terminating(job_set) or any(
        (text(owner, "kind"), text(owner, "name")) == ("TrainJob", name) for owner in owners
    )


def pods_of(job: Mapping[str, Any], runtime: Mapping[str, Any]) -> Iterator[Pods]:
    """Yield the pods that TrainJob and runtime define; none if the TrainJob patches the pods of its runtime."""
    spec = part(job, "spec")
    if parts(spec, "runtimePatches") or parts(spec, "podTemplateOverrides"):
        return
    number = text(spec, "trainer", "numNodes") or text(runtime, "spec", "mlPolicy", "numNodes")
    for replicated in parts(runtime, "spec", "template", "spec", "replicatedJobs"):
        inner = part(replicated, "template")
        pod = part(inner, "spec", "template", "spec")
        is_trainer = text(inner, "metadata", "labels", _ANCESTOR) == "trainer"
        count = whole_number(number if is_trainer else text(inner, "spec", "parallelism"))
        if is_trainer:
            pod = {**pod, "containers": [_with_resources(one, spec) for one in parts(pod, "containers")]}
        name = text(replicated, "name")
        if pod:
            yield Pods(f"replicated job {name}", pod, 1 if count is None else count)


def _with_resources(container: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    own = part(spec, "trainer", "resourcesPerNode")
    if text(container, "name") != _NODE or not own:
        return dict(container)
    merged = {which: {**part(container, "resources", which), **part(own, which)} for which in ("requests", "limits")}
    return {**container, "resources": merged}


def _refused(wanted: Sequence[Pods], ranges: Sequence[Mapping[str, Any]]) -> list[Line]:
    return [line for pods in wanted for line in refused_by_limit_ranges(pods, ranges)]


def _over(
    wanted: Sequence[Pods], ranges: Sequence[Mapping[str, Any]] | None, quotas: Sequence[Mapping[str, Any]]
) -> list[Line]:
    """Return the quotas that reject the pods for good: what others use now may be free later."""
    found = [one.line for quota in quotas for one in exceeded(wanted, quota, ranges or ()) if one.for_good]
    if ranges is not None:
        found += [line for quota in quotas for pods in wanted for line in _missing(pods, quota, ranges)]
    return found


def _missing(pods: Pods, quota: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> list[Line]:
    return [
        Line(f"{line.subject}: it requires {line.detail}, which is not set", subject=line.subject, detail=line.detail)
        for line in unstated(pods, quota, ranges)
    ]


def _is_admitted(cluster: Cluster, namespace: str, wanted: Sequence[Pods]) -> bool:
    """Return whether the server accepts the pods in dry runs: a webhook of the namespace may change them."""
    try:
        for pods in wanted:
            metadata = {"generateName": _PROBE, "namespace": namespace}
            cluster.dry_run_create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**pods.spec}})
    except ApiError:
        return False
    return True


def _runtime(cluster: Cluster, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    if kind not in ("ClusterTrainingRuntime", "TrainingRuntime") or not name:
        return None
    place = namespace if kind == "TrainingRuntime" else None
    try:
        return cluster.find(resource_of(API_VERSION, kind).path(place, name))
    except ApiError as error:
        if error.status != 403:
            raise
        return None


def _may_watch(cluster: Cluster, resource: Resource, namespace: str) -> bool:
    """Return whether a resource may be watched; True if the server does not say."""
    try:
        return is_allowed(cluster, Right("watch", resource.group, resource.plural, namespace, ""))
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return True


def _listed(
    cluster: Cluster,
    resource: Resource,
    namespace: str,
    *,
    metadata_only: bool = True,
    fields: str | None = None,
    labels: str | None = None,
) -> list[dict[str, Any]] | None:
    """Return the objects; None if they may not be listed, none if their type is not served."""
    try:
        return cluster.list_all(
            resource, namespace, metadata_only=metadata_only, field_selector=fields, label_selector=labels
        )[0]
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return None if error.status == 403 else []
