# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages: generated tables are current, links lead somewhere, and the README stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conductor_docs import generate, site

CLONE = Path(__file__).resolve().parents[2]
# The site has them as one: every page that a person may open first.
WRITTEN = [
    CLONE / "README.md",
    CLONE / "CONTRIBUTING.md",
    CLONE / "SECURITY.md",
    *sorted(path for path in (CLONE / "docs").glob("*.md") if path.name != "evidence.md"),
]
BLOCKS = {
    "README.md": {"compatibility", "variables:common"},
    "variables.md": {
        "variables:cluster",
        "variables:installed",
        "variables:changed",
        "variables:how",
        "variables:safety",
    },
    "configuration.md": {"gates:trainer", "keys:trainer", "gates:jobset", "keys:jobset"},
    "offline.md": {"images"},
    "findings.md": {"findings:blocker", "findings:warning"},
    "causes.md": {
        "causes:certain",
        "causes:events",
        "causes:slow",
        "causes:logs",
        "causes:webhooks",
        "causes:rejections",
    },
}


def name_of(path: Path) -> str:
    return path.relative_to(CLONE).as_posix()


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page, as Markdown renderers make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


CONTENTS = generate.contents()


@pytest.mark.parametrize("path", CONTENTS, ids=name_of)
def test_generated_files_and_tables_are_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == CONTENTS[path], "run tools/docs/generate"


def test_every_table_is_on_its_page() -> None:
    found = {path.name: {block[1] for block in generate.BLOCK.findall(path.read_text())} for path in WRITTEN}
    assert {name: blocks for name, blocks in found.items() if blocks} == BLOCKS


def test_a_stale_table_is_found() -> None:
    stale = "<!-- generated: causes:slow (by tools/docs/generate) -->\n| old |\n<!-- end generated -->\n"
    assert generate.generated(stale) != stale
    assert generate.generated("a page without tables\n") == "a page without tables\n"


def test_a_variable_without_a_group_is_an_error() -> None:
    with pytest.raises(ValueError, match="conductor_x is in no group"):
        generate.grouped("      conductor_x:\n")
    grouped = generate.grouped("      # Safety.\n      conductor_x: &x\n      # The cluster.\n      conductor_y:\n")
    assert (grouped["safety"], grouped["cluster"]) == (["conductor_x"], ["conductor_y"])


def test_every_variable_is_in_one_group() -> None:
    grouped = generate.grouped((CLONE / generate.SPECS).read_text(encoding="utf-8"))
    assert sorted(name for names in grouped.values() for name in names) == sorted(generate.variables())


def test_a_file_that_does_not_name_the_default_release_is_an_error() -> None:
    with pytest.raises(ValueError, match="names the default release 0 times"):
        generate.with_default_release("plugins/doc_fragments/bundle.py", "options: {}\n")


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_links_lead_to_files_and_headings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    dead = []
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
        if "://" in target:
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            dead.append(f"{target}#{anchor}" if anchor else target)
    assert dead == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+)\.md", (CLONE / "README.md").read_text()))
    pages = {path.stem for path in WRITTEN if path.parent.name == "docs"}
    assert linked == pages
    assert len(pages) >= 15


def test_the_readme_is_short() -> None:
    assert len((CLONE / "README.md").read_text().splitlines()) <= 150


def test_files_that_texts_name_exist() -> None:
    places = [*(CLONE / "plugins").rglob("*.py"), *(CLONE / "roles").rglob("*.yml"), *WRITTEN]
    named = {found for path in places for found in re.findall(r"\bdocs/[\w-]+\.md\b", path.read_text())}
    assert sorted(name for name in named - {"docs/evidence.md"} if not (CLONE / name).is_file()) == []


def test_dead_links_of_the_site_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#there">1</a><a href="#here">2</a><p id="here"></p>')
    (tmp_path / "b.html").write_text('<p id="there"></p><a href="https://example.com/x">3</a><a href="c.html">4</a>')
    assert site.dead_links(tmp_path) == ["b.html: c.html"]
    (tmp_path / "b.html").write_text("<p></p>")
    assert site.dead_links(tmp_path) == ["a.html: b.html#there"]


def test_links_of_a_page_are_those_of_the_site() -> None:
    text = (
        "[a](install.md#x) [README](../README.md) [examples/rbac](../examples/rbac) [one script](../galaxy.yml) "
        "[web](https://example.com)"
    )
    assert site.page_of_site(text, CLONE / "docs") == (
        "[a](install.md#x) [README](index.md) `examples/rbac` one script (`galaxy.yml`) [web](https://example.com)"
    )
