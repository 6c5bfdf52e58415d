# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import difflib

from conductor_mutation.sources import annotation_spans, changed_lines

SOURCE = """\
class A:
    b: int | None = 1 or 2

def c(d: int | None, *, e: int = 3 | 4) -> int | str:
    return d | e
"""


def test_annotations_are_found_and_nothing_else() -> None:
    lines = SOURCE.splitlines()
    found = {lines[begin[0] - 1][begin[1] : end[1]] for begin, end in annotation_spans(SOURCE)}
    assert found == {"int | None", "int", "int | str"}
    assert len(annotation_spans(SOURCE)) == 4


def diff(before: str, after: str) -> str:
    """A diff as cosmic-ray writes it."""
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), "a/x.py", "b/x.py", lineterm="")
    return "\n".join(["--- mutation diff ---", *lines])


def test_a_change_is_described_by_its_lines() -> None:
    changed = changed_lines(diff("a\n    if b:\n        c\n", "a\n    if  not b:\n        c\n"))
    assert changed == ("if b:", "if not b:")
    assert changed_lines(diff("@a\n@b\nc\n", "@b\nc\n")) == ("@a", "")
    assert changed_lines(diff("f(\n    -1,\n    2)\n", "f(\n    +1,\n    3)\n")) == ("-1, 2)", "+1, 3)")
