# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conductor_cluster import catalogue
from conductor_cluster.paths import Paths, find_paths


def _tree(root: Path) -> list[Path]:
    (root / "a").mkdir()
    (root / "a" / "one").write_text("1")
    (root / "two").write_text("2")
    return [root / "a" / "one", root / "two"]


def test_the_hash_does_not_depend_on_order_or_place(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert catalogue.hash_files(first, _tree(first)) == catalogue.hash_files(second, list(reversed(_tree(second))))


@pytest.mark.parametrize("change", ["content", "name", "mode"])
def test_the_hash_changes_with_everything_that_matters(tmp_path: Path, change: str) -> None:
    files = _tree(tmp_path)
    before = catalogue.hash_files(tmp_path, files)
    if change == "content":
        files[0].write_text("11")
    elif change == "name":
        files[1] = files[1].rename(tmp_path / "three")
    else:
        files[0].chmod(0o755)
    after = catalogue.hash_files(tmp_path, files)
    assert after != before
    assert len(after) == catalogue.HASH_LENGTH


def test_a_time_does_not_matter(tmp_path: Path) -> None:
    files = _tree(tmp_path)
    before = catalogue.hash_files(tmp_path, files)
    files[0].write_text(files[0].read_text())
    assert catalogue.hash_files(tmp_path, files) == before


@pytest.mark.parametrize(
    "changed",
    [
        "go/kube/go.sum",
        "go/trainer-2.3.0/go.mod",
        "go/pause/main.go",
        "node/packages.txt",
        "releases.json",
        "conductor_cluster/build/node_image.py",
    ],
)
def test_the_node_image_has_another_name_when_a_pin_or_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    tool = tmp_path / "cluster"
    shutil.copytree(find_paths().go_modules.parent, tool, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("conductor_cluster.paths.TOOL", tool)
    paths = Paths(clone=tmp_path, cache=tmp_path / "cache")
    before = catalogue.node_image(paths)
    assert before.startswith(f"conductor/node:v{catalogue.kubernetes_version(paths)}-")
    assert catalogue.node_image(paths) == before
    with (tool / changed).open("a") as out:
        out.write("\n")
    assert catalogue.node_image(paths) != before


def test_a_controller_s_recipe_does_not_depend_on_the_other_controller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "cluster"
    shutil.copytree(find_paths().go_modules.parent, tool, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("conductor_cluster.paths.TOOL", tool)
    paths = Paths(clone=tmp_path, cache=tmp_path / "cache")
    jobset, trainer = catalogue.controllers(paths)
    before = catalogue.controller_recipe(paths, jobset), catalogue.controller_recipe(paths, trainer)
    with (tool / "go" / trainer.family / "go.sum").open("a") as out:
        out.write("\n")
    assert catalogue.controller_recipe(paths, jobset) == before[0]
    assert catalogue.controller_recipe(paths, trainer) != before[1]
