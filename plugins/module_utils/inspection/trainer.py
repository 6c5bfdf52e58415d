# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out which Trainer a cluster has, who manages it, and whether it is complete. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..objects.fields import is_terminating, name_of, numbers, texts
from ..objects.line import Line, terminating_line
from ..ownership.installers import common_owner, is_own_or_nothing
from ..plan.observe import conditions_of
from ..release.bundle import Bundle
from ..release.recognition import TRAINER_GROUP, is_trainer, is_webhook_of, namespaces, places, serving_problems
from ..release.versions import SINCE, images, trainer_release

_CRD_KIND = "CustomResourceDefinition"


def trainer_facts(
    bundle: Bundle,
    *,
    crds: Mapping[str, Mapping[str, Any] | None],
    configurations: Sequence[Mapping[str, Any]] | None,
    deployments: Sequence[Mapping[str, Any]] | None,
    everywhere: bool,
    slices: Mapping[str, Sequence[Mapping[str, Any]] | None],
    namespace: Mapping[str, Any] | None,
    public_config: Mapping[str, Any] | None,
    adopt: Collection[str] = (),
    held: Mapping[str, Sequence[str]] | None = None,
    replaced: Collection[str] = (),
) -> dict[str, Any]:
    """Return the state of Trainer.

    Args:
        bundle: the release; it names the CRDs, webhook configurations and Deployments of Trainer.
        crds: name to CRD; empty if missing, None if it cannot be read. The same applies to the other arguments.
        deployments: Deployments of the cluster, including unrelated ones.
        everywhere: whether C(deployments) covers all namespaces.
        slices: namespace to its EndpointSlices.
        namespace: the operator's namespace.
        public_config: Trainer's public ConfigMap in that namespace.
        adopt: the installers whose objects an install adopts.
        held: name of a CRD to the objects that hold its deletion.
        replaced: images that options set.
    """
    own = [item for item in deployments or () if is_trainer(item)]
    webhooks = [item for item in configurations or () if is_webhook_of(item, TRAINER_GROUP)]
    theirs = {name: crd for name, crd in crds.items() if name.endswith(f".{TRAINER_GROUP}")}
    there = [crd for crd in theirs.values() if crd]
    release = trainer_release(own, public_config, crds.get(f"trainjobs.{TRAINER_GROUP}"), replaced)
    found: list[Mapping[str, Any]] = [*own, *webhooks, *there]
    unread = sorted(name for name, crd in theirs.items() if crd is None)
    # An unreadable controller matters only if other objects show that one is installed.
    silent = is_own_or_nothing([*webhooks, *there])
    known = (
        not unread and configurations is not None and deployments is not None and (everywhere or bool(own) or silent)
    )
    terminating = [
        _dying(kind, item, (held or {}).get(name_of(item), ()))
        for kind, items in (
            ("Namespace", [namespace] if namespace else []),
            (_CRD_KIND, there),
            ("Deployment", own),
            ("webhook configuration", webhooks),
        )
        for item in items
        if is_terminating(item)
    ]
    missing = sorted(f"{_CRD_KIND} {name}" for name, crd in theirs.items() if crd == {}) + _missing(
        bundle, webhooks if configurations is not None else None, own, release["release"], everywhere or silent
    )
    problems = serving_problems(own, webhooks, slices) if found else []
    homes = sorted(_homes(own, webhooks))
    # Objects in another namespace do not have the release's own names.
    adoptable = adopt if {*homes} <= {bundle.namespace} else ()
    state = _state(bool(found), known, terminating, missing)
    return {
        "state": state,
        **release,
        "owner": common_owner(found, adoptable),
        "namespace": next(iter(homes), ""),
        "namespaces": homes,
        "image": next((image for item in own for image in images(item)), ""),
        "missing": missing if found else [],
        "terminating": terminating,
        "healthy": None if not found or not known else not (problems or missing or terminating),
        "problems": problems,
    }


def _state(found: bool, known: bool, terminating: Sequence[str], missing: list[str]) -> str:
    if terminating:
        return "terminating"
    if not known:
        return "unknown"
    if not found:
        return "absent"
    return "incomplete" if missing else "complete"


def _missing(
    bundle: Bundle,
    webhooks: Sequence[Mapping[str, Any]] | None,
    own: Sequence[Mapping[str, Any]],
    release: str,
    sure: bool,
) -> list[str]:
    missing = []
    if webhooks is not None:
        present = {name_of(item) for item in webhooks}
        # The names are constants in Trainer's code, so they are the same with every installer.
        missing += [
            f"{item['kind']} {name_of(item)}"
            for item in bundle.webhook_configurations()
            if is_webhook_of(item, TRAINER_GROUP)
            and name_of(item) not in present
            and not (release and numbers(release)[:2] < SINCE.get(name_of(item), (0,)))
        ]
    if not own and sure:
        missing += [f"Deployment {name_of(item)}" for item in bundle.objects("Deployment") if is_trainer(item)]
    return missing


def _homes(own: Sequence[Mapping[str, Any]], webhooks: Sequence[Mapping[str, Any]]) -> set[str]:
    return namespaces(own) or {place.namespace for place in places(webhooks) if place.namespace}


def _dying(kind: str, item: Mapping[str, Any], held: Sequence[str]) -> Line:
    # A namespace has its own finalizers in its spec, and says in its status what remains in it.
    finalizers = [*texts(item, "metadata", "finalizers"), *texts(item, "spec", "finalizers")]
    return terminating_line(kind, name_of(item), finalizers, [*conditions_of(kind, item), *held])
