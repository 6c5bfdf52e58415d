# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball itself: the same each time, complete, and nothing in it that does not belong there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_artifact.build import build, build_raw, copy_tracked, timestamp, tracked_files
from tests.support.artifact import collection_info, complaints, contents_of
from tests.support.playing import CLONE
from tests.support.shipped import PROGRAMS

GALAXY = PROGRAMS / "ansible-galaxy"
# Bytes; Galaxy takes 20 MB. More than this means that something came in by mistake.
LARGEST = 1_000_000
# What work leaves behind in a clone.
LITTER = (
    ".ansible/collections/note",
    ".cache/go/note",
    ".cluster/kind/note",
    ".mypy_cache/note",
    ".venv/bin/python",
    ".venvs/core/bin/python",
    "changelogs/.plugin-cache.yaml",
    "collections/ansible_collections/note",
    "conductor-trainer-0.0.1.cdx.json",
    "conductor-trainer-0.0.1.tar.gz",
    "importer_result.json",
    "plugins/modules/__pycache__/trainer_operator.cpython-311.pyc",
    "play-artifact-2026.json",
    "tests/output/unit.xml",
)


@pytest.fixture
def another_clone(tmp_path: Path) -> Path:
    """The same files elsewhere: written in another order, with other times, by a user with another umask."""
    clone = tmp_path / "another"
    clone.mkdir()
    for name in reversed(tracked_files(CLONE)):
        target = clone / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((CLONE / name).read_bytes())
        target.chmod(0o700 if os.access(CLONE / name, os.X_OK) else 0o600)
        os.utime(target, (1_000_000_000, 1_000_000_000))
    for words in (("init", "--quiet"), ("add", "--all")):
        subprocess.run(["git", "-C", clone, *words], check=True, timeout=60)
    return clone


def test_two_builds_are_the_same_file(tarball: Path, another_clone: Path, tmp_path: Path) -> None:
    again = build(another_clone, tmp_path / "built", GALAXY, timestamp(CLONE))
    assert again.name == tarball.name
    assert again.read_bytes() == tarball.read_bytes()


def test_everything_wanted_is_in_it_and_nothing_else(
    tarball: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    contents = contents_of(tarball)
    assert complaints(contents.files, tracked_files(CLONE)) == []
    assert contents.packed < LARGEST
    record_testsuite_property(
        "artifact", f"{len(contents.files)} files, {contents.packed} bytes, {contents.unpacked} unpacked"
    )


def test_whoever_builds_it_in_a_clone_in_use_gets_the_same_files(tarball: Path, tmp_path: Path) -> None:
    # `ansible-galaxy collection install git+...` does; galaxy.yml alone decides then.
    tree = tmp_path / "tree"
    copy_tracked(CLONE, tree)
    for name in LITTER:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("litter")
    plain = build_raw(tree, tmp_path / "built", GALAXY)
    assert contents_of(plain).files == contents_of(tarball).files


def test_every_licence_that_it_names_is_in_it(tarball: Path) -> None:
    licences = collection_info(tarball)["license"]
    assert isinstance(licences, list)
    texts = {name for name in contents_of(tarball).files if name.startswith("LICENSES/")}
    assert texts == {f"LICENSES/{licence}.txt" for licence in licences}
