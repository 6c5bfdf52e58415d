# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install Debian packages: find Debian's own archives in apt's configuration, and take Docker from a newer release."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import Console
from .paths import Paths
from .process import ClusterError, CommandFailed, capture, logged

# Docker of bookworm (20.10) cannot start privileged containers without CAP_SYS_RESOURCE; Docker of trixie can.
OLD_RELEASE, DOCKER_RELEASE = "bookworm", "trixie"
DOCKER_PACKAGES = ("docker.io", "containerd")
SOURCES_FILE = Path("/etc/apt/sources.list.d/conductor-trixie.sources")
PINS_FILE = Path("/etc/apt/preferences.d/conductor-trixie")
WHY = (
    "# Written by Conductor's tools/cluster: Docker of Debian 12 is too old for kind nodes, so only Docker comes\n"
    "# from Debian 13. To undo this, remove this file and the file of the same name in the other folder\n"
    "# (sources.list.d, preferences.d).\n"
)
LOG = "logs/apt.log"
INSTALL = ("install", "--yes", "--no-install-recommends")
# Suites of a Debian release, by the end of their code names. Not backports: they are newer than the release.
PARTS = ("", "-updates", "-security")
# Fields of a source that decide whether apt trusts it; they stay with its address.
TRUST = ("Signed-By", "Trusted", "Check-Valid-Until")


@dataclass(frozen=True)
class AptSource:
    """One of Debian's own archives in this machine's configuration of apt."""

    uri: str
    part: str
    """One of PARTS."""
    trust: str
    """The fields of TRUST as lines; a key may itself have several."""


def stanzas(sources: Sequence[AptSource], codename: str) -> str:
    """Return the text of a .sources file with the suites of the release ``codename`` in the same archives."""
    return "\n".join(
        f"Types: deb\nURIs: {source.uri}\nSuites: {codename}{source.part}\nComponents: main\n{source.trust}"
        for source in sources
    )


def this_codename(os_release: Path = Path("/etc/os-release")) -> str | None:
    """Return the code name of this machine's Debian release; None for other distributions."""
    text = os_release.read_text() if os_release.exists() else ""
    values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return values.get("VERSION_CODENAME") if values.get("ID") == "debian" else None


def read_trust(text: str, deb822: bool, uri: str, suite: str) -> str:
    """Return the fields of TRUST of the source with this address and suite in a file of apt sources, as lines."""
    if deb822:
        uncommented = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
        parts = re.split(r"\n(?:[ \t]*\n)+", uncommented)
        entries = [re.findall(r"^([\w-]+):(.*(?:\n[ \t].*)*)", part, re.MULTILINE) for part in parts]
    else:
        lines = re.findall(r"^[ \t]*deb[ \t]+(?:\[([^\]]*)\][ \t]+)?(\S+)[ \t]+(\S+)", text, re.MULTILINE)
        entries = [
            [("types", "deb"), ("uris", address), ("suites", of), *re.findall(r"([^\s=]+)=(\S+)", options)]
            for options, address, of in lines
        ]
    for entry in entries:
        fields = {name.lower(): value.rstrip() for name, value in entry}
        types, addresses, suites = (
            [word.rstrip("/") for word in fields.get(name, "").split()] for name in ("types", "uris", "suites")
        )
        disabled = fields.get("enabled", "").strip() in ("no", "false", "without", "off", "disable", "0")
        if "deb" in types and uri in addresses and suite in suites and not disabled:
            kept = ((name, fields[name.lower()]) for name in TRUST if fields.get(name.lower(), "").strip())
            return "".join(f"{name}:{value if value[0].isspace() else f' {value}'}\n" for name, value in kept)
    return ""


