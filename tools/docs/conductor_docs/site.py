# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site in docs/_build/html: the pages, and the reference of every plugin. Needs no network."""

import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

CLONE = Path(__file__).resolve().parents[3]
BUILD = CLONE / "docs" / "_build"
LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]+)?\)")
# A list of the README: "* Title: [page](docs/page.md) ...".
SECTION = re.compile(r"^\* (\w+): (\[.*\]\(docs/.*)$", re.MULTILINE)


def page_of_site(text: str, folder: Path) -> str:
    """Return a Markdown page for the site: a link to a file that is no page of the site becomes the file's path."""

    def link(found: re.Match[str]) -> str:
        label, target, anchor = found[1], found[2], found[3] or ""
        path = Path(os.path.normpath(folder / target))
        if "://" in target:
            return found[0]
        if path == CLONE / "README.md" or (path.parent == CLONE / "docs" and path.suffix == ".md"):
            return f"[{label}]({'index.md' if path.name == 'README.md' else path.name}{anchor})"
        name = path.relative_to(CLONE).as_posix()
        return f"`{name}`" if label in name else f"{label} (`{name}`)"

    return LINK.sub(link, text)


def write_pages(source: Path) -> None:
    """Write the pages of the site into a folder; the README is the first one, and its lists are the navigation."""
    readme = (CLONE / "README.md").read_text("utf-8")
    sections = {title: re.findall(r"\(docs/([\w-]+)\.md", links) for title, links in SECTION.findall(readme)}
    # `make evidence` writes a page that not every clone has.
    sections["Reference"] = ["reference/index", *(path.stem for path in (CLONE / "docs").glob("evidence.md"))]
    tree = "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{chr(10).join(names)}\n```\n"
        for title, names in sections.items()
    )
    (source / "index.md").write_text(page_of_site(readme, CLONE) + tree, encoding="utf-8")
    for path in (CLONE / "docs").glob("*.md"):
        (source / path.name).write_text(page_of_site(path.read_text("utf-8"), path.parent), encoding="utf-8")
    # What the reference links to; with a network, intersphinx would find it on docs.ansible.com.
    shutil.copy(Path(__file__).with_name("ansible_core.rst"), source)


def dead_links(site: Path) -> list[str]:
    """Return the links of a site that lead nowhere inside it; links to other hosts are not checked."""
    texts = {path: path.read_text("utf-8") for path in sorted(site.rglob("*.html"))}
    anchors = {path: {"", *re.findall(r'\b(?:id|name)="([^"]+)"', text)} for path, text in texts.items()}

    def alive(page: Path, link: str) -> bool:
        parts = urlsplit(unescape(link))
        path, anchor = unquote(parts.path), unquote(parts.fragment)
        target = Path(os.path.normpath(page.parent / path)) if path else page
        inside = target.is_file() and anchor in anchors.get(target, {anchor})
        return bool(parts.scheme or parts.netloc) or inside

    links = {page: sorted(set(re.findall(r'\b(?:href|src)="([^"]*)"', text))) for page, text in texts.items()}
    return [f"{page.relative_to(site)}: {link}" for page in links for link in links[page] if not alive(page, link)]


def main() -> int:
    """Build the site and check its links."""
    source, html = BUILD / "source", BUILD / "html"
    reference, settings = source / "reference", Path(__file__).parent
    shutil.rmtree(BUILD, ignore_errors=True)
    reference.mkdir(parents=True)
    # antsibull-docs rejects a folder that others may write to.
    reference.chmod(0o755)
    write_pages(source)
    wanted = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", reference, "conductor.trainer")
    for command in (
        ("antsibull-docs", "lint-collection-docs", "--plugin-docs", CLONE),
        ("antsibull-docs", "collection", *wanted),
        ("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-c", settings, source, html),
    ):
        if code := subprocess.run(command, cwd=CLONE, check=False).returncode:
            print(f"docs: {command[0]} failed with exit code {code}", file=sys.stderr)
            return 1
        for page in reference.glob("*.rst"):
            # The theme has a table of contents on every page.
            page.write_text(re.sub(r"^\.\. contents::\n( +:.*\n)*", "", page.read_text("utf-8"), flags=re.MULTILINE))
    dead = dead_links(html)
    print(*(f"docs: dead link: {line}" for line in dead), sep="\n", end="\n" if dead else "", file=sys.stderr)
    print(f"docs: {len(list(html.rglob('*.html')))} pages in {html.relative_to(CLONE)}, {len(dead)} dead links")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
