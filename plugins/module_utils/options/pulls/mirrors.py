# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from other registries, and other images, in all objects. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...errors import InputError
from ...objects.fields import part, parts, text
from ...objects.resources import Key
from ...release.images import FLUX_IMAGE, FLUX_VARIABLE, full_name, image_slots, images_in, images_of, reference_of
from ...release.versions import image_name
from ..draft import Draft

_ALL_OTHERS = "*"
# From 0 to 1. Names that are less similar share letters by chance.
_ALIKE = 0.7
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
# As container runtimes read it: a host has a dot or a port, or is localhost. A port has digits only, other than a tag.
_HOST = rf"(?:(?:localhost|(?:{_LABEL}\.)+{_LABEL}|{_LABEL}(?=:\d)|\[[0-9A-Fa-f:]+\])(?::\d+)?)"
_REGISTRY = re.compile(rf"{_HOST}(?:/{_PART})*")
_VERSION = re.compile(r"(?::[\w][\w.-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?", re.ASCII)
_REPOSITORY = re.compile(rf"{_HOST}(?:/{_PART})+")
_RUNTIMES = ("ClusterTrainingRuntime", "TrainingRuntime")
Replace = Callable[[str], str]


def lay_images(draft: Draft, options: Mapping[str, Any]) -> None:
    """Replace images by others, and the registries of all others by mirrors, in every object."""
    registries, images = options.get("registries") or {}, options.get("images") or {}
    if not registries and not images:
        return
    # Of the whole release: the inventory of a fleet has registries that a cluster does not need.
    known = {**images_of(draft.bundle), **images_in([*draft.bundle.left_out, *map(draft.look, draft.all())])}
    names = sorted({reference_of(image).name for image in known})
    _check_registries(registries, names)
    _check_images(images, names)
    replaced = {full_name(str(name)): image for name, image in images.items()}
    chosen = set(replaced.values())
    _lay(draft, "images", lambda image: replaced.get(reference_of(image).name, image) if replaced else image)
    _lay(draft, "registries", lambda image: image if image in chosen else mirrored(image, registries))


def with_images(image: str, options: Mapping[str, Any]) -> str:
    """Return what becomes of one image with these options."""
    replaced = {full_name(str(name)): other for name, other in (options.get("images") or {}).items()}
    other = replaced.get(reference_of(image).name)
    return other or mirrored(image, options.get("registries") or {})


def mirrored(image: str, registries: Mapping[str, str]) -> str:
    """Return a reference with the mirror of its registry, the longest prefix that matches.

    An image that comes from a mirror already stays: an extra object may name the mirror itself.
    """
    name, version = reference_of(image)
    mirrors: dict[str, str] = {**{mirror: mirror for mirror in registries.values()}, **registries}
    prefixes = [prefix for prefix in mirrors if name == prefix or name.startswith(f"{prefix}/")]
    if prefixes:
        prefix = max(prefixes, key=len)
        return image if mirrors[prefix] == prefix else f"{mirrors[prefix]}{name[len(prefix) :]}{version}"
    if _ALL_OTHERS in registries:
        return f"{registries[_ALL_OTHERS]}/{name.partition('/')[2]}{version}"
    return image


def _lay(draft: Draft, option: str, replace: Replace) -> None:
    with draft.because(option):
        for key in draft.all():
            manifest = draft.look(key)
            if any(replace(where[name]) != where[name] for where, name in image_slots(manifest)):
                for where, name in image_slots(draft.edit(key)):
                    where[name] = replace(where[name])
            image = replace(FLUX_IMAGE)
            if image != FLUX_IMAGE:
                _set_flux_image(draft, key, image)


def _set_flux_image(draft: Draft, key: Key, image: str) -> None:
    """Set the image that Trainer itself starts for a runtime of Flux."""
    if key.kind not in _RUNTIMES or part(draft.look(key), "spec", "mlPolicy").get("flux") is None:
        return
    if any(_is_unset(container) for container in _trainers(draft.look(key))):
        for container in _trainers(draft.edit(key)):
            if _is_unset(container):
                container["env"] = [*(container.get("env") or []), {"name": FLUX_VARIABLE, "value": image}]


def _is_unset(container: Mapping[str, Any]) -> bool:
    return all(text(entry, "name") != FLUX_VARIABLE for entry in parts(container, "env"))


def _trainers(runtime: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the containers whose variables Trainer reads (plugins/flux, brokerSettingsFromEnvironment)."""
    for job in parts(runtime, "spec", "template", "spec", "replicatedJobs"):
        if text(job, "template", "metadata", "labels", "trainer.kubeflow.org/trainjob-ancestor-step") == "trainer":
            for container in parts(job, "template", "spec", "template", "spec", "containers"):
                if text(container, "name") == "node" and isinstance(container, dict):
                    yield container


def _check_registries(registries: Mapping[str, Any], names: list[str]) -> None:
    for registry, mirror in registries.items():
        for value in (mirror,) if registry == _ALL_OTHERS else (registry, mirror):
            if not (isinstance(value, str) and _REGISTRY.fullmatch(value)):
                raise InputError(
                    f"`conductor_registries`: {value} is no registry",
                    next_step="write host and path alone, e.g. harbor.example.com/ghcr",
                )
        if registry != _ALL_OTHERS and not any(f"{name}/".startswith(f"{registry}/") for name in names):
            known = sorted({name.partition("/")[0] for name in names})
            raise InputError(
                f"`conductor_registries`: no image of this release comes from {registry}",
                next_step=f"its registries are {', '.join(known)}",
            )


def _check_images(images: Mapping[str, Any], names: list[str]) -> None:
    for name, image in images.items():
        if full_name(str(name)) not in names:
            raise InputError(
                f"`conductor_images`: this release has no image {name}{_meant(str(name), names)}",
                next_step=f"name a repository without its tag; those of the release are {', '.join(names)}",
            )
        reference = reference_of(str(image))
        if (
            not isinstance(image, str)
            or not _REPOSITORY.fullmatch(reference.name)
            or not _VERSION.fullmatch(reference.version)
        ):
            raise InputError(
                f"`conductor_images`: {image} is no image",
                next_step="write registry, repository and tag, e.g. harbor.example.com/ml/trainer:v1",
            )
        if not reference.version:
            raise InputError(
                f"`conductor_images`: {image} has neither tag nor digest, so nobody could say what runs",
                next_step="add one",
            )


def _meant(name: str, names: list[str]) -> str:
    """Return a question that names the likely image, by the last part of its repository; empty if none is similar."""
    last = image_name(name)
    by_last = {image_name(known): known for known in names}
    # The other parts are alike for most images.
    found = [known for known in by_last if last in known] or difflib.get_close_matches(
        last, by_last, n=1, cutoff=_ALIKE
    )
    return f"; did you mean {by_last[found[0]]}?" if len(found) == 1 else ""
