# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of the changes that break a target, at least so many are noticed by its unit tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.mutation.conftest import Run


def test_the_unit_tests_notice_when_code_is_broken(
    run: Run, target: str, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    report = tmp_path / "report.json"
    done = run(target, "--report", report)
    print(done.stdout, done.stderr)
    assert report.exists(), done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    record_testsuite_property(f"mutation score of the {target}", found["sentence"])
    for file, part in found["files"].items():
        record_testsuite_property(Path(file).name, part["sentence"])
    assert done.returncode == 0, f"{found['sentence']}; at least {found['least']} % are asked for"
