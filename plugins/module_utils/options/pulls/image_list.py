# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that an installation needs, as a table and as input for programs that copy images. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...release.bundle import Bundle
from ...release.components import Meant, part_for
from ...release.images import (
    FLUX_IMAGE,
    FLUX_USER,
    SMOKE_IMAGE,
    SMOKE_USER,
    images_in,
    images_of,
    platforms_of,
    reference_of,
)
from ..layers import with_options
from .mirrors import with_images

# One image: C(source) and C(image) are the reference of the release and the one that is used; C(copied) says whether
# the second is a copy of the first. C(platforms) is None if they are unknown.
Row = dict[str, Any]
_STEPS = ("images", "registries")


def image_rows(
    bundle: Bundle, options: Mapping[str, Any], smoke: str = SMOKE_IMAGE, jobset: Meant = "bundled"
) -> list[Row]:
    """Return every image that a release with these options needs.

    Args:
        bundle: the release without options.
        options: as C(given_options) returns them.
        smoke: the image of the smoke job, without options; empty to leave it out.
        jobset: C(external) if the image of JobSet is not needed.
    """
    laid = with_options(bundle, options)
    # The images of extra objects are not in the bundle: the objects before these steps have them.
    before = [change.before for change in laid.changes if change.option in _STEPS and change.before is not None]
    sources = {with_images(image, options): image for image in (*images_in(before), *images_of(bundle, smoke))}
    used = images_in(part_for(laid, jobset).objects())
    for hidden, user in ((FLUX_IMAGE, FLUX_USER), *([(smoke, SMOKE_USER)] if smoke else [])):
        used.setdefault(with_images(hidden, options), []).append(user)
    chosen = set((options.get("images") or {}).values())
    return [
        {
            "source": str(reference_of(source)),
            "image": str(reference_of(image)),
            "copied": image != source and image not in chosen,
            "platforms": list(platforms_of(source)) or None,
            "users": users,
        }
        for image, users in used.items()
        for source in (sources.get(image, image),)
    ]


def merged_rows(lists: Iterable[Sequence[Row]]) -> list[Row]:
    """Return the images of several installations, each once, with everybody who needs it."""
    found: dict[tuple[str, str], Row] = {}
    for row in (row for rows in lists for row in rows):
        known = found.setdefault((row["source"], row["image"]), {**row, "users": []})
        known["users"] += [user for user in row["users"] if user not in known["users"]]
    return list(found.values())


def rendered(rows: Sequence[Row], form: str) -> str:
    """Return the images as a text in one of C(FORMATS)."""
    return FORMATS[form](rows)


def cells_of(rows: Iterable[Row]) -> list[tuple[str, str, str, str]]:
    """Return the cells of a table: the image of the release, the one that is used, the platforms, who needs it."""
    return [
        (
            row["source"],
            "the same" if row["image"] == row["source"] else row["image"],
            ", ".join(row["platforms"] or ("unknown",)),
            ", ".join(row["users"]),
        )
        for row in rows
    ]


def _table(rows: Sequence[Row]) -> str:
    cells = [("image of the release", "image with these options", "platforms", "needed by"), *cells_of(rows)]
    # All rows have the same cells.
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]  # pragma: no mutate
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _json(rows: Sequence[Row]) -> str:
    return f"{json.dumps(rows, indent=2)}\n"


def _copies(rows: Sequence[Row], command: str, transport: str = "") -> str:
    lines = ["#!/bin/sh", "set -e"]
    for row in rows:
        source, target = (shlex.quote(f"{transport}{one}") for one in (_pulled(row["source"]), _pushed(row["image"])))
        if row["copied"]:
            lines.append(f"{command} {source} {target}")
        elif row["image"] != row["source"]:
            lines.append(f"# conductor_images: {row['image']} is used instead of {row['source']}")
        else:
            lines.append(f"# no mirror in conductor_registries: {row['image']}")
    return "".join(f"{' '.join(line.split())}\n" for line in lines)


def _skopeo_sync(rows: Sequence[Row]) -> str:
    """Return the source of C(skopeo sync --src yaml): registry, repository and its tags and digests."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        reference = reference_of(_pulled(_original(row)))
        registry, _slash, repository = reference.name.partition("/")
        versions = found.setdefault(registry, {}).setdefault(repository, [])
        version = reference.version[1:] or "latest"
        if version not in versions:
            versions.append(version)
    lines = ["---"]
    for registry, repositories in found.items():
        lines += [f"{json.dumps(registry)}:", "  images:"]
        lines += [f"    {json.dumps(name)}: {json.dumps(versions)}" for name, versions in repositories.items()]
    return "".join(f"{line}\n" for line in lines)


def _oc_mirror(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(_pulled(_original(row)) for row in rows))
    lines = [f"    - name: {json.dumps(name)}" for name in names]
    head = ("apiVersion: mirror.openshift.io/v2alpha1", "kind: ImageSetConfiguration", "mirror:", "  additionalImages:")
    return "".join(f"{line}\n" for line in ("---", *head, *lines))


def _original(row: Row) -> str:
    """Return the image to copy: that of the release, or the one that is used instead of it."""
    return str(row["source"] if row["copied"] else row["image"])


def _pulled(image: str) -> str:
    """Return a reference that these programs can read, which do not take a tag together with a digest."""
    name, version = reference_of(image)
    _tag, at, digest = version.partition("@")
    return f"{name}@{digest}" if at else image


def _pushed(image: str) -> str:
    """Return a reference that they can write: without the digest if there is a tag."""
    name, version = reference_of(image)
    tag = version.partition("@")[0]
    return f"{name}{tag or version}"


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {
    "table": _table,
    "json": _json,
    "skopeo": lambda rows: _copies(rows, "skopeo copy --all --preserve-digests", "docker://"),
    "skopeo_sync": _skopeo_sync,
    "crane": lambda rows: _copies(rows, "crane copy"),
    "oc_mirror": _oc_mirror,
}
