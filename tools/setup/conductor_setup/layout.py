# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are in the clone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of one clone; all absolute."""

    clone: Path
    cache: Path

    @classmethod
    def of(cls, clone: Path, environ: Mapping[str, str] = os.environ) -> Layout:
        """The layout of ``clone``; ``CONDUCTOR_CACHE`` moves the cache (a relative path starts at the clone)."""
        clone = clone.resolve()
        return cls(clone, clone / (environ.get("CONDUCTOR_CACHE") or ".cache"))

    @property
    def venv(self) -> Path:
        """The environment that runs Ansible and the tests."""
        return self.clone / ".venv"

    @property
    def sdk_venv(self) -> Path:
        """The environment of the Kubeflow SDK, whose pins clash with ours."""
        return self.helper_venv("kubeflow-sdk")

    def helper_venv(self, name: str) -> Path:
        """The environment of a helper, which would not fit into the one that runs the tests."""
        return self.clone / ".venvs" / name

    @property
    def runner_venv(self) -> Path:
        """The environment of ansible-runner and ansible-builder."""
        return self.helper_venv("runner")

    @property
    def collections(self) -> Path:
        """The folder that holds the collections' namespaces; its parent is what Ansible calls a collections path."""
        return self.clone / ".ansible" / "collections" / "ansible_collections"

    @property
    def requirements(self) -> Path:
        """The folder of the lock files."""
        return self.clone / "requirements"


def this_clone() -> Path:
    """The clone that this very file is part of."""
    return Path(__file__).resolve().parents[3]
