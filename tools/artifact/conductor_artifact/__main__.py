# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: ``python -m conductor_artifact [--output FOLDER]``."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from conductor_artifact.build import build
from conductor_artifact.contents import complaints, contents_of
from conductor_artifact.errors import ArtifactError
from conductor_artifact.sources import timestamp, tracked_files, uncommitted


def main() -> int:
    """Build the tarball, look through it, say what it is; 1 if it is not as it should be, 2 if there is none."""
    clone = Path(__file__).resolve().parents[3]
    parser = argparse.ArgumentParser(prog="artifact", description=__doc__)
    parser.add_argument("--output", type=Path, default=clone, help="the folder for the tarball (default: the clone)")
    arguments = parser.parse_args()
    try:
        # ansible-galaxy of the environment that runs this.
        galaxy = Path(sys.executable).parent / "ansible-galaxy"
        tarball = build(clone, arguments.output, galaxy, timestamp(clone))
        changed = uncommitted(clone)
        wrong = complaints(contents_of(tarball).files, tracked_files(clone))
    except ArtifactError as error:
        print(f"artifact: {error}", file=sys.stderr)
        return 2
    contents = contents_of(tarball)
    print(f"{tarball}: {len(contents.files)} files, {contents.packed} bytes, {contents.unpacked} unpacked")
    print(f"sha256 {hashlib.sha256(tarball.read_bytes()).hexdigest()}")
    if changed:
        print(f"not what was committed: {', '.join(changed)}")
    print("\n".join(wrong) if wrong else "everything wanted is in it, and nothing else")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
