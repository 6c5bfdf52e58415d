# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a JUnit file, as pytest writes it: counts tests, finds figures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from conductor_suites.suite import Counts


def counts_of(junit: Path) -> Counts:
    """The numbers in ``junit``.

    Raises:
        OSError: there is no such file, so the tests did not come to their end.
        xml.etree.ElementTree.ParseError: the file is not complete.
    """
    passed, failed, skips = 0, 0, []
    # Written by the test run itself a moment ago, hence trusted.
    for case in ET.parse(junit).iter("testcase"):  # noqa: S314
        skipped = case.find("skipped")
        if _failure(case) is not None:
            failed += 1
        elif skipped is not None:
            skips.append(f"{case.get('classname')}::{case.get('name')}: {skipped.get('message')}")
        else:
            passed += 1
    return Counts(passed, failed, tuple(skips))


def failures_of(junit: Path) -> tuple[str, ...]:
    """The tests of ``junit`` that failed: file and name, and the first line of why. Raises as ``counts_of`` does."""
    found = []
    for case in ET.parse(junit).iter("testcase"):  # noqa: S314 - as above
        if (why := _failure(case)) is not None:
            first = (why.get("message") or "").strip().partition("\n")[0]
            found.append(f"{case.get('classname')}::{case.get('name')}: {first}")
    return tuple(found)


def _failure(case: ET.Element) -> ET.Element | None:
    """What says that a test failed, or could not be run; None where it did neither."""
    return next((entry for kind in ("failure", "error") for entry in case.findall(kind)), None)


# Hypothesis leaves its statistics there, in base64 (hypothesis/extra/pytestplugin.py).
_NOT_FOR_PEOPLE = "hypothesis-statistics-"


def figures_of(junit: Path) -> tuple[str, ...]:
    """What the tests have to say besides their result: their properties of the whole suite, a line each.

    Raises as ``counts_of`` does.
    """
    found = ET.parse(junit).iterfind("testsuite/properties/property")  # noqa: S314 - as above
    figures = ((str(entry.get("name")), entry.get("value")) for entry in found)
    return tuple(f"{name}: {value}" for name, value in figures if not name.startswith(_NOT_FOR_PEOPLE))
