# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of C(trainer_operator_info): read facts, classify them, judge them. Writes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..certificates.expiry import certificate_facts
from ..certificates.external import own_certificates
from ..cluster.access_reviews import Reviews
from ..cluster.autoscaler import can_scale_up
from ..cluster.client import Cluster
from ..cluster.reader import Page
from ..errors import RightsError
from ..findings.judge import judge
from ..jobset.choice import resolve_jobset
from ..jobset.facts import jobset_facts
from ..objects.fields import name_of, namespace_of, part, parts, some, text
from ..objects.finalizers import holders
from ..objects.line import Line, about
from ..objects.pod_policies import Pods
from ..objects.resources import find_resource, key_of
from ..ownership.admission import broad_webhooks, is_served, origin_of
from ..ownership.immutable import immutable_differences
from ..ownership.installers import owner
from ..ownership.record import parse_record
from ..redaction import redact
from ..rejections.rejection import Rejection, Scene, rejection_of
from ..release.bundle import Bundle, pull_secrets
from ..release.components import part_for
from ..release.recognition import JOBSET_CRD, TRAINER_GROUP, is_jobset, is_trainer, namespaces
from ..release.versions import WEBHOOK_PORT
from ..rights.grants import grant_facts
from .distribution import distribution
from .namespace import namespace_facts
from .neighbours import neighbour_facts
from .nodes import node_facts
from .options import option_facts
from .reads import Readings, read
from .rollout import to_place
from .trainer import trainer_facts
from .users import user_facts

# Characters of a message of the server in a result.
_LONGEST = 500
# Findings that an autoscaler resolves.
_NODES_HELP = frozenset({"no_schedulable_node", "insufficient_capacity", "host_ports_taken"})


