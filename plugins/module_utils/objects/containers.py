# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the containers of an object, wherever its pods are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .fields import parts, text

_LISTS = ("containers", "initContainers")


def container_images(manifest: Any, path: str = "") -> dict[str, str]:
    """Return the image of each container, by the path of its field in the notation of the server.

    The pods of a runtime are those of its jobs, at any depth. Items of lists without names hold no pods.
    """
    return dict(_images(manifest, path))


def _images(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return
    for name, below in value.items():
        if isinstance(below, Mapping):
            yield from _images(below, f"{path}.{name}")
        for item in parts(value, name):
            place = f'{path}.{name}[name="{text(item, "name")}"]'
            if name in _LISTS and text(item, "image"):
                yield f"{place}.image", text(item, "image")
            elif name not in _LISTS and text(item, "name"):
                yield from _images(item, place)
