# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages on this machine: where they come from, which may be newer than the release, how they get in."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import Console
from .errors import ClusterError
from .paths import Paths
from .process import logged

# Docker of bookworm (20.10) cannot start privileged containers without CAP_SYS_RESOURCE; the one of trixie can.
OLD_RELEASE = "bookworm"
DOCKER_RELEASE = "trixie"
DOCKER_PACKAGES = ("docker.io", "containerd")
SOURCES_FILE = Path("/etc/apt/sources.list.d/conductor-trixie.sources")
PINS_FILE = Path("/etc/apt/preferences.d/conductor-trixie")
APT = Path("/etc/apt")


@dataclass(frozen=True)
class AptSource:
    """Where a Debian release is fetched from, as this machine is set up."""

    uri: str
    signed_by: str
    file: Path


def release_codename(os_release: str) -> str | None:
    """Code name of the Debian release that the text of /etc/os-release describes; None where it is no Debian."""
    values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    return values.get("VERSION_CODENAME") if values.get("ID") == "debian" else None


def this_codename(os_release: Path = Path("/etc/os-release")) -> str | None:
    """Code name of the Debian release of this machine; None where it is no Debian."""
    return release_codename(os_release.read_text()) if os_release.exists() else None


def parse_sources(text: str, file: Path, codename: str) -> AptSource | None:
    """The first source of the release ``codename`` itself (not of its security updates) in a file of apt sources.

    Both formats are read: stanzas (*.sources) and lines (*.list).
    """
    if file.suffix == ".sources":
        for stanza in re.split(r"\n\s*\n", text):
            fields = {
                key.lower(): value.strip()
                for key, value in re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE)
            }
            binary = "deb" in fields.get("types", "").split()
            if binary and codename in fields.get("suites", "").split() and fields.get("enabled", "yes") != "no":
                return AptSource(fields["uris"].split()[0], fields.get("signed-by", ""), file)
        return None
    for options, uri, suite in re.findall(r"^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s", text, re.MULTILINE):
        if suite == codename:
            signed = re.search(r"signed-by=(\S+)", options)
            return AptSource(uri, signed.group(1) if signed else "", file)
    return None


def find_source(codename: str, apt: Path = APT) -> AptSource:
    """The source of ``codename`` that this machine is set up with. Raises ClusterError where there is none."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix in (".sources", ".list") and file.is_file():
            found = parse_sources(file.read_text(), file, codename)
            if found is not None:
                return found
    raise ClusterError(f"no apt source of Debian {codename} in {apt}: add one, or install Docker yourself")


def newer_release_texts(source: AptSource) -> tuple[str, str]:
    """Texts of our apt source of the newer release and of the pins that keep everything else as it is."""
    why = (
        "# Written by Conductor's tools/cluster: Docker of Debian 12 is too old for kind nodes, so Docker alone\n"
        "# comes from Debian 13. Remove this file and its namesake beside it when you no longer want that.\n"
    )
    signed = f"Signed-By: {source.signed_by}\n" if source.signed_by else ""
    sources = f"{why}Types: deb\nURIs: {source.uri}\nSuites: {DOCKER_RELEASE}\nComponents: main\n{signed}"
    pins = why + "\n".join(
        f"Package: *\nPin: release o=Debian,n={release}*\nPin-Priority: {priority}\n"
        for release, priority in ((OLD_RELEASE, 990), (DOCKER_RELEASE, 100))
    )
    return sources, pins


def install_command(codename: str, with_client: bool) -> list[str]:
    """The apt-get command that installs a Docker which can run kind nodes on Debian ``codename``."""
    packages = [*DOCKER_PACKAGES, *(["docker-cli"] if with_client else [])]
    if codename == OLD_RELEASE:
        packages = [f"{package}/{DOCKER_RELEASE}" for package in packages]
    return ["apt-get", "install", "--yes", "--no-install-recommends", *packages, "runc", "iptables"]


def _quiet() -> Mapping[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def _refresh(paths: Paths, log: Path, sources: Sequence[Path]) -> None:
    """Refreshes the lists of ``sources`` only: a broken source of somebody else must not stop us."""
    folder = paths.work / "apt-sources"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in sources:
        # apt takes the format from the ending of the name.
        shutil.copy(source, folder / (source.name if source.name != "sources.list" else "main.list"))
    only = ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={folder}"]
    keep = ["-o", "APT::Get::List-Cleanup=0", "-o", "Acquire::Retries=3"]
    logged("refresh apt's lists", ["apt-get", *only, *keep, "update"], log, paths, env=_quiet())


def install_docker(paths: Paths, console: Console, codename: str, with_client: bool) -> None:
    """Installs Docker from Debian, saying so first. Raises ClusterError (CommandFailed) with apt's words."""
    log = paths.work / "logs" / "apt.log"
    source = find_source(codename)
    files = [source.file]
    if codename == OLD_RELEASE:
        console.step(f"installing Docker from Debian {DOCKER_RELEASE}; writing {SOURCES_FILE} and {PINS_FILE}")
        sources, pins = newer_release_texts(source)
        SOURCES_FILE.write_text(sources)
        PINS_FILE.write_text(pins)
        files.append(SOURCES_FILE)
    else:
        console.step(f"installing Docker from Debian {codename}")
    _refresh(paths, log, files)
    logged("install Docker", install_command(codename, with_client), log, paths, env=_quiet())
    console.step("Docker installed")


def install(paths: Paths, console: Console, codename: str, packages: Sequence[str]) -> None:
    """Installs ``packages`` of this machine's own release, saying so first."""
    console.step(f"installing the Debian packages {', '.join(packages)}")
    log = paths.work / "logs" / "apt.log"
    _refresh(paths, log, [find_source(codename).file])
    logged(
        "install packages",
        ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
        log,
        paths,
        env=_quiet(),
    )


def unpack(paths: Paths, console: Console, codename: str, package: str) -> Path:
    """Unpacks a package of this machine's own release into the cache, where it is not yet; installs nothing.

    Returns the folder that holds its files.
    """
    folder = paths.work / "debian" / f"{package}-{codename}"
    if folder.exists():
        return folder
    console.step(f"fetching the Debian package {package}; it is unpacked in the cache and not installed")
    log = paths.work / "logs" / "apt.log"
    _refresh(paths, log, [find_source(codename).file])
    with tempfile.TemporaryDirectory(dir=paths.work) as fetched:
        logged(f"fetch {package}", ["apt-get", "download", package], log, paths, cwd=Path(fetched), env=_quiet())
        (archive,) = Path(fetched).glob("*.deb")
        partial = Path(fetched) / "files"
        logged(f"unpack {package}", ["dpkg-deb", "--extract", str(archive), str(partial)], log, paths)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    return folder
