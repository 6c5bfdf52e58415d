# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from conductor_mutation.targets import annotation_spans

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
