# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool on a small clone: what it finds, what it counts, what it leaves as it was."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.mutation.conftest import Run
from tests.support.playing import CLONE

MODULE = "plugins/module_utils/_small.py"
CODE = '''
def small(number: int | None, names: list[str]) -> list[str]:
    """Decides."""
    found = []
    if number is None:
        found.append("none")
    return found + [name for name in names if name not in ("a",)]
'''
TESTS = "tests/test_small.py"
IMPORT = "from ansible_collections.conductor.trainer.plugins.module_utils._small import small\n"
WEAK = "def test_number() -> None:\n    assert small(1, []) == []\n"
STRONG = 'def test_all() -> None:\n    assert small(None, ["a", "b"]) == ["none", "b"]\n'
KINDS = [
    "core/AddNot",
    "core/ReplaceBinaryOperator_BitOr_BitAnd",
    "conductor/SwapMembership",
    "conductor/NegateFilter",
    "conductor/DropCall",
]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one module, and a cache of its own."""
    folder = tmp_path / "clone"
    for name, text in {
        MODULE: CODE,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = [".ansible/collections"]\n',
        ".gitignore": ".venv\n.cache\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "tests").mkdir()
    (folder / ".venv").symlink_to((CLONE / ".venv").resolve())
    subprocess.run(["git", "-C", folder, "init", "--quiet"], check=True)
    monkeypatch.setenv("CONDUCTOR_CACHE", str(tmp_path / "cache"))
    return folder


def data(clone: Path) -> Path:
    target = {"least": 90, "modules": ["plugins/module_utils/_s*.py"], "tests": [TESTS]}
    content = {"operators": KINDS, "targets": {"small": target}}
    file = clone / "targets.yml"
    file.write_text(yaml.safe_dump(content))
    return file


def tried(run: Run, clone: Path, tests: str) -> tuple[int, dict[str, Any]]:
    (clone / TESTS).write_text(IMPORT + tests)
    report = clone / "report.json"
    report.unlink(missing_ok=True)
    done = run("small", "--clone", clone, "--data", data(clone), "--report", report)
    return done.returncode, json.loads(report.read_text()) if report.exists() else {"error": done.stderr}


def test_what_no_test_notices_survives_and_is_shown(run: Run, clone: Path) -> None:
    code, found = tried(run, clone, WEAK)
    assert code == 1
    # The "|" of an annotation is not among them.
    assert (found["mutants"], found["killed"]) == (4, 1)
    assert [(change["file"], change["line"], change["after"]) for change in found["survivors"]] == [
        (MODULE, 6, "pass"),
        (MODULE, 7, 'return found + [name for name in names if name in ("a",)]'),
        (MODULE, 7, 'return found + [name for name in names if not (name not in ("a",))]'),
    ]
    # What was broken on purpose is broken nowhere but in copies, and those are gone.
    assert (clone / MODULE).read_text() == CODE
    assert list((clone.parent / "cache" / "tmp").iterdir()) == []


def test_tests_that_notice_everything_pass(run: Run, clone: Path) -> None:
    code, found = tried(run, clone, STRONG)
    assert (code, found["percent"], found["survivors"]) == (0, 100.0, [])


def test_what_makes_no_difference_is_marked_and_not_tried(run: Run, clone: Path) -> None:
    marked = CODE.replace('append("none")\n', 'append("none")  # pragma: no mutate\n')
    (clone / MODULE).write_text(marked)
    code, found = tried(run, clone, WEAK)
    assert (code, found["mutants"], round(found["percent"])) == (1, 3, 33)
    assert [change["line"] for change in found["survivors"]] == [7, 7]
    assert (clone / MODULE).read_text() == marked


def test_tests_that_fail_as_it_is_say_nothing(run: Run, clone: Path) -> None:
    code, found = tried(run, clone, "def test_wrong() -> None:\n    assert small(None, []) == []\n")
    assert code == 2
    assert "the tests fail without any change" in found["error"]
