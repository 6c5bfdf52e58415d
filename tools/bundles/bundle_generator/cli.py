# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ``tools/bundles/generate``."""

from __future__ import annotations

import argparse
import difflib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import release as releases
from . import upstream
from .bundle import generate, render_default
from .canonical import canonical
from .differences import compare, read_allowed, unexplained
from .errors import GenerateError
from .programs import Programs
from .release import Release
from .yamls import load_file

# The inputs of a render: a check works on a copy of them.
_INPUTS = ("roles/conductor/files/conductor", "tools/bundles/releases", "tools/bundles/probes")
_CONTEXT = 3
_LONGEST = 200


def main(root: Path, arguments: list[str]) -> int:
    """Generate, check or compare; return the exit code: 0 success, 1 unexpected differences, 2 error."""
    parser = argparse.ArgumentParser(prog="tools/bundles/generate", description="Generate the bundles.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; print how the files differ from the result")
    mode.add_argument("--compare", action="store_true", help="write nothing; compare the kustomization with upstream's")
    parser.add_argument(
        "--release", action="append", metavar="X.Y.Z", help="only this release; may be repeated (default: all)"
    )
    options = parser.parse_args(arguments)
    try:
        programs = Programs(root)
        wanted = [releases.load(root, name) for name in options.release or releases.names(root)]
        if options.check:
            return _check(programs, root, wanted)
        if options.compare:
            return _compare(programs, root, wanted)
        for release in wanted:
            for path in generate(programs, root, root, release):
                print(f"wrote {path}")
    except GenerateError as error:
        print(f"tools/bundles/generate: {error}", file=sys.stderr)
        return 2
    return 0


def _compare(programs: Programs, root: Path, wanted: list[Release]) -> int:
    lines: list[str] = []
    for release in wanted:
        found = compare(render_default(programs, root, release), upstream.render(programs, root, release))
        wrong = unexplained(found.differences, read_allowed(load_file(root / release.differences)))
        lines += wrong
        print(
            f"{release.release}: {found.objects} objects and {found.fields} fields compared with upstream's, "
            f"{len(found.differences)} differ, {len(wrong)} of them unexpectedly"
        )
    print("\n".join(lines[:_LONGEST]) if lines else "every difference is listed with its reason")
    return 1 if lines else 0


def _check(programs: Programs, root: Path, wanted: list[Release]) -> int:
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in _INPUTS:
            shutil.copytree(root / name, tree / name)
        for release in wanted:
            for path in generate(programs, root, tree, release):
                lines = list(_differences(path, root / path, tree / path))
                different += bool(lines)
                print("\n".join(lines) if lines else f"same  {path}")
    if different:
        print(f"{different} file(s) differ; run tools/bundles/generate and review `git diff`", file=sys.stderr)
    return 1 if different else 0


def _differences(name: str, present: Path, right: Path) -> Iterator[str]:
    """Yield a unified diff from the present file to the right one; a bundle is split into one line per field."""
    old, new = _lines(present), _lines(right)
    if not present.is_file() or present.read_bytes() != right.read_bytes():
        diff = list(difflib.unified_diff(old, new, f"present/{name}", f"right/{name}", n=_CONTEXT, lineterm=""))
        yield from diff[:_LONGEST] or [f"present/{name} has the right content in the wrong format"]
        if len(diff) > _LONGEST:
            yield f"... and {len(diff) - _LONGEST} more lines"


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return list(_flat(json.loads(text), "")) if path.suffix == ".json" else text.splitlines()


def _flat(value: object, where: str) -> Iterator[str]:
    """Yield one line, ``path = value``, for each leaf of a JSON value."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _flat(value[key], f"{where}.{key}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            name = item.get("metadata", {}).get("name", "") if isinstance(item, dict) else ""
            yield from _flat(item, f"{where}[{name or index}]")
    else:
        yield f"{where} = {canonical(value)}"
