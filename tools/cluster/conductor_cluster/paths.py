# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are: the clone, its cache, and the folder of each cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """Folders of one clone. Nothing outside of them is written (packages and Docker's own state excepted)."""

    clone: Path
    cache: Path

    @property
    def go_modules(self) -> Path:
        """Folder with one Go module a family of programs."""
        return TOOL / "go"

    @property
    def node(self) -> Path:
        """Folder with the files that go into the node image."""
        return TOOL / "node"

    @property
    def control_plane(self) -> Path:
        """Folder that every node mounts: the audit policy and kubeadm's patches."""
        return TOOL / "control_plane"

    @property
    def work(self) -> Path:
        """This tool's part of the cache."""
        return self.cache / "cluster"

    @property
    def clusters(self) -> Path:
        """Folder of the clusters' kubeconfigs, states and logs."""
        return self.clone / ".cluster"

    def cluster(self, name: str) -> Path:
        """Folder of the cluster ``name``."""
        return self.clusters / name

    def kubeconfig(self, name: str) -> Path:
        """Kubeconfig of the cluster ``name``."""
        return self.cluster(name) / "kubeconfig"

    def shown(self, path: Path) -> str:
        """``path`` as a person in the clone would type it."""
        try:
            return str(path.relative_to(self.clone))
        except ValueError:
            return str(path)


def find_paths() -> Paths:
    """Returns the paths of the clone that this file lies in; ``CONDUCTOR_CACHE`` moves the cache."""
    clone = TOOL.parent.parent
    cache = os.environ.get("CONDUCTOR_CACHE") or str(clone / ".cache")
    return Paths(clone=clone, cache=Path(cache).resolve())
