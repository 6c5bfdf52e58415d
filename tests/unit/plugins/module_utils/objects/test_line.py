# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json

from ansible_collections.conductor.trainer.plugins.module_utils.objects.line import (
    Line,
    about,
    about_object,
    about_places,
    plain,
    terminating_line,
)

QUOTA = Line("ResourceQuota q: pods 1", subject="ResourceQuota q", detail="pods 1", about=[("object", "q")])


def test_a_line_is_its_text_in_every_result() -> None:
    assert json.loads(json.dumps({"line": QUOTA})) == {"line": "ResourceQuota q: pods 1"}
    assert sorted({QUOTA, Line("A"), "B"}) == ["A", "B", "ResourceQuota q: pods 1"]


def test_plain_replaces_lines_with_strings() -> None:
    found = plain({"a": [QUOTA, {"b": (QUOTA,)}], "c": 1, "d": None})
    assert found == {"a": [str(QUOTA), {"b": [str(QUOTA)]}], "c": 1, "d": None}
    assert {type(found["a"][0]), type(found["a"][1]["b"][0])} == {str}


def test_copy_of_a_line_keeps_its_fields() -> None:
    (found,) = copy.deepcopy([QUOTA])
    assert (found, found.subject, found.detail, found.about) == (QUOTA, "ResourceQuota q", "pods 1", about_object("q"))


def test_about_merges_lines_and_ignores_plain_text() -> None:
    assert about(QUOTA, "ResourceQuota z", None, Line("x", about=about_places("a", "b"))) == {
        ("object", "q"),
        ("place", "a"),
        ("place", "b"),
    }
    assert about("ResourceQuota q") == frozenset()


def test_terminating_line_keeps_its_subject() -> None:
    line = terminating_line("Namespace", "n", ["a", "b"])
    assert (line, line.subject, line.about) == ("Namespace n, which waits for a, b", "Namespace n", about_object("n"))
    assert terminating_line("Namespace", "n", ()) == "Namespace n"
