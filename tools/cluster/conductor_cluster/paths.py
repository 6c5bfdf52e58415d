# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of a clone: its cache, and one folder per cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """Folders of one clone. Nothing outside of them is written, except Debian packages and Docker's own state."""

    clone: Path
    cache: Path

    @property
    def go_modules(self) -> Path:
        """Folder of the Go modules, one per family of programs."""
        return TOOL / "go"

    @property
    def node(self) -> Path:
        """Folder of the node image's files."""
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
        """Folder of the clusters' kubeconfigs, records and logs."""
        return self.clone / ".cluster"

    def cluster(self, name: str) -> Path:
        """Folder of the cluster ``name``."""
        return self.clusters / name

    def kubeconfig(self, name: str) -> Path:
        """Kubeconfig of the cluster ``name``."""
        return self.cluster(name) / "kubeconfig"

    def shown(self, path: Path) -> str:
        """Return ``path`` relative to the clone if it is inside, else unchanged."""
        return str(path.relative_to(self.clone) if path.is_relative_to(self.clone) else path)


def find_paths() -> Paths:
    """Return the paths of the clone that contains this file; ``CONDUCTOR_CACHE`` moves the cache."""
    clone = TOOL.parent.parent
    cache = os.environ.get("CONDUCTOR_CACHE") or str(clone / ".cache")
    return Paths(clone=clone, cache=Path(cache).resolve())
