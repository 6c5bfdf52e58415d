# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes images as an archive that `docker load` and `ctr images import` read, without any container engine.

The same contents make the same bytes: no times, no owners, a fixed order. The format is that of `docker save`:
a manifest.json that lists each image's configuration and layers (moby, image/tarexport).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

from .go_programs import architecture

CREATED = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class File:
    """A file of an image: its path there, and where its bytes are."""

    path: str
    source: Path | bytes
    mode: int = 0o755


@dataclass(frozen=True)
class Link:
    """A symbolic link of an image."""

    path: str
    target: str


@dataclass(frozen=True)
class Folder:
    """A folder of an image (those above files are made without being named)."""

    path: str
    mode: int = 0o755


Entry = Union[File, Link, Folder]


@dataclass(frozen=True)
class Image:
    """An image: its full name, what is in it, and how it is started."""

    name: str
    entries: Sequence[Entry]
    entrypoint: Sequence[str]
    user: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    base: Path | None = None
    """A tar that lies under the entries, as a layer of its own."""


@dataclass(frozen=True)
class Layer:
    """A layer that lies on disk as a tar."""

    file: Path
    digest: str
    """SHA-256 of the tar, in hexadecimal digits."""


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def write_tar(target: Path, entries: Iterable[Entry]) -> None:
    """Writes ``entries`` as a tar whose bytes depend on nothing else. Paths are without a leading slash."""
    by_path: dict[str, Entry] = {}
    for entry in entries:
        for parent in _parents(entry.path):
            by_path.setdefault(parent, Folder(parent))
        by_path[entry.path] = entry
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(by_path):
            entry = by_path[path]
            info = tarfile.TarInfo(path)
            if isinstance(entry, Folder):
                info.type, info.mode = tarfile.DIRTYPE, entry.mode
                tar.addfile(info)
            elif isinstance(entry, Link):
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.target, 0o777
                tar.addfile(info)
            else:
                info.mode = entry.mode
                if isinstance(entry.source, bytes):
                    info.size = len(entry.source)
                    tar.addfile(info, io.BytesIO(entry.source))
                else:
                    info.size = entry.source.stat().st_size
                    with entry.source.open("rb") as content:
                        tar.addfile(info, content)


def hash_file(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    total = hashlib.sha256()
    with file.open("rb") as content:
        for block in iter(lambda: content.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def configuration(image: Image, layers: Sequence[Layer]) -> bytes:
    """The image's configuration (OCI image specification, config.md) as JSON; its SHA-256 is the image's ID."""
    config: dict[str, Any] = {
        "Entrypoint": list(image.entrypoint),
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Labels": image.labels,
        "WorkingDir": "/",
    }
    if image.user:
        config["User"] = image.user
    return json.dumps(
        {
            "architecture": architecture(),
            "config": config,
            "created": CREATED,
            "history": [{"created": CREATED, "created_by": "tools/cluster"} for _ in layers],
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        },
        sort_keys=True,
        separators=(",", ":"),
    ).encode()


def write_archive(target: Path, images: Sequence[Image]) -> list[str]:
    """Writes ``images`` to ``target`` (whole or not at all) and returns the digests of all layers (``sha256:…``)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    manifest: list[dict[str, Any]] = []
    written: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=target.parent))
        tar = stack.enter_context(tarfile.open(partial, "w", format=tarfile.GNU_FORMAT))
        for number, image in enumerate(images):
            own = Path(folder) / f"{number}.tar"
            write_tar(own, image.entries)
            files = ([image.base] if image.base is not None else []) + [own]
            layers = [Layer(file, hash_file(file)) for file in files]
            for layer in layers:
                if layer.digest not in written:
                    written[layer.digest] = f"{layer.digest}/layer.tar"
                    info = tarfile.TarInfo(written[layer.digest])
                    info.size = layer.file.stat().st_size
                    with layer.file.open("rb") as content:
                        tar.addfile(info, content)
            own.unlink()
            config = configuration(image, layers)
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            info = tarfile.TarInfo(name)
            info.size = len(config)
            tar.addfile(info, io.BytesIO(config))
            manifest.append(
                {"Config": name, "RepoTags": [image.name], "Layers": [written[layer.digest] for layer in layers]}
            )
        text = json.dumps(manifest).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    partial.replace(target)
    return [f"sha256:{digest}" for digest in written]
