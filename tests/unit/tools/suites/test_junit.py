# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from conductor_suites.catalogue import Suite
from conductor_suites.results import judge


def test_figures_are_told_and_statistics_in_base64_are_not(tmp_path: Path) -> None:
    found = tmp_path / "suite.xml"
    properties = "".join(
        f'<property name="{name}" value="{value}"/>'
        for name, value in (("hypothesis-statistics-tests/a.py::b", "ZGF0YQ=="), ("60 schedules", "0.1 s"))
    )
    found.write_text(f"<testsuites><testsuite><properties>{properties}</properties></testsuite></testsuites>")
    assert judge(Suite("a", "unit", (), junit=found), 1, "", tmp_path / "log").figures == ("60 schedules: 0.1 s",)
