# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the programs of one family of pinned Go modules, for Linux, into the cache."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..catalogue import Controller, Family
from ..console import Console
from ..errors import ClusterError
from ..paths import Paths
from ..process import capture, logged

# Go writes the program of go.etcd.io/etcd/server/v3 as "server".
RENAMED = {("etcd", "server"): "etcd"}
# The way to modules and toolchains is the machine's business, everything else about a build is ours.
KEPT_GO_VARIABLES = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOAUTH", "GOROOT", "GOPATH")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}
# kubeadm takes its own version from these; an empty gitMajor makes it use a placeholder.
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def architecture() -> str:
    """Go's name of this machine's architecture."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise ClusterError(f"no images can be built on a machine of the kind {machine}")
    return ARCHITECTURES[machine]


def kubernetes_version_flags(version: str) -> list[str]:
    """Linker flags that make Kubernetes' programs know the version they are (``v1.35.8``)."""
    major, minor = re.match(r"v(\d+)\.(\d+)", version).groups()  # type: ignore[union-attr]
    values = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "0" * 40,
        "buildDate": "2026-01-01T00:00:00Z",
    }
    return [f"-X {package}.{key}={value}" for package in VERSION_PACKAGES for key, value in values.items()]


def linker_flags(family: Family, controller: Controller | None = None) -> str:
    """Linker flags for a family: no debugging tables, and the version where the program has a place for it."""
    flags = ["-s", "-w"]
    if family.module == "k8s.io/kubernetes":
        flags += kubernetes_version_flags(family.version)
    if controller is not None and controller.version_variable:
        flags.append(f"-X {controller.version_variable}={family.version}")
    return " ".join(flags)


def go_version() -> tuple[int, int]:
    """Version of the Go on this machine. Raises ClusterError where there is none."""
    if shutil.which("go") is None:
        raise ClusterError(
            "Go is needed to build what no container registry delivers, and there is no `go` on PATH: install Go 1.26 "
            "or later, or give this machine access to a container registry"
        )
    said = capture("go version", ["go", "env", "GOVERSION"], env={**os.environ, "GOTOOLCHAIN": "local"}).stdout.decode()
    match = re.match(r"go(\d+)\.(\d+)", said)
    if match is None:
        raise ClusterError(f"`go env GOVERSION` answers {said.strip()!r}, which is no Go version")
    return int(match.group(1)), int(match.group(2))


def needed_go(go_mod: str) -> tuple[int, int]:
    """The oldest Go that the text of a go.mod allows."""
    match = re.search(r"^go (\d+)\.(\d+)", go_mod, re.MULTILINE)
    if match is None:
        raise ClusterError("go.mod: there is no line that says which Go it needs")
    return int(match.group(1)), int(match.group(2))


def environment(paths: Paths, newer_go: bool) -> Mapping[str, str]:
    """Environment of a build: nothing of the caller's Go settings but the way to modules and toolchains."""
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
        "GOTOOLCHAIN": "auto" if newer_go else "local",
    }


def folder(paths: Paths, family: Family, controller: Controller | None = None) -> Path:
    """Where the family's programs are in the cache, if they are: named by a hash of all that decides their content."""
    key = hashlib.sha256()
    for file in sorted(family.folder.glob("*")):
        key.update(file.read_bytes())
    key.update(f"{linker_flags(family, controller)} {architecture()}".encode())
    return paths.work / "programs" / f"{family.name}-{key.hexdigest()[:12]}"


def build(paths: Paths, console: Console, family: Family, controller: Controller | None = None) -> Path:
    """Returns the folder with the family's programs, built where the cache does not have them.

    Raises ClusterError (CommandFailed) where Go is missing or fails. A folder appears whole or not at all.
    """
    target = folder(paths, family, controller)
    if target.is_dir():
        return target
    needs_newer = go_version() < needed_go((family.folder / "go.mod").read_text())
    console.step(f"building {', '.join(family.programs)} {family.version}".rstrip())
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    packages = "tool" if family.module else "."
    flags = linker_flags(family, controller)
    logged(
        f"build {family.name}",
        ["go", "build", "-trimpath", "-ldflags", flags, "-o", f"{partial}/", packages],
        paths.work / "logs" / f"go-{family.name}.log",
        paths,
        cwd=family.folder,
        env=environment(paths, needs_newer),
    )
    for (of, built), name in RENAMED.items():
        if of == family.name:
            (partial / built).rename(partial / name)
    partial.rename(target)
    console.step(f"built {family.name}")
    return target
