# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the programs of one family of pinned Go modules, for Linux, into the cache."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..catalogue import Controller, Family
from ..console import Console, locked
from ..paths import Paths
from ..process import ClusterError, logged

# The way to modules and toolchains is the machine's business, everything else about a build is ours.
KEPT_GO_VARIABLES = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOAUTH", "GOROOT", "GOPATH")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}
# kubeadm takes its own version from these; an empty gitMajor makes it use a placeholder.
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
BUILT = {"gitTreeState": "clean", "gitCommit": "0" * 40, "buildDate": "2026-01-01T00:00:00Z"}


def architecture() -> str:
    """Return Go's name of this machine's architecture."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise ClusterError(f"no images can be built on a machine of the kind {machine}")
    return ARCHITECTURES[machine]


def linker_flags(family: Family, controller: Controller | None = None) -> str:
    """Return the linker flags of a family: no debugging tables, and the version if it has a variable."""
    values: dict[str, str] = {}
    if family.module == "k8s.io/kubernetes":
        major, minor, _ = family.version[1:].split(".", 2)
        version = {"gitVersion": family.version, "gitMajor": major, "gitMinor": minor, **BUILT}
        values = {f"{package}.{key}": value for package in VERSION_PACKAGES for key, value in version.items()}
    if controller is not None and controller.version_variable:
        values[controller.version_variable] = family.version
    return " ".join(["-s -w", *(f"-X {variable}={value}" for variable, value in values.items())])


def check() -> None:
    """Raise ClusterError if this machine has no Go."""
    if shutil.which("go") is None:
        raise ClusterError(
            "building what no container registry delivers requires Go, but there is no `go` on PATH: install Go 1.26 "
            "or later, or give this machine access to a container registry"
        )


def environment(paths: Paths) -> Mapping[str, str]:
    """Return the environment of a build: of the caller's Go settings only the way to modules and toolchains."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GO") or key in KEPT_GO_VARIABLES}
    return {
        **kept,
        "CGO_ENABLED": "0",
        "GOOS": "linux",
        "GOARCH": architecture(),
        "GOWORK": "off",
        "GOCACHE": str(paths.cache / "go-build"),
        "GOMODCACHE": str(paths.cache / "go-mod"),
        # -modcacherw: a cache that can be deleted like any other folder.
        "GOFLAGS": "-buildvcs=false -modcacherw -mod=readonly",
        # Go downloads a newer one of itself only if a go.mod requires it.
        "GOTOOLCHAIN": "auto",
    }


def folder(paths: Paths, family: Family, controller: Controller | None = None) -> Path:
    """Return the folder of the family's programs in the cache, named by a hash of all that decides their content."""
    key = hashlib.sha256()
    for file in sorted(family.folder.glob("*")):
        key.update(file.read_bytes())
    key.update(f"{linker_flags(family, controller)} {architecture()}".encode())
    return paths.work / "programs" / f"{family.folder.name}-{key.hexdigest()[:12]}"


def build(paths: Paths, console: Console, family: Family, controller: Controller | None = None) -> Path:
    """Return the folder with the family's programs; build them if the cache does not have them.

    Raise ClusterError (CommandFailed) if Go is missing or fails. A folder appears whole or not at all.
    """
    target = folder(paths, family, controller)
    # Clusters and programs are asked for by several suites at once.
    with locked(target.with_name(f"{target.name}.lock"), family.folder.name, console):
        return target if target.is_dir() else _build(paths, console, family, controller, target)


def _build(paths: Paths, console: Console, family: Family, controller: Controller | None, target: Path) -> Path:
    check()
    console.step(f"building {', '.join(family.programs)} {family.version}".rstrip())
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    command = ["go", "build", "-trimpath", "-ldflags", linker_flags(family, controller), "-o", f"{partial}/"]
    log = paths.work / "logs" / f"go-{family.folder.name}.log"
    packages = "tool" if family.module else "."
    logged(f"build {family.folder.name}", [*command, packages], log, paths, cwd=family.folder, env=environment(paths))
    # Go names the program of go.etcd.io/etcd/server/v3 "server".
    if (partial / "server").exists():
        (partial / "server").rename(partial / "etcd")
    partial.rename(target)
    console.step(f"built {family.folder.name}")
    return target
