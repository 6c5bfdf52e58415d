# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and check a bundle file, and apply a profile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import BundleError, InputError
from ..objects.digest import canonical
from ..objects.resources import RESOURCES, Key, key_of
from .bundle import EXTERNAL, GENERATED, Bundle, Phase, Probe, Side, certificate_secrets, marked

_EXTERNAL_PROFILE = "external_certificates"

FORMAT = 1
# Bundles of earlier collections do not say what can be configured.
_NO_CONFIGURATIONS: dict[str, Any] = {
    component: {"keys": {}, "feature_gates": {}, "cipher_suites": []} for component in ("trainer", "jobset")
}


def load_bundle(path: str, profile: str = "default", certificates: str = GENERATED) -> Bundle:
    """Read and check a bundle, and replace the default objects by those of a profile.

    Args:
        certificates: one of C(CERTIFICATES).

    Raises:
        BundleError: the file is missing, damaged, or has another format.
        InputError: the bundle has no such profile.
    """
    if not path:
        raise BundleError(
            "the module was called without a bundle",
            step="load bundle",
            next_step="call it as conductor.trainer.<module>, so that its action plugin runs, or set the option bundle",
        )
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{path} cannot be read: {error}", step="load bundle", next_step="reinstall the collection"
        ) from error
    return parse_bundle(content, profile, certificates, where=path)


def parse_bundle(
    content: Any, profile: str = "default", certificates: str = GENERATED, *, where: str = "bundle"
) -> Bundle:
    """Return the bundle with this content; see C(load_bundle)."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BundleError(
            f"{where} is not a bundle of format {FORMAT}",
            step="load bundle",
            next_step="use a bundle and a collection of the same version",
        )
    claimed = content.get("sha256")
    actual = hashlib.sha256(canonical({name: value for name, value in content.items() if name != "sha256"})).hexdigest()
    if claimed != actual:
        raise BundleError(
            f"{where} is damaged: its SHA-256 is {actual}, but {claimed} is recorded in it",
            step="load bundle",
            next_step="reinstall the collection",
        )
    for phase in content["phases"]:
        for manifest in phase["objects"]:
            # Only users' objects may be of kinds that are learned.
            if (manifest["apiVersion"], manifest["kind"]) not in RESOURCES:
                raise BundleError(
                    f"{where} has an object of kind {manifest['kind']} of {manifest['apiVersion']}, which this release "
                    "of the collection cannot apply",
                    step="load bundle",
                    next_step="use a bundle and a collection of the same release",
                )
    profiles = content["profiles"]
    known = sorted(set(profiles) - {_EXTERNAL_PROFILE})
    if profile not in known:
        raise InputError(
            f"unknown profile {profile!r}", next_step=f"set `conductor_profile` to one of {', '.join(known)}"
        )
    # The two patches change different objects.
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
        configurations=content.get("configurations", _NO_CONFIGURATIONS),
        certificates=certificates,
    )


def _known(content: dict[str, Any], replaced: Mapping[Key, dict[str, Any]]) -> frozenset[Key]:
    """Return the keys of all objects that belong to the release.

    A Secret that a Deployment mounts belongs to it, even if this run does not manage its content: if the Secret were
    pruned, no pod of the Deployment could start.
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
