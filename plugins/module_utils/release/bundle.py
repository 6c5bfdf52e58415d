# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle: the objects of one release, in phases, as the generator in tools/bundles wrote them.

Facts about a release are read from here and nowhere else: which CRDs, controllers, webhooks and runtimes it has,
which Secrets hold its certificates, and how each of its webhooks is proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputError
from ..names import MANAGED_LABEL
from ..objects.resources import Key

PHASES = ("foundation", "access", "controllers", "admission", "runtimes")
ALL_RUNTIMES = "all"
# Who makes the webhooks' certificates: the controllers, or somebody else. The latter is laid over any profile.
GENERATED, EXTERNAL = CERTIFICATES = ("generated", "external")


@dataclass(frozen=True)
class Phase:
    """Objects that may be applied at the same time, biggest first."""

    name: str
    objects: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Probe:
    """A dry run that shows whether one webhook does its work (facts: see tools/bundles/probes).

    Args:
        expect: C(allowed), C(denied) by this webhook, or C(mutated).
        says: words that must occur in a denial.
        adds: JSON Pointers (RFC 6901) that must exist in the answer to a mutation.
        needs: name of a ClusterTrainingRuntime without which the probe proves nothing.
    """

    webhook: str
    configuration: str
    expect: str
    manifest: dict[str, Any]
    says: str = ""
    adds: tuple[str, ...] = ()
    needs: str = ""


@dataclass(frozen=True)
class Side:
    """How the object that upstream itself ships differs from ours; trees in the notation of managedFields.

    Args:
        lacks: the fields that only ours has.
        has: fields that ours lacks or has otherwise, with the digest of upstream's value; empty where that is an
            empty map or list.
        described: whether its schemas have descriptions, which ours go without.
        default: ours as the default profile has it, where this profile has another.
    """

    lacks: Mapping[str, Any] = field(default_factory=dict)
    has: Mapping[str, Any] = field(default_factory=dict)
    described: bool = False
    default: dict[str, Any] | None = None


@dataclass(frozen=True)
class Bundle:
    """One release, in one profile.

    Args:
        variants: what the other profiles have in place of an object, where it differs.
        known: every object of the release, those left out by C(with_runtimes) and the like included, and the Secrets
            that its Deployments mount, whoever makes them.
        upstream: the objects that upstream ships, too, and how they differ.
        certificates: one of C(CERTIFICATES).
        authority: with external ones what the webhooks are to be trusted by, PEM; empty for what their Secrets say.
    """

    release: str
    components: dict[str, str]
    kubernetes_minimum: str
    namespace: str
    probe_namespace: str
    phases: tuple[Phase, ...]
    probes: tuple[Probe, ...]
    sha256: str
    variants: Mapping[Key, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    known: frozenset[Key] = frozenset()
    upstream: Mapping[Key, Side] = field(default_factory=dict)
    certificates: str = GENERATED
    authority: str = ""

    def objects(self, kind: str | None = None) -> list[dict[str, Any]]:
        """All objects, or those of one kind, in the order of the phases."""
        return [
            manifest for phase in self.phases for manifest in phase.objects if kind is None or manifest["kind"] == kind
        ]

    def names(self, kind: str) -> list[str]:
        """The sorted names of all objects of a kind."""
        return sorted(manifest["metadata"]["name"] for manifest in self.objects(kind))

    def webhook_configurations(self) -> list[dict[str, Any]]:
        """The mutating and validating webhook configurations."""
        return self.objects("MutatingWebhookConfiguration") + self.objects("ValidatingWebhookConfiguration")

    def with_runtimes(self, names: Iterable[str]) -> Bundle:
        """The same release with these ClusterTrainingRuntimes only; C(all) stands for every one.

        Raises:
            InputError: a name is not a runtime of this release.
        """
        wanted = set(names)
        known = self.names("ClusterTrainingRuntime")
        if ALL_RUNTIMES in wanted:
            wanted = (wanted - {ALL_RUNTIMES}) | set(known)
        if unknown := sorted(wanted - set(known)):
            raise InputError(
                f"release {self.release} has no runtime {', '.join(unknown)}",
                next_step=f"its runtimes are: {', '.join(known)}",
            )
        return replace(
            self,
            phases=tuple(
                Phase(
                    phase.name,
                    tuple(
                        manifest
                        for manifest in phase.objects
                        if manifest["kind"] != "ClusterTrainingRuntime" or manifest["metadata"]["name"] in wanted
                    ),
                )
                for phase in self.phases
            ),
        )


def certificate_secrets(deployment: Mapping[str, Any]) -> list[str]:
    """The names of the Secrets that a Deployment mounts."""
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or []
    return [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]


def marked(manifest: dict[str, Any]) -> dict[str, Any]:
    """The same object, with the label that says it is ours."""
    metadata = manifest["metadata"]
    labels = {**(metadata.get("labels") or {}), MANAGED_LABEL: "true"}
    return {**manifest, "metadata": {**metadata, "labels": labels}}
