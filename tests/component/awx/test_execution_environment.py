# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder makes of the collection and of the example; images are not built, as no registry is needed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support.playing import CLONE

BUILDER = CLONE / ".venvs" / "runner" / "bin" / "ansible-builder"
EXAMPLE = CLONE / "examples" / "execution-environment" / "execution-environment.yml"


def builder(*arguments: str | Path) -> str:
    """What ansible-builder prints; raises CalledProcessError when it is not content."""
    return subprocess.run([BUILDER, *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout


def test_introspection_finds_what_the_installed_collection_needs(collections: Path) -> None:
    found = yaml.safe_load(builder("introspect", collections))
    ours = {
        kind: [line for line in lines if "from collection conductor.trainer" in line] for kind, lines in found.items()
    }
    assert sorted(line.partition(">=")[0] for line in ours["python"]) == ["jsonpatch", "kubernetes"]
    assert ours["system"] == []


def test_the_example_gives_a_build_context(tmp_path: Path) -> None:
    wanted: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    builder("create", "--file", EXAMPLE, "--context", tmp_path, "--output-filename", "Containerfile")
    recipe = (tmp_path / "Containerfile").read_text()
    assert wanted["images"]["base_image"]["name"] in recipe
    assert wanted["dependencies"]["ansible_core"]["package_pip"] in recipe
    galaxy = yaml.safe_load((tmp_path / "_build" / "requirements.yml").read_text())
    assert galaxy == wanted["dependencies"]["galaxy"]
