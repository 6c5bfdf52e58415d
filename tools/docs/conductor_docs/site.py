# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site in docs/_build/html: the pages, and the reference of every plugin. Needs no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

CLONE = Path(__file__).resolve().parents[3]
BUILD = CLONE / "docs" / "_build"
PAGES = {
    "Setup": "inventory variables rbac offline awx kubectl",
    "Operation": "install existing-installations jobset certificates verify training-jobs uninstall",
    "Problems": "troubleshooting findings causes",
    "Development": "architecture contributing evidence",
}
LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]+)?\)")


def page_of_site(text: str, folder: Path) -> str:
    """Return a Markdown page for the site: a link to a file that is no page of the site becomes the file's path."""

    def link(found: re.Match[str]) -> str:
        label, target, anchor = found[1], found[2], found[3] or ""
        if "://" in target:
            return found[0]
        path = Path(os.path.normpath(folder / target))
        if path == CLONE / "README.md":
            return f"[{label}](index.md{anchor})"
        if path.parent == CLONE / "docs" and path.suffix == ".md":
            return f"[{label}]({path.name}{anchor})"
        name = path.relative_to(CLONE).as_posix()
        return f"`{name}`" if label.strip("`") in name else f"{label} (`{name}`)"

    return LINK.sub(link, text)


def write_pages(source: Path) -> None:
    """Write the pages of the site below ``source``, the README as the first one.

    Raises:
        ValueError: a page of docs/ is in no section, or a section names one that does not exist.
    """
    pages = {path.stem: path for path in (CLONE / "docs").glob("*.md")}
    listed = {name for names in PAGES.values() for name in names.split()}
    # `make evidence` writes that page.
    if listed - {"evidence"} != pages.keys() - {"evidence"}:
        raise ValueError(f"PAGES and docs/ differ: {sorted(listed ^ pages.keys())}")
    tree = ""
    for title, names in PAGES.items():
        entries = "\n".join(name for name in names.split() if name in pages)
        tree += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```\n"
    tree += "\n```{toctree}\n:hidden:\n:caption: Reference\n\nreference/index\n```\n"
    readme = page_of_site((CLONE / "README.md").read_text("utf-8"), CLONE)
    (source / "index.md").write_text(readme + tree, encoding="utf-8")
    # What the generated reference links to; with a network, intersphinx would find it on docs.ansible.com.
    shutil.copy(Path(__file__).with_name("ansible_core.rst"), source)
    for name, path in pages.items():
        (source / f"{name}.md").write_text(page_of_site(path.read_text("utf-8"), path.parent), encoding="utf-8")


class Anchors(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        found = dict(attrs)
        self.names.update(value for key in ("id", "name") if (value := found.get(key)))
        self.links.update(value for key in ("href", "src") if (value := found.get(key)))


def dead_links(site: Path) -> list[str]:
    """Return the links of a site that lead nowhere inside it; links to other hosts are not checked."""
    pages = {path: Anchors(path.read_text("utf-8")) for path in site.rglob("*.html")}
    dead = []
    for page, found in sorted(pages.items()):
        for link in sorted(found.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
            names = pages[target].names if target in pages else {unquote(parts.fragment)}
            if not target.is_file() or unquote(parts.fragment) not in names:
                dead.append(f"{page.relative_to(site)}: {link}")
    return dead


def run(environment: Mapping[str, str], program: str, *words: str | Path) -> None:
    """Run a program of the environment that runs this; its output goes to the terminal.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    command = [str(Path(sys.executable).parent / program), *(str(word) for word in words)]
    subprocess.run(command, cwd=CLONE, env=environment, check=True)


def main() -> int:
    """Build the site and check its links."""
    source, html = BUILD / "source", BUILD / "html"
    shutil.rmtree(BUILD, ignore_errors=True)
    reference = source / "reference"
    reference.mkdir(parents=True)
    # antsibull-docs insists on a folder that only its owner may write to.
    reference.chmod(0o755)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(CLONE / ".ansible" / "collections")}
    try:
        write_pages(source)
        run(environment, "antsibull-docs", "lint-collection-docs", "--plugin-docs", CLONE)
        words = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", reference)
        run(environment, "antsibull-docs", "collection", *words, "conductor.trainer")
        for page in reference.glob("*.rst"):
            # The theme has a table of contents on every page.
            page.write_text(re.sub(r"^\.\. contents::\n( +:.*\n)*", "", page.read_text("utf-8"), flags=re.MULTILINE))
        conf = Path(__file__).parent
        run(environment, "sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-c", conf, source, html)
    except subprocess.CalledProcessError as error:
        print(f"docs: {Path(error.cmd[0]).name} failed with exit code {error.returncode}", file=sys.stderr)
        return 1
    dead = dead_links(html)
    for line in dead:
        print(f"docs: dead link: {line}", file=sys.stderr)
    print(f"docs: {len(list(html.rglob('*.html')))} pages in {html.relative_to(CLONE)}, {len(dead)} dead links")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
