# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the tarball: ``ansible-galaxy`` makes it, then everything that differs from build to build is taken out."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conductor_artifact.errors import ArtifactError
from conductor_artifact.sources import copy_tracked

MANIFEST, FILES = "MANIFEST.json", "FILES.json"
# Seconds; it takes one.
BUILDS_WITHIN = 120


def build(clone: Path, output: Path, galaxy: Path, timestamp: int) -> Path:
    """Build the collection out of the tracked files of ``clone`` into the folder ``output``; return the tarball's path.

    Args:
        clone: a Git clone of the project.
        output: is made if need be; a tarball of the same version in it is replaced.
        galaxy: the ``ansible-galaxy`` to use.
        timestamp: the time of every file, in seconds since 1970.

    Raises:
        ArtifactError: there is no clone, or ansible-galaxy refuses.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tree, made = Path(scratch, "tree"), Path(scratch, "made")
        copy_tracked(clone, tree)
        raw = build_raw(tree, made, galaxy)
        output.mkdir(parents=True, exist_ok=True)
        target = output / raw.name
        target.write_bytes(normalised(raw.read_bytes(), timestamp))
    return target


def build_raw(tree: Path, output: Path, galaxy: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Let ansible-galaxy build whatever lies in ``tree``, as it would for anybody; return the tarball's path.

    Raises:
        ArtifactError: it fails, cannot be started or leaves no tarball.
    """
    command = [str(galaxy), "collection", "build", "--output-path", str(output), str(tree)]
    # Nobody's configuration may play a part; it looks for one where it is started and in the home folder.
    kept = {name: value for name, value in environ.items() if not name.startswith("ANSIBLE_")}
    output.mkdir(parents=True, exist_ok=True)
    variables = {**kept, "HOME": str(output)}
    try:
        done = subprocess.run(
            command, cwd=output, env=variables, capture_output=True, text=True, timeout=BUILDS_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ArtifactError(f"cannot run {galaxy}: {error}\nNext: make setup") from error
    found = sorted(output.glob("*.tar.gz"))
    if done.returncode or len(found) != 1:
        said = (done.stdout + done.stderr).strip()
        raise ArtifactError(f"`{' '.join(command)}` ended with {done.returncode}: {said}\nNext: look at galaxy.yml")
    return found[0]


def normalised(tarball: bytes, timestamp: int) -> bytes:
    """The same collection with its files in order of their names, one time for all, and nobody's user or umask."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        entries = {entry.name: (entry, _content(archive, entry)) for entry in archive.getmembers()}
    listing = json.loads(entries[FILES][1])
    listing["files"].sort(key=lambda entry: entry["name"])
    manifest = json.loads(entries[MANIFEST][1])
    listing_text = _json(listing)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listing_text).hexdigest()
    texts = {MANIFEST: _json(manifest), FILES: listing_text}
    # The two first, as ansible-galaxy has it: who only wants to know the version need not read on.
    names = [*texts, *sorted(entries.keys() - texts.keys())]
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            entry, content = entries[name]
            _add(archive, entry, texts.get(name, content), timestamp)
    packed = io.BytesIO()
    # Without a name and a time in the head of the compressed stream.
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream:
        stream.write(raw.getvalue())
    return packed.getvalue()


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(entry) if entry.isfile() else None
    return stream.read() if stream else b""


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode("ascii")


def _add(archive: tarfile.TarFile, entry: tarfile.TarInfo, content: bytes, timestamp: int) -> None:
    clean = tarfile.TarInfo(entry.name)
    clean.type, clean.linkname, clean.mode = entry.type, entry.linkname, entry.mode
    clean.mtime, clean.size = timestamp, len(content)
    archive.addfile(clean, io.BytesIO(content))
