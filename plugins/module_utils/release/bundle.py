# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle: the objects of one release in phases, written by the generator in tools/bundles.

The only source of facts about a release: its CRDs, controllers, webhooks and runtimes, the Secrets that hold its
certificates, and the probe of each webhook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..errors import InputError
from ..names import MANAGED_LABEL
from ..objects.resources import RESOURCES, Key, key_of

PHASES = ("foundation", "access", "controllers", "admission", "runtimes")
_PHASE_OF_KIND = {
    "Namespace": "foundation",
    "CustomResourceDefinition": "foundation",
    "PriorityClass": "foundation",
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"), "controllers"),
    "MutatingWebhookConfiguration": "admission",
    "ValidatingWebhookConfiguration": "admission",
    "ClusterTrainingRuntime": "runtimes",
    "TrainingRuntime": "runtimes",
}
ALL_RUNTIMES = "all"
# Who issues the webhooks' certificates: the controllers, or the user. External certificates combine with any profile.
GENERATED, EXTERNAL = CERTIFICATES = ("generated", "external")


@dataclass(frozen=True)
class Phase:
    """Objects that may be applied at the same time, largest first."""

    name: str
    objects: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Probe:
    """A dry run that shows whether one webhook works (see tools/bundles/probes for the facts).

    Args:
        expect: C(allowed), C(denied) by this webhook, or C(mutated).
        says: words that must occur in the denial.
        adds: JSON Pointers (RFC 6901) that must exist in the mutated object.
        needs: name of the ClusterTrainingRuntime that the probe requires.
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
    """How upstream's own version of an object differs from ours; trees in the notation of managedFields.

    Args:
        lacks: the fields that only our object has.
        has: the fields that are missing or different in our object, with the digest of upstream's value; the digest is
            empty if that value is an empty map or list.
        described: whether upstream's schemas have descriptions; ours have none.
        default: our object in the default profile, if this profile replaces it.
    """

    lacks: Mapping[str, Any] = field(default_factory=dict)
    has: Mapping[str, Any] = field(default_factory=dict)
    described: bool = False
    default: dict[str, Any] | None = None


class Change(NamedTuple):
    """What one option changed in one object.

    Args:
        option: its name, e.g. C(tolerations) or C(trainer_controller.env).
        before: the object without this option; None if the option adds the object.
        after: the object with it; None if the option removes the object.
    """

    option: str
    key: Key
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True)
class Bundle:
    """One release, in one profile.

    Args:
        variants: the different versions of an object in the other profiles.
        known: every object of the release, including those that C(with_runtimes) and similar methods remove, and the
            Secrets that its Deployments mount, whoever creates them.
        upstream: the objects that upstream ships as well, and how they differ.
        certificates: one of C(CERTIFICATES).
        configurations: what can be configured about each controller, by component: the keys of its configuration with
            type and default, its feature gates, and the names of TLS cipher suites.
        authority: the CA of external certificates, as PEM; empty to use the C(ca.crt) of their Secrets.
        options: the options that were laid over the release, as they are recorded: with digests instead of secrets.
        changes: what each of them changed, in the order in which they were laid.
        extras: the objects that options added. They are applied, recorded and removed like the others, but are not part
            of the release: nobody waits for them. Those that this run leaves as they are are not in C(phases).
        left_out: the runtimes of the release that C(with_runtimes) removed.
        plain: the same bundle without options; None if it has none.
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
    configurations: Mapping[str, Any] = field(default_factory=dict)
    certificates: str = GENERATED
    authority: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    extras: frozenset[Key] = frozenset()
    left_out: tuple[dict[str, Any], ...] = ()
    plain: Bundle | None = field(default=None, repr=False, compare=False)

    def objects(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return all objects, or those of the release of one kind, in the order of the phases."""
        found = [manifest for phase in self.phases for manifest in phase.objects]
        if kind is None:
            return found
        of_kind = [manifest for manifest in found if manifest["kind"] == kind]
        return [manifest for manifest in of_kind if key_of(manifest) not in self.extras] if self.extras else of_kind

    def is_of_release(self, key: Key) -> bool:
        """Return whether an object belongs to the release itself."""
        return key in self.known and key not in self.extras

    def names(self, kind: str) -> list[str]:
        """Return the sorted names of all objects of a kind."""
        return sorted(manifest["metadata"]["name"] for manifest in self.objects(kind))

    def webhook_configurations(self) -> list[dict[str, Any]]:
        """Return the mutating and the validating webhook configurations."""
        return self.objects("MutatingWebhookConfiguration") + self.objects("ValidatingWebhookConfiguration")

    def with_runtimes(self, names: Iterable[str]) -> Bundle:
        """Return the same release with only these ClusterTrainingRuntimes; C(all) stands for all of them.

        Raises:
            InputError: one of the names is not a runtime of this release.
        """
        wanted = set(names)
        known = self.names("ClusterTrainingRuntime")
        if ALL_RUNTIMES in wanted:
            wanted = (wanted - {ALL_RUNTIMES}) | set(known)
        if unknown := sorted(wanted - set(known)):
            raise InputError(
                f"release {self.release} has no runtime {', '.join(unknown)}",
                next_step=f"set `conductor_runtimes` to {ALL_RUNTIMES} or to some of {', '.join(known)}",
            )
        left_out = tuple(
            manifest
            for manifest in self.objects("ClusterTrainingRuntime")
            if manifest["metadata"]["name"] not in wanted
        )
        if not left_out:
            return self
        gone = set(map(key_of, left_out))
        return replace(
            self,
            phases=tuple(
                Phase(phase.name, tuple(manifest for manifest in phase.objects if key_of(manifest) not in gone))
                for phase in self.phases
            ),
            left_out=(*self.left_out, *left_out),
        )


def phase_of(api_version: str, kind: str) -> str:
    """Return the phase in which objects of a kind are applied; pruning runs in the reverse order of the phases."""
    if (api_version, kind) not in RESOURCES:
        # Of a CRD: after its foundation.
        return "controllers"
    return _PHASE_OF_KIND.get(kind, "access")


def certificate_secrets(deployment: Mapping[str, Any]) -> list[str]:
    """Return the names of the Secrets that a Deployment mounts."""
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or []
    return [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]


def pull_secrets(bundle: Bundle) -> list[str]:
    """Return the names of the Secrets with which the controllers' images are pulled and that others create."""
    own = {manifest["metadata"]["name"] for manifest in bundle.objects() if manifest["kind"] == "Secret"}
    pods = [manifest["spec"]["template"]["spec"] for manifest in bundle.objects("Deployment")]
    names = {secret["name"] for pod in pods for secret in pod.get("imagePullSecrets") or ()}
    return sorted(names - own)


def marked(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the same object with the label of objects that Conductor manages."""
    metadata = manifest["metadata"]
    labels = {**(metadata.get("labels") or {}), MANAGED_LABEL: "true"}
    return {**manifest, "metadata": {**metadata, "labels": labels}}
