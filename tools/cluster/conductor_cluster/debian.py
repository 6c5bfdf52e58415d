# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install Debian packages: find this machine's apt source, and take Docker from a newer release if necessary."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import Console
from .errors import ClusterError
from .paths import Paths
from .process import logged

# Docker of bookworm (20.10) cannot start privileged containers without CAP_SYS_RESOURCE; Docker of trixie can.
OLD_RELEASE = "bookworm"
DOCKER_RELEASE = "trixie"
DOCKER_PACKAGES = ("docker.io", "containerd")
SOURCES_FILE = Path("/etc/apt/sources.list.d/conductor-trixie.sources")
PINS_FILE = Path("/etc/apt/preferences.d/conductor-trixie")
APT = Path("/etc/apt")
INSTALL = ("install", "--yes", "--no-install-recommends")


@dataclass(frozen=True)
class AptSource:
    """The source of a Debian release in this machine's configuration."""

    uri: str
    signed_by: str
    file: Path


def release_codename(os_release: str) -> str | None:
    """Return the code name of the Debian release in the text of /etc/os-release; None for other distributions."""
    values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    return values.get("VERSION_CODENAME") if values.get("ID") == "debian" else None


def this_codename(os_release: Path = Path("/etc/os-release")) -> str | None:
    """Return the code name of this machine's Debian release; None for other distributions."""
    return release_codename(os_release.read_text()) if os_release.exists() else None


def parse_sources(text: str, file: Path, codename: str) -> AptSource | None:
    """Return the first source of the release ``codename`` (not of its security updates) in a file of apt sources.

    Both formats are supported: stanzas (*.sources) and lines (*.list). `apt-get indextargets` would list the sources,
    but not their keys.
    """
    if file.suffix == ".sources":
        for stanza in re.split(r"\n\s*\n", text):
            pairs = re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE)
            fields = {key.lower(): value.strip() for key, value in pairs}
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
    """Return this machine's source of ``codename``. Raise ClusterError if there is none."""
    for file in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if file.suffix in (".sources", ".list") and file.is_file():
            found = parse_sources(file.read_text(), file, codename)
            if found is not None:
                return found
    raise ClusterError(f"no apt source of Debian {codename} in {apt}: add one, or install Docker yourself")


def newer_release_texts(source: AptSource) -> tuple[str, str]:
    """Return the text of our apt source of the newer release, and of the pins that prevent other upgrades."""
    why = (
        "# Written by Conductor's tools/cluster: Docker of Debian 12 is too old for kind nodes, so only Docker comes\n"
        "# from Debian 13. To undo this, remove this file and the file of the same name in the other folder\n"
        "# (sources.list.d, preferences.d).\n"
    )
    signed = f"Signed-By: {source.signed_by}\n" if source.signed_by else ""
    sources = f"{why}Types: deb\nURIs: {source.uri}\nSuites: {DOCKER_RELEASE}\nComponents: main\n{signed}"
    pins = why + "\n".join(
        f"Package: *\nPin: release o=Debian,n={release}*\nPin-Priority: {priority}\n"
        for release, priority in ((OLD_RELEASE, 990), (DOCKER_RELEASE, 100))
    )
    return sources, pins


def install_command(codename: str, with_client: bool) -> list[str]:
    """Return the arguments of apt-get that install a Docker for kind nodes on Debian ``codename``."""
    packages = [*DOCKER_PACKAGES, *(["docker-cli"] if with_client else [])]
    if codename == OLD_RELEASE:
        packages = [f"{package}/{DOCKER_RELEASE}" for package in packages]
    return [*INSTALL, *packages, "runc", "iptables"]


def _apt_get(paths: Paths, step: str, *words: str, cwd: Path | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    logged(step, ["apt-get", *words], paths.work / "logs" / "apt.log", paths, cwd=cwd, env=environment)


def _refresh(paths: Paths, sources: Sequence[Path]) -> None:
    """Refresh the package lists of ``sources`` only: an unrelated broken source must not stop us."""
    folder = paths.work / "apt-sources"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in sources:
        # apt takes the format from the suffix of the name.
        shutil.copy(source, folder / (source.name if source.name != "sources.list" else "main.list"))
    only = ("-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={folder}")
    keep = ("-o", "APT::Get::List-Cleanup=0", "-o", "Acquire::Retries=3")
    _apt_get(paths, "refresh apt's lists", *only, *keep, "update")


def install_docker(paths: Paths, console: Console, codename: str, with_client: bool) -> None:
    """Report and install Docker from Debian. Raise ClusterError (CommandFailed) with apt's message."""
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
    _refresh(paths, files)
    _apt_get(paths, "install Docker", *install_command(codename, with_client))
    console.step("Docker installed")


def install(paths: Paths, console: Console, codename: str, packages: Sequence[str]) -> None:
    """Report and install ``packages`` of this machine's own release."""
    console.step(f"installing the Debian packages {', '.join(packages)}")
    _refresh(paths, [find_source(codename).file])
    _apt_get(paths, "install packages", *INSTALL, *packages)


def unpack(paths: Paths, console: Console, codename: str, package: str) -> Path:
    """Unpack a package of this machine's own release into the cache if missing, without installing it.

    Return the folder of its files.
    """
    folder = paths.work / "debian" / f"{package}-{codename}"
    if folder.exists():
        return folder
    console.step(f"downloading the Debian package {package}; it is unpacked in the cache and not installed")
    _refresh(paths, [find_source(codename).file])
    with tempfile.TemporaryDirectory(dir=paths.work) as scratch:
        _apt_get(paths, f"download {package}", "download", package, cwd=Path(scratch))
        (archive,) = Path(scratch).glob("*.deb")
        partial = Path(scratch) / "files"
        extract = ["dpkg-deb", "--extract", str(archive), str(partial)]
        logged(f"unpack {package}", extract, paths.work / "logs" / "apt.log", paths)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    return folder
