# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball of the collection with ``ansible-galaxy``, then make it reproducible.

``python -m conductor_artifact.build [--output FOLDER]``
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[3]
MANIFEST, FILES = "MANIFEST.json", "FILES.json"


class ArtifactError(Exception):
    """The tarball cannot be built; the message contains the cause and the next step."""


def tracked_files(clone: Path) -> list[str]:
    """Return the paths, relative to ``clone``, of the existing files that Git tracks; sorted."""
    listed = _git(clone, "ls-files", "-z").split("\0")
    return sorted(name for name in listed if name and (clone / name).is_file())


def copy_tracked(clone: Path, folder: Path) -> None:
    """Copy the tracked files of ``clone``, as they are now, into ``folder``."""
    for name in tracked_files(clone):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(clone / name, target, follow_symlinks=False)


def timestamp(clone: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Return the time of every file in the tarball: ``SOURCE_DATE_EPOCH``, or the time of the last commit.

    Raises:
        ArtifactError: the variable is not a number, or there is no Git clone.
    """
    wanted = environ.get("SOURCE_DATE_EPOCH") or _git(clone, "log", "-1", "--format=%ct").strip()
    try:
        return int(wanted)
    except ValueError as error:
        raise ArtifactError(f"SOURCE_DATE_EPOCH is {wanted!r}\nNext: set it to seconds since 1970") from error


def build(clone: Path, output: Path, galaxy: Path, timestamp: int) -> Path:
    """Build the collection from the tracked files of ``clone`` into the folder ``output``; return the tarball's path.

    Args:
        clone: a Git clone of the project.
        output: is created if needed; a tarball of the same version in it is replaced.
        galaxy: the ``ansible-galaxy`` to use.
        timestamp: the time of every file, in seconds since 1970.

    Raises:
        ArtifactError: there is no clone, or ansible-galaxy fails.
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
    """Build the files in ``tree`` with ansible-galaxy, without user settings; return the tarball's path.

    Raises:
        ArtifactError: it fails, cannot be started or creates no tarball.
    """
    # Ignore all configuration: ansible-galaxy reads variables, the folder it starts in, and the home folder.
    kept = {name: value for name, value in environ.items() if not name.startswith("ANSIBLE_")}
    output.mkdir(parents=True, exist_ok=True)
    words = ("collection", "build", "--output-path", str(output), str(tree))
    _run("make setup, and look at galaxy.yml", output, {**kept, "HOME": str(output)}, str(galaxy), *words)
    found = sorted(output.glob("*.tar.gz"))
    if len(found) != 1:
        raise ArtifactError(f"{galaxy} created {len(found)} tarballs in {output}\nNext: look at galaxy.yml")
    return found[0]


def normalised(tarball: bytes, timestamp: int) -> bytes:
    """Return the same collection with sorted files, one time for all of them, and without users and umasks."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        entries = {entry.name: (entry, _content(archive, entry)) for entry in archive.getmembers()}
    listing = json.loads(entries[FILES][1])
    listing["files"].sort(key=lambda entry: entry["name"])
    manifest = json.loads(entries[MANIFEST][1])
    listing_text = _json(listing)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listing_text).hexdigest()
    texts = {MANIFEST: _json(manifest), FILES: listing_text}
    # These two first, as in ansible-galaxy's own tarball: a reader of the version can stop there.
    names = [*texts, *sorted(entries.keys() - texts.keys())]
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            entry, content = entries[name]
            _add(archive, entry, texts.get(name, content), timestamp)
    packed = io.BytesIO()
    # No name and no time in the header of the compressed stream.
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


def _git(clone: Path, *words: str) -> str:
    return _run("install git, and build in a Git clone", clone, os.environ, "git", *words)


def _run(advice: str, folder: Path, environ: Mapping[str, str], *command: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ArtifactError(f"cannot run {command[0]}: {error}\nNext: {advice}") from error
    if done.returncode:
        output = (done.stdout + done.stderr).strip()
        raise ArtifactError(f"`{' '.join(command)}` failed with exit code {done.returncode}: {output}\nNext: {advice}")
    return done.stdout


def main() -> int:
    """Build the tarball and print its path and digest; return 1 if that fails."""
    parser = argparse.ArgumentParser(prog="artifact", description=__doc__)
    parser.add_argument("--output", type=Path, default=CLONE, help="the folder for the tarball (default: the clone)")
    arguments = parser.parse_args()
    try:
        # ansible-galaxy of the environment that runs this.
        tarball = build(CLONE, arguments.output, Path(sys.executable).parent / "ansible-galaxy", timestamp(CLONE))
        changed = _git(CLONE, "diff", "--name-only", "HEAD").split()
    except ArtifactError as error:
        print(f"artifact: {error}", file=sys.stderr)
        return 1
    print(f"{hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball}")
    if changed:
        print(f"contains uncommitted changes: {', '.join(changed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
