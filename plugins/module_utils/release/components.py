# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Divide a release into JobSet and Trainer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..objects.fields import parts, text
from ..objects.resources import Resource
from .bundle import Bundle, Phase, Probe
from .recognition import JOBSET_GROUP, is_webhook_of

# The leader election Leases. The controllers create them, so no install record contains them. (Trainer:
# controller_manager_config.yaml; JobSet: LeaderElectionID in its main.go.)
LEASES = {"trainer.kubeflow.org": "trainer", "6d4f6a47.jobset.x-k8s.io": "jobset"}

Meant = Literal["bundled", "external"]

# JobSet's kustomization prefixes every name with this (sigs.k8s.io/jobset, config/default: namePrefix), and the name of
# its CRD begins with it as well. Labels are not sufficient: releases before 0.11 do not set the common ones.
_PREFIX = "jobset"


def is_of_jobset(manifest: Mapping[str, Any]) -> bool:
    """Return whether an object of a bundle belongs to JobSet."""
    return is_named_jobset(text(manifest, "metadata", "name"))


def is_named_jobset(name: str) -> bool:
    """Return whether an object with this name, for example in an install record, belongs to JobSet."""
    return name.startswith(_PREFIX)


def without_jobset(bundle: Bundle) -> Bundle:
    """Return the same release with only Trainer's objects and probes, for use with an external JobSet.

    C(components) is unchanged: it states which JobSet the release is made for.
    """
    return replace(
        bundle,
        phases=tuple(
            Phase(phase.name, tuple(manifest for manifest in phase.objects if not is_of_jobset(manifest)))
            for phase in bundle.phases
        ),
        probes=tuple(probe for probe in bundle.probes if not _is_jobset_probe(probe)),
    )


def part_for(bundle: Bundle, meant: Meant) -> Bundle:
    """Return the part of a release to apply: all of it, or Trainer alone with an external JobSet."""
    return without_jobset(bundle) if meant == "external" else bundle


def probes_of_others(bundle: Bundle, configurations: Sequence[Mapping[str, Any]]) -> tuple[Probe, ...]:
    """Return the probes that show that an external JobSet handles JobSets, which Trainer creates.

    Charts choose the names of webhooks, and other versions word their denials differently, so a denial by any webhook
    of that JobSet counts. Probes that none of its webhooks handles are left out.

    Args:
        configurations: the live webhook configurations of that JobSet, each with its C(kind).
    """
    handlers = {
        kind: next(
            (
                (text(configuration, "metadata", "name"), text(webhook, "name"))
                for configuration in configurations
                if configuration.get("kind") == kind
                for webhook in parts(configuration, "webhooks")
                if is_webhook_of({"webhooks": [webhook]}, JOBSET_GROUP)
            ),
            None,
        )
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    }
    found = []
    for probe in bundle.probes:
        handler = handlers["MutatingWebhookConfiguration" if probe.adds else "ValidatingWebhookConfiguration"]
        if handler and _is_jobset_probe(probe) and probe.manifest.get("kind") == "JobSet":
            found.append(replace(probe, configuration=handler[0], webhook=handler[1], says=""))
    return tuple(found)


def custom_kinds(manifests: Iterable[Mapping[str, Any]]) -> list[tuple[Resource, str]]:
    """Return the resource types, with their kinds, that the CRDs among these objects define in every served version."""
    return [
        (
            Resource(
                text(crd, "spec", "group"),
                text(version, "name"),
                text(crd, "spec", "names", "plural"),
                text(crd, "spec", "scope") == "Namespaced",
            ),
            text(crd, "spec", "names", "kind"),
        )
        for crd in manifests
        if crd.get("kind") == "CustomResourceDefinition"
        for version in parts(crd, "spec", "versions")
        if version.get("served")
    ]


def _is_jobset_probe(probe: Probe) -> bool:
    return probe.configuration.startswith(_PREFIX)
