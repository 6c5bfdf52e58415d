# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts for users are free of the wording in wording.txt: pages, documentation, messages, names of tasks, changelog."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

CLONE = Path(__file__).resolve().parents[2]
LINES = Path(__file__).with_name("wording.txt").read_text(encoding="utf-8").splitlines()
PATTERNS = [re.compile(line, re.IGNORECASE) for line in LINES if line and not line.startswith("#")]
PAGES = (
    "*.md",
    "docs/*.md",
    "docs/docsite/rst/*.rst",
    "roles/*/README.md",
    "examples/*/README.md",
)
YAML = (
    "changelogs/fragments/*.yml",
    "examples/**/*.y*ml",
    "playbooks/*.yml",
    "roles/*/meta/*.yml",
    "roles/*/tasks/*.yml",
)


class Text(NamedTuple):
    """A text and the line on which it begins."""

    line: int
    words: str


def bad_wording(texts: Iterator[Text]) -> list[str]:
    """Return each match, with its line and the words around it."""
    found = []
    for text in texts:
        # A line break in a text is a space for its reader.
        words = " ".join(text.words.split())
        for pattern in PATTERNS:
            for match in pattern.finditer(words):
                around = words[max(0, match.start() - 40) : match.end() + 40]
                found.append(f"{text.line}: {match[0]!r} in ...{around}...")
    return found


def paragraphs(text: str) -> Iterator[Text]:
    """The paragraphs of a page, code blocks included: output is read as well."""
    line = 1
    for block in re.split(r"(\n\s*\n)", text):
        yield Text(line, block)
        line += block.count("\n")


def strings(source: str) -> Iterator[Text]:
    """The strings of a Python file except docstrings, with C({}) for what an f-string fills in."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values if isinstance(part, ast.Constant))
            words = (str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield Text(node.lineno, "".join(words))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield Text(node.lineno, node.value)


def scalars(node: yaml.Node | None) -> Iterator[Text]:
    """The strings of a YAML document; anchors are looked at once."""
    pending = [node] if node else []
    seen: set[int] = set()
    while pending:
        one: Any = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.ScalarNode):
            yield Text(one.start_mark.line + 1, one.value)
        else:
            pending += [part for pair in one.value for part in (pair if isinstance(pair, tuple) else (pair,))]


def files(*globs: str) -> list[Path]:
    return sorted(path for glob in globs for path in CLONE.glob(glob))


def name_of(path: Path) -> str:
    return path.relative_to(CLONE).as_posix()


@pytest.mark.parametrize("path", files(*PAGES), ids=name_of)
def test_pages(path: Path) -> None:
    assert bad_wording(paragraphs(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", files("plugins/**/*.py"), ids=name_of)
def test_documentation_and_messages(path: Path) -> None:
    assert bad_wording(strings(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", files(*YAML), ids=name_of)
def test_names_of_tasks_specs_and_changelog(path: Path) -> None:
    assert bad_wording(scalars(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))) == []


def test_bad_wording_is_found_wherever_it_stands() -> None:
    source = '"""It lacks a name."""\nraise E(f"{a} lacks\\n {b}", c="x")\nD = "what " "is there"\n'
    assert [line.partition(" in ")[0] for line in bad_wording(strings(source))] == ["2: 'lacks'", "3: 'what is there'"]
    document = "a: &x\n  - name: As far\n      as known\nb: *x\n"
    tree = yaml.compose(document, Loader=yaml.SafeLoader)
    assert [line.partition(" in ")[0] for line in bad_wording(scalars(tree))] == ["2: 'As far as'"]
    page = "A page.\n\nIt is\ntold.\n"
    assert [line.partition(" in ")[0] for line in bad_wording(paragraphs(page))] == ["3: 'is told'"]


def test_the_wording_of_the_project_is_allowed() -> None:
    allowed = "Facts that cannot be read are reported as unknown. Next: grant the missing permission."
    assert bad_wording(paragraphs(allowed)) == []
    assert len(PATTERNS) >= 20
