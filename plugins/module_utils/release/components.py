# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of a release are JobSet's and which are Trainer's, and whose JobSet is meant. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..objects.fields import parts, text
from .bundle import Bundle, Phase, Probe
from .recognition import JOBSET_GROUP, speaks_for

# The Leases by which the controllers choose a leader; made by them, so no record knows them. (Trainer:
# controller_manager_config.yaml; JobSet: LeaderElectionID in its main.go.)
LEASES = {"trainer.kubeflow.org": "trainer", "6d4f6a47.jobset.x-k8s.io": "jobset"}

Meant = Literal["bundled", "external"]

# JobSet's own kustomization puts this before every name (sigs.k8s.io/jobset, config/default: namePrefix), and its CRD
# begins with it as well. Labels do not tell: releases before 0.11 lack the common ones.
_PREFIX = "jobset"


def is_of_jobset(manifest: Mapping[str, Any]) -> bool:
    """Whether an object of a bundle is JobSet's."""
    return is_named_jobset(text(manifest, "metadata", "name"))


def is_named_jobset(name: str) -> bool:
    """The same of an object that is known by its name, as in an install record."""
    return name.startswith(_PREFIX)


def without_jobset(bundle: Bundle) -> Bundle:
    """The same release as it is applied beside a JobSet that is there: Trainer's objects and probes only.

    C(components) stays whole: it says which JobSet the release is made for.
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
    """What of a release is to be applied."""
    return without_jobset(bundle) if meant == "external" else bundle


def probes_of_others(bundle: Bundle, configurations: Sequence[Mapping[str, Any]]) -> tuple[Probe, ...]:
    """The dry runs that show that somebody else's JobSet serves what Trainer makes: JobSets.

    Charts name webhooks as they like, and other versions word their refusals otherwise: a refusal counts when it is
    that of one of its own webhooks. What no webhook of it handles is not asked.

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
                if speaks_for({"webhooks": [webhook]}, JOBSET_GROUP)
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


def _is_jobset_probe(probe: Probe) -> bool:
    return probe.configuration.startswith(_PREFIX)
