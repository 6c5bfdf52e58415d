# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of a clone: its cache, and one folder per cluster."""

from __future__ import annotations

import os
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent


class Paths:
    """Folders of one clone. Nothing outside of them is written, except Debian packages and Docker's own state."""

    def __init__(self, clone: Path, cache: Path) -> None:
        self.clone, self.cache = clone, cache
        # One Go module per family of programs, and the node image's files.
        self.go_modules, self.node = TOOL / "go", TOOL / "node"
        # What every node mounts: the audit policy and kubeadm's patches.
        self.control_plane = TOOL / "control_plane"
        # This tool's part of the cache; the clusters' kubeconfigs, records and logs.
        self.work, self.clusters = cache / "cluster", clone / ".cluster"

    def cluster(self, name: str) -> Path:
        """Return the folder of the cluster ``name``."""
        return self.clusters / name

    def kubeconfig(self, name: str) -> Path:
        """Return the kubeconfig of the cluster ``name``."""
        return self.cluster(name) / "kubeconfig"

    def shown(self, path: Path) -> str:
        """Return ``path`` relative to the clone if it is inside, else unchanged."""
        return str(path.relative_to(self.clone) if path.is_relative_to(self.clone) else path)


def find_paths() -> Paths:
    """Return the paths of the clone that contains this file; ``CONDUCTOR_CACHE`` moves the cache."""
    clone = TOOL.parent.parent
    cache = os.environ.get("CONDUCTOR_CACHE") or str(clone / ".cache")
    return Paths(clone=clone, cache=Path(cache).resolve())
