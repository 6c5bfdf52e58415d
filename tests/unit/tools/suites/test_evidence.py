# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conductor_suites.catalogue import Suite
from conductor_suites.results import Counts, Kept, Outcome

SUITE = Suite("faults", "cluster", (("pytest",),))
GOOD = Outcome(SUITE, Counts(passed=3), 61.4, figures=("45 objects compared",))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "file").write_text("1")
    for arguments in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", "-C", folder, *arguments], check=True)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", folder, *who, "commit", "--quiet", "-am", "x"], check=True)


def test_what_passed_is_not_run_again_at_the_same_commit(clone: Path, tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    Kept(clone, file).keep(GOOD)
    before = Kept(clone, file).outcome(SUITE)
    assert before is not None
    assert (before.counts, before.seconds, before.figures) == (GOOD.counts, GOOD.seconds, GOOD.figures)
    # Another command is another suite.
    assert Kept(clone, file).outcome(Suite("faults", "cluster", (("pytest", "-m", "x"),))) is None
    (clone / "file").write_text("2")
    commit(clone)
    assert Kept(clone, file).outcome(SUITE) is None


def test_with_changes_nothing_is_taken_from_before(clone: Path, tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    (clone / "file").write_text("2")
    kept = Kept(clone, file)
    kept.keep(GOOD)
    assert Kept(clone, file).outcome(SUITE) is None
    assert "with changes that are not committed" in kept.page([GOOD])


@pytest.mark.parametrize("counts", [Counts(passed=2, failed=1), Counts(passed=2, skips=("a",)), Counts(skips=("a",))])
def test_only_what_passed_whole_is_kept(clone: Path, tmp_path: Path, counts: Counts) -> None:
    file = tmp_path / "evidence.json"
    Kept(clone, file).keep(Outcome(SUITE, counts, 1))
    assert Kept(clone, file).outcome(SUITE) is None


def test_the_page_has_a_row_for_each_suite_and_their_figures(clone: Path, tmp_path: Path) -> None:
    page = Kept(clone, tmp_path / "evidence.json").page([GOOD, Outcome(SUITE, Counts(failed=1), 2)])
    assert "| faults | ok | 3 | 0 | 0 | 61 |" in page
    assert "| faults | FAIL | 0 | 1 | 0 | 2 |" in page
    assert "* faults: 45 objects compared" in page
    assert "3 passed, 1 failed" in page
