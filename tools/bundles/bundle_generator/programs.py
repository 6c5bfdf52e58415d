# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the pinned Go programs: controller-gen and kustomize."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from .documents import GenerateError
from .release import PROGRAMS


class Programs:
    """Pinned programs, built on first use into the caches of the checkout: ``$CONDUCTOR_CACHE``, default ``.cache``."""

    def __init__(self, root: Path) -> None:
        """Prepare the environment; ``root`` is the checkout. Raises GenerateError if Go is not installed."""
        if shutil.which("go") is None:
            raise GenerateError("`go` is not on PATH: install Go 1.26 or later")
        self._root = root
        self._env = dict(os.environ)
        folder = Path(os.environ.get("CONDUCTOR_CACHE") or root / ".cache").resolve()
        # Go also writes checksums under GOPATH and counters under the user's configuration folder. Keep both inside the
        # clone, but apply the user's own settings (`go env -w`).
        self._env |= {
            "GOENV": self._run(["go", "env", "GOENV"], root).strip(),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "GOPATH": str(folder / "go"),
            "GOCACHE": str(folder / "go-build"),
            "GOMODCACHE": str(folder / "go-mod"),
            "GOFLAGS": "-buildvcs=false -modcacherw",
            "GOWORK": "off",
        }
        self._path = cache(lambda program: self._run(["go", "tool", "-n", program], root / PROGRAMS).strip())

    def controller_gen(self, module: Path, *arguments: str) -> None:
        """Run controller-gen in the folder of a go.mod; raises GenerateError."""
        self._run([self._path("controller-gen"), *arguments], module)

    def kustomize(self, folder: Path) -> str:
        """Return the objects of a kustomization as YAML; raises GenerateError."""
        return self._run([self._path("kustomize"), "build", str(folder)], self._root)

    def module_folder(self, module: Path, path: str) -> Path:
        """Download a module that the go.mod in ``module`` pins and return its source folder; raises GenerateError."""
        self._run(["go", "mod", "download", path], module)
        return Path(self._run(["go", "list", "-m", "-f", "{{.Dir}}", path], module).strip())

    def module_version(self, module: Path, path: str) -> str:
        """Return the version, without its ``v``, that the go.mod in folder ``module`` pins; raises GenerateError."""
        return self._run(["go", "list", "-m", "-f", "{{.Version}}", path], module).strip().removeprefix("v")

    def _run(self, command: list[str], cwd: Path) -> str:
        result = subprocess.run(command, cwd=cwd, env=self._env, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            shown = " ".join([Path(command[0]).name, *command[1:]])
            raise GenerateError(
                f"`{shown}` in {cwd} failed with exit code {result.returncode}:\n{result.stderr.strip()}"
            )
        return result.stdout
