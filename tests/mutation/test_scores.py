# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of the changes that break a target, at least so many are noticed by its unit tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.mutation.conftest import tried


def test_the_unit_tests_notice_when_code_is_broken(
    target: str, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    done = tried(target, tmp_path / "session.sqlite")
    print(done.errors, *(change for change in done.changes if change[3] != "killed"), sep="\n")
    record_testsuite_property(f"mutation score of the {target}", done.sentence())
    for file in sorted({file for file, *_rest in done.changes}):
        record_testsuite_property(Path(file).name, done.sentence(file))
    assert done.code == 0, f"{done.sentence()}: {done.errors}"
