# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of the library and their layers: an import points to a lower layer, or stays in its package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.playing import CLONE

LIBRARY = CLONE / "plugins" / "module_utils"
# From the ground up. Packages of one layer do not import each other.
LAYERS = (
    ("errors", "names", "passwords", "redaction", "text", "private_folder", "lifetime"),
    ("objects", "wire", "rejections", "credentials", "output"),
    ("kubeconfig",),
    ("cluster", "verdicts"),
    ("release", "diagnose"),
    ("ownership", "findings", "trainjob"),
    ("plan", "certificates", "jobset", "options"),
    ("rights", "module_call"),
    ("inspection", "probes", "remove", "module_runner"),
    ("install", "wait"),
)
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}
# A folder of more files takes more than a look.
MOST_FILES = 18


class Import(NamedTuple):
    """One import within the library.

    Args:
        file: path below C(plugins/module_utils).
        source, target: the packages, or files at the root, that it runs between.
    """

    file: str
    source: str
    target: str


def imports(library: Path) -> Iterator[Import]:
    """Every import of one package of the library by another, those inside functions included."""
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = [*parts[: len(parts) - node.level], *(node.module.split(".") if node.module else [])]
            for target in {base[0]} if base else {name.name for name in node.names}:
                if target != parts[0]:
                    yield Import("/".join(parts), parts[0], target)


def upward(library: Path) -> list[Import]:
    """The imports that do not point to a lower layer."""
    return [found for found in imports(library) if LEVEL[found.target] >= LEVEL[found.source]]


def test_every_package_has_a_layer() -> None:
    names = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    names |= {path.stem for path in LIBRARY.glob("*.py")}
    assert names == LEVEL.keys()


def test_imports_point_downward_only() -> None:
    assert len(set(imports(LIBRARY))) > 100
    assert upward(LIBRARY) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from ..install.present import ensure_present", ["install"]),
        ("def late():\n    from ..wait import controllers", ["wait"]),
        ("from .. import module_runner", ["module_runner"]),
        ("from ..verdicts.verdict import Verdict", ["verdicts"]),
        ("from ..errors import ApiError", []),
        ("from .client import Cluster", []),
    ],
)
def test_an_upward_import_is_found(line: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "new.py").write_text(line)
    assert [entry.target for entry in upward(tmp_path)] == found


def test_packages_are_empty_files() -> None:
    # What a package imported would undo the late imports that keep a run with nothing to do quick.
    assert {path.read_text() for path in LIBRARY.rglob("__init__.py")} == {""}


def test_no_folder_of_plugins_is_large() -> None:
    folders = {path.parent for path in (CLONE / "plugins").rglob("*.py")}
    counts = {str(folder.relative_to(CLONE)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_no_name_begins_with_an_underscore() -> None:
    assert [path.name for path in LIBRARY.rglob("_*.py") if path.name != "__init__.py"] == []


def test_the_collections_own_tests_need_no_other_test_code() -> None:
    """They run inside the installed collection, under ansible-test, where tests/support and the tools are missing."""
    other = re.compile(r"^\s*(?:from|import) (?:tests\.(?!unit\.plugins\b)|conductor_|bundle_generator)", re.MULTILINE)
    files = (CLONE / "tests" / "unit" / "plugins").rglob("*.py")
    assert [str(file) for file in files if other.search(file.read_text(encoding="utf-8"))] == []
