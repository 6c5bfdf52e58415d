# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users have it: installed from the tarball into an empty path, no checkout in sight."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from conductor_artifact.build import build, timestamp
from tests.support.playing import CLONE, Played, run

PROGRAMS = Path(sys.executable).parent
DEPENDENCY = CLONE / ".ansible" / "collections" / "ansible_collections" / "kubernetes" / "core"
# The oldest release that galaxy.yml allows.
OLDEST_DEPENDENCY = CLONE / ".ansible" / "oldest" / "ansible_collections" / "kubernetes" / "core"
# Seconds for one command.
LIMIT = 300


def tarball(folder: Path) -> Path:
    """Builds what the clone holds now."""
    return build(CLONE, folder, PROGRAMS / "ansible-galaxy", timestamp(CLONE))


@dataclass(frozen=True)
class Shipped:
    """An installation, and the programs that use it.

    Args:
        programs: the folder of C(ansible-playbook) and its like.
        home: an empty folder to work in; the collections are in its folder C(collections).
    """

    programs: Path
    home: Path

    @property
    def collections(self) -> Path:
        """What Ansible calls a collections path."""
        return self.home / "collections"

    @property
    def root(self) -> Path:
        """The folder of the collection."""
        return self.collections / "ansible_collections" / "conductor" / "trainer"

    def run(self, program: str, *words: str, cwd: Path | None = None) -> Played:
        """Runs a program to its end as a user who has nothing but this installation."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("KUBECONFIG", "PYTHONPATH") and not name.startswith(("K8S_AUTH_", "ANSIBLE_"))
        }
        variables = {
            **kept,
            "HOME": str(self.home),
            "PATH": f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_NOCOLOR": "true",
            # One line a message, so that it can be looked for.
            "COLUMNS": "1000",
        }
        return run([str(self.programs / program), *words], cwd or self.home, variables, LIMIT)


def install(artifact: Path, programs: Path, home: Path, dependency: Path = DEPENDENCY) -> Shipped:
    """Installs the tarball with C(ansible-galaxy), its dependency beforehand: no server is asked."""
    shipped = Shipped(programs, home)
    shutil.copytree(dependency, shipped.collections / "ansible_collections" / "kubernetes" / "core")
    options = ("--offline", "--collections-path", str(shipped.collections))
    done = shipped.run("ansible-galaxy", "collection", "install", str(artifact), *options)
    assert done.code == 0, done.output + done.errors
    return shipped
