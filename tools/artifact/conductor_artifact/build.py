# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball of the collection with ``ansible-galaxy``, then make it reproducible."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MANIFEST, FILES = "MANIFEST.json", "FILES.json"


class ArtifactError(Exception):
    """The tarball cannot be built; the message contains the cause and the next step."""


def tracked_files(clone: Path) -> list[str]:
    """Return the paths, relative to ``clone``, of the existing files that Git tracks; sorted."""
    return sorted(name for name in git(clone, "ls-files", "-z").split("\0") if name and (clone / name).is_file())


def copy_tracked(clone: Path, folder: Path) -> None:
    """Copy the tracked files of ``clone``, as they are now, into ``folder``."""
    for name in tracked_files(clone):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(clone / name, target, follow_symlinks=False)


def timestamp(clone: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Return the time of every file in the tarball: ``SOURCE_DATE_EPOCH``, or the time of the last commit."""
    wanted = environ.get("SOURCE_DATE_EPOCH") or git(clone, "log", "-1", "--format=%ct").strip()
    if not wanted.isdecimal():
        raise ArtifactError(f"SOURCE_DATE_EPOCH is {wanted!r}\nNext: set it to seconds since 1970")
    return int(wanted)


def build(clone: Path, output: Path, galaxy: Path, timestamp: int) -> Path:
    """Build the tracked files of ``clone`` into the folder ``output``; return the tarball's path."""
    with tempfile.TemporaryDirectory() as scratch:
        copy_tracked(clone, Path(scratch, "tree"))
        raw = build_raw(Path(scratch, "tree"), Path(scratch, "made"), galaxy)
        output.mkdir(parents=True, exist_ok=True)
        target = output / raw.name
        target.write_bytes(normalised(raw.read_bytes(), timestamp))
    return target


def build_raw(tree: Path, output: Path, galaxy: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Build the files in ``tree`` with ansible-galaxy, without user settings; return the tarball's path."""
    # Ignore all configuration: ansible-galaxy reads variables, the folder it starts in, and the home folder.
    kept = {name: value for name, value in environ.items() if not name.startswith("ANSIBLE_")}
    output.mkdir(parents=True, exist_ok=True)
    command = (galaxy, "collection", "build", "--output-path", output, tree)
    _run("make setup, and look at galaxy.yml", output, {**kept, "HOME": str(output)}, *command)
    found = sorted(output.glob("*.tar.gz"))
    if len(found) != 1:
        raise ArtifactError(f"{galaxy} created {len(found)} tarballs in {output}\nNext: look at galaxy.yml")
    return found[0]


def contents(tarball: bytes) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """Return the entries of a tarball and their contents; that of a folder is empty."""
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        streams = {entry: archive.extractfile(entry) if entry.isfile() else None for entry in archive.getmembers()}
        return {entry.name: (entry, stream.read() if stream else b"") for entry, stream in streams.items()}


def normalised(tarball: bytes, timestamp: int) -> bytes:
    """Return the same collection with sorted files, one time for all of them, and without users and umasks."""
    entries = contents(tarball)
    manifest, listing = (json.loads(entries[name][1]) for name in (MANIFEST, FILES))
    listing["files"].sort(key=lambda entry: entry["name"])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(_json(listing)).hexdigest()
    # These two first, as in ansible-galaxy's own tarball: a reader of the version can stop there.
    texts = {MANIFEST: _json(manifest), FILES: _json(listing)}
    packed = io.BytesIO()
    # No name and no time in the header of the compressed stream.
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in [*texts, *sorted(entries.keys() - texts.keys())]:
            (entry, content), clean = entries[name], tarfile.TarInfo(name)
            content = texts.get(name, content)
            clean.type, clean.linkname, clean.mode = entry.type, entry.linkname, entry.mode
            clean.mtime, clean.size = timestamp, len(content)
            archive.addfile(clean, io.BytesIO(content))
    return packed.getvalue()


def git(clone: Path, *words: str) -> str:
    """Return the output of a command of Git; raises ArtifactError."""
    return _run("install git, and build in a Git clone", clone, os.environ, "git", *words)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode("ascii")


def _run(advice: str, folder: Path, environ: Mapping[str, str], *command: str | Path) -> str:
    try:
        return subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        output = "".join(getattr(error, stream, None) or "" for stream in ("stdout", "stderr"))
        raise ArtifactError(f"{error} {output}".strip() + f"\nNext: {advice}") from error
