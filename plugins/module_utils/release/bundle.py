# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle: the objects of one release, in phases, as the generator in tools/bundles wrote them.

Facts about a release are read from here and nowhere else: which CRDs, controllers, webhooks and runtimes it has,
which Secrets hold its certificates, and how each of its webhooks is proven.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import BundleError, InputError
from ..objects.resources import Key, key_of

FORMAT = 1
PHASES = ("foundation", "access", "controllers", "admission", "runtimes")
ALL_RUNTIMES = "all"
# Who makes the webhooks' certificates: the controllers, or somebody else. The latter is laid over any profile.
GENERATED, EXTERNAL = CERTIFICATES = ("generated", "external")
_EXTERNAL_PROFILE = "external_certificates"
# On every object we apply. It lets people select what is ours, and it gives each object a field that we own: one
# without any (a ServiceAccount that is only a name) gets no managedFields entry, and would look like nobody's.
MANAGED_LABEL = "conductor.trainer/managed"


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
                hint=f"its runtimes are: {', '.join(known)}",
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


def canonical(value: Any) -> bytes:
    """Compact JSON with sorted keys: equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(value: Any) -> str:
    """A short digest of a JSON value: the first 16 hexadecimal digits of its SHA-256.

    64 bits are plenty to notice a change among some fifty objects, and keep the install record small.
    """
    return hashlib.sha256(canonical(value)).hexdigest()[:16]


def load_bundle(path: str, profile: str = "default", certificates: str = GENERATED) -> Bundle:
    """Reads and checks a bundle, and puts a profile's objects in place of the default ones.

    Args:
        certificates: one of C(CERTIFICATES).

    Raises:
        BundleError: the file is missing, damaged or of another format.
        InputError: the bundle has no such profile.
    """
    if not path:
        raise BundleError(
            "no bundle was brought to this module",
            step="load bundle",
            hint="call it as conductor.trainer.<module>, so that its action plugin runs, or give the option bundle",
        )
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{path} cannot be read: {error}", step="load bundle", hint="reinstall the collection"
        ) from error
    return parse_bundle(content, profile, certificates, where=path)


def parse_bundle(
    content: Any, profile: str = "default", certificates: str = GENERATED, *, where: str = "bundle"
) -> Bundle:
    """See C(load_bundle)."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BundleError(
            f"{where} is no bundle of format {FORMAT}",
            step="load bundle",
            hint="use the bundle and the collection of the same release",
        )
    claimed = content.get("sha256")
    actual = hashlib.sha256(canonical({name: value for name, value in content.items() if name != "sha256"})).hexdigest()
    if claimed != actual:
        raise BundleError(
            f"{where} is damaged: it says SHA-256 {claimed} and has {actual}",
            step="load bundle",
            hint="reinstall the collection",
        )
    profiles = content["profiles"]
    known = sorted(set(profiles) - {_EXTERNAL_PROFILE})
    if profile not in known:
        raise InputError(f"there is no profile {profile!r}", hint=f"the profiles are: {', '.join(known)}")
    # The two patch different objects.
    patches = [*profiles[profile], *(profiles[_EXTERNAL_PROFILE] if certificates == EXTERNAL else ())]
    replaced: dict[Key, dict[str, Any]] = {key_of(manifest): manifest for manifest in patches}
    return Bundle(
        release=content["release"],
        components=content["components"],
        kubernetes_minimum=content["kubernetes_minimum"],
        namespace=content["namespace"],
        probe_namespace=content["probe_namespace"],
        phases=tuple(
            Phase(
                phase["name"], tuple(marked(replaced.get(key_of(manifest), manifest)) for manifest in phase["objects"])
            )
            for phase in content["phases"]
        ),
        probes=tuple(
            Probe(
                webhook=probe["webhook"],
                configuration=probe["configuration"],
                expect=probe["expect"],
                manifest=probe["object"],
                says=probe.get("says", ""),
                adds=tuple(probe.get("adds", ())),
                needs=(probe.get("needs") or {}).get("name", ""),
            )
            for probe in content["probes"]
        ),
        sha256=actual,
        variants=_variants(content, replaced),
        known=_known(content, replaced),
        upstream=_sides(content, set(replaced)),
        certificates=certificates,
    )


def _known(content: dict[str, Any], replaced: Mapping[Key, dict[str, Any]]) -> frozenset[Key]:
    """What belongs to the release.

    A Secret that a Deployment mounts does, even where this run says nothing of what is in it: pruned, no pod of it
    could start any more.
    """
    objects = [manifest for phase in content["phases"] for manifest in phase["objects"]]
    mounted = {
        Key("v1", "Secret", manifest["metadata"]["namespace"], secret)
        for manifest in (replaced.get(key_of(one), one) for one in objects if one["kind"] == "Deployment")
        for secret in certificate_secrets(manifest)
    }
    return frozenset(map(key_of, objects)) | mounted


def _sides(content: dict[str, Any], replaced: set[Key]) -> dict[Key, Side]:
    sides = {Key(*name.split("|")): Side(**side) for name, side in content.get("upstream", {}).items()}
    defaults = {key_of(manifest): manifest for phase in content["phases"] for manifest in phase["objects"]}
    return {
        key: replace(side, default=marked(defaults[key]) if key in replaced else None) for key, side in sides.items()
    }


def _variants(content: dict[str, Any], replaced: Mapping[Key, dict[str, Any]]) -> dict[Key, tuple[dict[str, Any], ...]]:
    default = {key_of(manifest): manifest for phase in content["phases"] for manifest in phase["objects"]}
    found: dict[Key, list[dict[str, Any]]] = {}
    for _name, objects in sorted(content["profiles"].items()):
        for key, other in {**default, **{key_of(manifest): manifest for manifest in objects}}.items():
            of_key = found.setdefault(key, [])
            if other != replaced.get(key, default[key]) and other not in of_key:
                of_key.append(other)
    return {key: tuple(marked(other) for other in others) for key, others in found.items() if others}