def inspect(
    cluster: Cluster,
    bundle: Bundle,
    *,
    jobset_mode: str = "bundled",
    adopt: Sequence[str] = (),
    monotonic: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> dict[str, Any]:
    """Return the facts about a cluster and the findings about installing this bundle on it.

    Args:
        jobset_mode: the JobSet to use: C(bundled), C(external), or C(auto), which keeps the installed one and otherwise
            uses an existing external one.
        adopt: the installers whose objects an install adopts.
        monotonic: a clock in seconds.
        now: the current time, in UTC.

    Raises:
        ApiError, UnreachableError: the server failed, or rejects these credentials. Missing permissions do not raise.
    """
    started = monotonic()
    readings = read(cluster, bundle, adopt)
    facts = facts_of(cluster.host, bundle, readings, jobset_mode, adopt)
    requests = readings.requests + _look_at_certificates(cluster, bundle, facts, now)
    blockers, warnings = judge(facts)
    if any(finding["code"] in _NODES_HELP for finding in blockers):
        facts["nodes"]["can_scale_up"] = can_scale_up(cluster, readings.groups)
        blockers, warnings = judge(facts)
        requests += 1
    return {
        **facts,
        "certificates": certificate_facts(readings.configurations, now()),
        "blockers": blockers,
        # Ansible prints the value of "warnings" as lines of text.
        "warnings_found": warnings,
        "requests": requests,
        "elapsed": round(monotonic() - started, 2),
    }


def _look_at_certificates(cluster: Cluster, bundle: Bundle, facts: dict[str, Any], now: Callable[[], datetime]) -> int:
    """Add the facts about external certificates; return the number of requests."""
    meant = part_for(bundle, facts["wanted"]["jobset_selected"])
    try:
        own = own_certificates(cluster, meant, now=now)
    except RightsError as error:
        facts["permissions"]["unreadable"] += error.facts["missing_permissions"]
        return 1
    facts["wanted"]["invalid_certificates"] = [
        {"object": secret, "problem": found.problem} for secret, found in own.items() if found.problem
    ]
    facts["wanted"]["expiring_certificates"] = [
        {"object": secret, "days_left": found.due_in}
        for secret, found in own.items()
        if not found.problem and found.due_in is not None
    ]
    return len(own)


def facts_of(
    server: str, bundle: Bundle, readings: Readings, jobset_mode: str, adopt: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the facts in the answers. Pure; never raises, whatever the answers contain."""
    configurations = readings.configurations
    deployments = _items(readings.deployments)
    crds = readings.crds or {}
    slices = {name: _items(page) for name, page in (readings.slices or {}).items()}
    held = _held(readings)
    record = parse_record(readings.record or None)
    told = [*part(bundle.options, "images").values(), *part(record.options, "images").values()]
    replaced = {image for image in told if isinstance(image, str)}
    trainer = trainer_facts(
        bundle,
        crds=crds,
        configurations=configurations,
        deployments=deployments,
        everywhere=readings.everywhere,
        slices=slices,
        namespace=readings.namespace,
        public_config=readings.public_config,
        adopt=adopt,
        held=held,
        replaced=replaced,
    )
    # Webhooks that point to a namespace do not make it the home: they may be left over from a removal.
    home = next(iter(sorted(namespaces(filter(is_trainer, deployments or ())))), bundle.namespace)
    jobset = jobset_facts(
        crd=crds.get(JOBSET_CRD),
        configurations=configurations,
        deployments=deployments,
        everywhere=readings.everywhere,
        slices=slices,
        home=home,
        wanted=bundle.components.get("jobset", ""),
        # Objects in another namespace do not have the release's own names.
        adopt=adopt if home == bundle.namespace else (),
        held=held[JOBSET_CRD],
        replaced=replaced,
    )
    meant = resolve_jobset(jobset_mode, record, jobset)
    options = option_facts(bundle, record, meant, deployments)
    beside = _second_controllers(bundle, deployments, adopt)
    # With an external JobSet, the bundled one needs neither capacity nor permissions.
    bundle = part_for(bundle, meant)
    placing = to_place(bundle.objects("Deployment"), deployments)
    return {
        "cluster": {
            "server": server,
            "uid": text(readings.kube_system, "metadata", "uid"),
            "kubernetes": readings.version,
            **distribution(readings.version, readings.groups, _items(readings.nodes)),
        },
        "wanted": {
            "release": bundle.release,
            "jobset": bundle.components.get("jobset", ""),
            "jobset_mode": jobset_mode,
            "jobset_selected": meant,
            "adopt": sorted(adopt),
            "certificates": bundle.certificates,
            "invalid_certificates": [],
            "expiring_certificates": [],
            "kubernetes": bundle.kubernetes_minimum,
            "namespace": bundle.namespace,
            "missing_classes": sorted(name for name, found in (readings.priority_classes or {}).items() if found == {}),
            "host_network": [one.deployment for one in placing if one.spec.get("hostNetwork") is True],
        },
        "trainer": trainer,
        "record": {
            "release": record.release,
            "profile": record.profile,
            "jobset": record.jobset,
            "objects": len(record.entries),
            "same_bundle": record.bundle == bundle.sha256,
        },
        **options,
        "jobset": jobset,
        "helm_releases": [
            {"name": name, "namespace": place, "stored_in": None if page is None else _stored_in(page)}
            for (place, name), page in (readings.helm_releases or {}).items()
        ],
        "second_controllers": beside,
        "immutable_fields": _immutable(bundle, readings, adopt),
        "neighbours": neighbour_facts(readings.groups, deployments, configurations, bundle.release),
        "namespace": namespace_facts(
            bundle.namespace,
            readings.namespace,
            _items(readings.quotas),
            _items(readings.policies),
            [Pods(f"Deployment {one.deployment}", one.spec, one.more) for one in placing],
            _items(readings.limit_ranges),
            _created(bundle) if sum(one.new for one in placing) == len(bundle.objects("Deployment")) else {},
            _pull_secrets(bundle, readings),
            ports=_webhook_ports(bundle),
        ),
        "user_objects": user_facts(
            readings.train_jobs,
            readings.job_sets,
            readings.cluster_runtimes,
            readings.runtimes,
            bundle.names("ClusterTrainingRuntime"),
            upstream=[key.name for key in bundle.upstream if key.kind == "ClusterTrainingRuntime"],
            adopt=adopt,
        ),
        "built_in_runtimes": _runtimes(readings.cluster_runtimes, bundle.names("ClusterTrainingRuntime")),
        "nodes": node_facts(
            _items(readings.nodes),
            readings.nodes.total if readings.nodes else 0,
            {name: _items(page) for name, page in (readings.pods or {}).items()},
            placing,
            readings.priority_classes,
        ),
        "permissions": {
            **grant_facts(bundle, _reviews(bundle, readings)),
            "unreadable": list(readings.denied),
            "rejections": _rejections(readings, configurations or ()),
        },
    }


def _rejections(readings: Readings, configurations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what rejects requests: what rejected a review, and webhooks of every kind whose Service has no endpoint.

    From Kubernetes 1.37 on, webhooks may not handle reviews, so these do not show all of them.
    """
    rejections = list(readings.rejections)
    known = {found.name for found in rejections}
    for webhook in broad_webhooks(configurations):
        slices = (readings.broad or {}).get(webhook.namespace)
        if slices is None or not slices.whole or webhook.name in known:
            continue
        if not is_served(webhook.service, slices.items):
            called = f"https://{webhook.service}.{webhook.namespace}.svc"
            words = f'no endpoints available for service "{webhook.service}"'
            rejections.append(rejection_of(f'failed calling webhook "{webhook.name}": Post "{called}": {words}'))
    return [_rejection(found, configurations) for found in rejections]


def _rejection(found: Rejection, configurations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what rejected a review of permissions, for a result."""
    scene = Scene("the objects of the install")
    return {
        "object": origin_of(found, configurations) or found.label,
        "answers": not found.is_unanswered,
        "cause": redact(found.cause(scene)),
        "next_step": redact(found.next_step(scene)),
        "message": redact(found.message)[:_LONGEST],
    }


def _reviews(bundle: Bundle, readings: Readings) -> Reviews:
    asked = {bundle.namespace: readings.rules, bundle.probe_namespace: readings.probe_rules}
    namespaced = {namespace: rules for namespace, rules in asked.items() if rules is not None}
    return Reviews(readings.cluster_rules, namespaced, readings.may_do_anything)


def _items(page: Page | None) -> Sequence[Mapping[str, Any]] | None:
    return None if page is None else page.items


def _held(readings: Readings) -> dict[str, list[str]]:
    """Return the name of each CRD to the objects that hold its deletion."""
    kinds = {
        f"trainjobs.{TRAINER_GROUP}": ("TrainJob", readings.train_jobs),
        JOBSET_CRD: ("JobSet", readings.job_sets),
        f"trainingruntimes.{TRAINER_GROUP}": ("TrainingRuntime", readings.runtimes),
        f"clustertrainingruntimes.{TRAINER_GROUP}": ("ClusterTrainingRuntime", readings.cluster_runtimes),
    }
    return {name: holders(kind, page.items if page else ()) for name, (kind, page) in kinds.items()}


def _immutable(bundle: Bundle, readings: Readings, adopt: Sequence[str]) -> list[dict[str, Any]]:
    """Return the fields of objects that an install takes over and that it cannot change to those of the release."""
    pages = [("Deployment", readings.deployments), *(readings.others or {}).items()]
    live = {
        (kind, namespace_of(item), name_of(item)): item for kind, page in pages for item in (page.items if page else ())
    }
    live |= {("CustomResourceDefinition", "", name): crd for name, crd in (readings.crds or {}).items() if crd}
    return [
        {"object": str(key), "owner": whose["name"], **difference._asdict()}
        for manifest in bundle.objects()
        for key in (key_of(manifest),)
        for item in (live.get((key.kind, key.namespace, key.name), {}),)
        for whose in (owner(part(item, "metadata"), adopt),)
        if item and (whose["adoptable"] or whose["kind"] == "conductor")
        for difference in immutable_differences(manifest, item)
    ]


def _second_controllers(
    bundle: Bundle, deployments: Sequence[Mapping[str, Any]] | None, adopt: Sequence[str]
) -> list[Line]:
    """Return the controllers in the operator's namespace that an adoption would leave beside those of the release."""
    names = set(bundle.names("Deployment"))
    return [
        Line(f"Deployment {namespace_of(item)}/{name_of(item)}", about=about(whose["name"]))
        for item in deployments or ()
        if (is_trainer(item) or is_jobset(item)) and namespace_of(item) == bundle.namespace
        for whose in (owner(part(item, "metadata"), adopt),)
        if name_of(item) not in names and whose["adoptable"]
    ]


def _stored_in(page: Page) -> list[str]:
    """Return the objects in which Helm stores a release, with the state of each revision."""
    names = [
        f"{name_of(item)}{f' ({status})' if status else ''}"
        for item in page.items
        for status in (text(item, "metadata", "labels", "status"),)
        if text(item, "metadata", "labels", "owner") == "helm"
    ]
    return some(sorted(names))


def _runtimes(page: Page | None, wanted: Sequence[str]) -> dict[str, Any]:
    """Return which runtimes of the release are present and which are missing; None if they cannot be read."""
    if page is None:
        return {"present": None, "missing": None}
    names = {name_of(item) for item in page.items}
    return {
        "present": sorted(name for name in wanted if name in names),
        "missing": sorted(name for name in wanted if name not in names),
    }


def _webhook_ports(bundle: Bundle) -> list[int]:
    """Return the ports of the webhooks that NetworkPolicies are about: not those on the network of a node."""
    found: set[int] = set()
    for manifest in bundle.objects("Deployment"):
        pod = part(manifest, "spec", "template", "spec")
        declared = [port for container in parts(pod, "containers") for port in parts(container, "ports")]
        ports = {port["containerPort"] for port in declared if text(port, "name").startswith("webhook")}
        if pod.get("hostNetwork") is not True:
            found |= ports or {WEBHOOK_PORT}
    return sorted(found)


def _pull_secrets(bundle: Bundle, readings: Readings) -> dict[str, Sequence[Mapping[str, Any]] | None]:
    """Return what is known about the Secrets for pulling images; nothing is read in a namespace that is missing."""
    unread = Page() if readings.namespace == {} else None
    return {name: _items(readings.pull_secrets.get(name, unread)) for name in pull_secrets(bundle)}


def _created(bundle: Bundle) -> dict[str, int]:
    """Return how many objects of each type a first install and its controllers create in the operator's namespace."""
    keys = [key_of(manifest) for manifest in bundle.objects()]
    counts = Counter(
        str(resource)
        for key in keys
        if key.namespace == bundle.namespace and (resource := find_resource(key.api_version, key.kind))
    )
    # The install record, and the Leases of the install and of the controllers.
    counts["configmaps"] += 1
    counts["replicasets.apps"] = counts["deployments.apps"]
    counts["leases.coordination.k8s.io"] += 1 + counts["deployments.apps"]
    return dict(counts)