def choose_sources(targets: str, offers: str, codename: str) -> list[AptSource]:
    """Return Debian's own sources of a release: the one that has a package, and those of its updates.

    ``targets`` is the output of `apt-get indextargets`, which has the origin and code name that an archive itself
    declares, ``offers`` that of `apt-cache madison` for the package. Return nothing if no source has the package.
    """
    having = {line.split("|")[-1].strip() for line in offers.splitlines()}
    found: dict[str, AptSource] = {}
    for target in targets.split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", target, re.MULTILINE))
        if fields.get("Origin") != "Debian" or fields.get("Component") != "main":
            continue
        part = fields.get("Codename", "").removeprefix(codename)
        if part in found or part not in PARTS or (part == "" and fields["Description"] not in having):
            continue
        uri, suite = fields["Repo-URI"].rstrip("/"), fields["Release"].rstrip("/")
        if uri.startswith("cdrom:"):
            continue
        file = Path(fields["Sourcesentry"].rpartition(":")[0])
        text = file.read_text() if file.is_file() else ""
        found[part] = AptSource(uri, part, read_trust(text, file.suffix == ".sources", uri, suite))
    return [found[part] for part in PARTS if part in found] if "" in found else []


def find_sources(paths: Paths, codename: str, package: str) -> list[AptSource]:
    """Refresh apt's lists, and return Debian's sources of ``codename`` that have ``package``, or raise ClusterError."""
    # An unrelated broken source must not stop us. What apt could not fetch is missing in what it knows.
    with contextlib.suppress(CommandFailed):
        _apt_get(paths, "refresh apt's lists", "update", "-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=20")
    targets = capture("list apt's sources", ["apt-get", "indextargets", "Created-By: Packages"]).stdout.decode()
    offers = capture(f"look for {package}", ["apt-cache", "madison", package]).stdout.decode()
    found = choose_sources(targets, offers, codename)
    if not found:
        raise ClusterError(
            f"no apt source of Debian {codename} has the package {package}: add one, or install the package yourself; "
            f"apt's log is {paths.shown(paths.work / LOG)}"
        )
    return found


def newer_release_texts(sources: Sequence[AptSource]) -> tuple[str, str]:
    """Return the text of our apt source of the newer release, and of the pins that prevent other upgrades."""
    pins = (
        f"Package: *\nPin: release o=Debian,n={release}*\nPin-Priority: {priority}\n"
        for release, priority in ((OLD_RELEASE, 990), (DOCKER_RELEASE, 100))
    )
    return WHY + stanzas(sources, DOCKER_RELEASE), WHY + "\n".join(pins)


def install_command(codename: str, with_client: bool) -> list[str]:
    """Return the arguments of apt-get that install a Docker for kind nodes on Debian ``codename``."""
    packages = [*DOCKER_PACKAGES, *(["docker-cli"] if with_client else [])]
    if codename == OLD_RELEASE:
        packages = [f"{package}/{DOCKER_RELEASE}" for package in packages]
    return [*INSTALL, *packages, "runc", "iptables"]


def _apt_get(paths: Paths, step: str, *words: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    logged(step, ["apt-get", *words], paths.work / LOG, paths, env=environment)


def install_docker(paths: Paths, console: Console, codename: str, with_client: bool) -> None:
    """Report and install Docker from Debian. Raise ClusterError (CommandFailed) with apt's message."""
    found = find_sources(paths, codename, "docker.io")
    if codename == OLD_RELEASE:
        console.step(f"installing Docker from Debian {DOCKER_RELEASE}; writing {SOURCES_FILE} and {PINS_FILE}")
        for file, text in zip((SOURCES_FILE, PINS_FILE), newer_release_texts(found)):
            file.write_text(text)
        only = ("-o", f"Dir::Etc::sourcelist={SOURCES_FILE}", "-o", "Dir::Etc::sourceparts=/dev/null")
        _apt_get(paths, f"read {SOURCES_FILE}", "update", *only, "-o", "APT::Get::List-Cleanup=0")
    else:
        console.step(f"installing Docker from Debian {codename}")
    _apt_get(paths, "install Docker", *install_command(codename, with_client))
    console.step("Docker installed")


def install(paths: Paths, console: Console, packages: Sequence[str]) -> None:
    """Report and install ``packages``; the caller has refreshed apt's lists (find_sources)."""
    console.step(f"installing the Debian packages {', '.join(packages)}")
    _apt_get(paths, "install packages", *INSTALL, *packages)
