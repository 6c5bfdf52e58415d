# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball and its bill of materials: ``python -m conductor_artifact [FOLDER]``; the default is the clone."""

import hashlib
import sys
from pathlib import Path

from conductor_artifact.build import ArtifactError, build, git, timestamp
from conductor_artifact.sbom import sbom

CLONE = Path(__file__).resolve().parents[3]


def main() -> int:
    """Write both, and print their digests and paths; return 1 if that fails."""
    try:
        # ansible-galaxy of the environment that runs this.
        galaxy, when = Path(sys.executable).with_name("ansible-galaxy"), timestamp(CLONE)
        tarball = build(CLONE, Path(sys.argv[1]) if sys.argv[1:] else CLONE, galaxy, when)
        changed = git(CLONE, "diff", "--name-only", "HEAD").split()
    except ArtifactError as error:
        print(f"artifact: {error}", file=sys.stderr)
        return 1
    bill = tarball.with_name(tarball.name.replace(".tar.gz", ".cdx.json"))
    bill.write_text(sbom(tarball.read_bytes(), when), encoding="utf-8")
    for path in (tarball, bill):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    if changed:
        print(f"contains uncommitted changes: {', '.join(changed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
