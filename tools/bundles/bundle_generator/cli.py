# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ``tools/bundles/generate``."""

import argparse
import difflib
import json
import shutil
import sys
import tempfile
from pathlib import Path

from . import release as releases
from .bundle import generate, render_default
from .differences import compare, read_allowed, unexplained
from .documents import GenerateError, load_file
from .release import Release
from .sources import Programs, render_upstream

# The inputs of a render: a check works on a copy of them.
_INPUTS = ("roles/conductor/files/conductor", "tools/bundles/releases", "tools/bundles/probes")
_LONGEST = 200


def main(root: Path) -> int:
    """Generate, check or compare; return the exit code: 0 success, 1 unexpected differences, 2 error."""
    parser = argparse.ArgumentParser(prog="tools/bundles/generate", description="Generate the bundles.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; print how the files differ from the result")
    mode.add_argument("--compare", action="store_true", help="write nothing; compare the kustomization with upstream's")
    parser.add_argument(
        "--release", action="append", metavar="X.Y.Z", help="only this release; may be repeated (default: all)"
    )
    options = parser.parse_args()
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
        found = compare(render_default(programs, root, release), render_upstream(programs, root, release))
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
        for path in (path for release in wanted for path in generate(programs, root, tree, release)):
            same = (root / path).is_file() and (root / path).read_bytes() == (tree / path).read_bytes()
            print(f"{'same' if same else 'DIFF'}  {path}")
            if not same:
                different += 1
                present, right = _lines(root / path), _lines(tree / path)
                diff = list(difflib.unified_diff(present, right, f"present/{path}", f"right/{path}", lineterm=""))
                print("\n".join(diff[:_LONGEST]) or "the content is right, but its format is wrong")
                if len(diff) > _LONGEST:
                    print(f"... and {len(diff) - _LONGEST} more lines")
    if different:
        print(f"{different} file(s) differ; run tools/bundles/generate and review `git diff`", file=sys.stderr)
    return 1 if different else 0


def _lines(path: Path) -> list[str]:
    """Return the lines of a file; a bundle is split into one line per field."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text and path.suffix == ".json":
        text = json.dumps(json.loads(text), indent=1, sort_keys=True)
    return text.splitlines()


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[3]))
