# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conductor_cluster import debian
from conductor_cluster.console import Console
from conductor_cluster.errors import ClusterError
from conductor_cluster.paths import Paths

STANZAS = """# a comment
Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://mirror.example/debian http://other.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
LINES = """# deb http://commented.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib
"""


def test_stanzas_are_read() -> None:
    file = Path("/etc/apt/sources.list.d/debian.sources")
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    expected = debian.AptSource("http://mirror.example/debian", keyring, file)
    assert debian.parse_sources(STANZAS, file, "bookworm") == expected


def test_lines_are_read() -> None:
    file = Path("/etc/apt/sources.list")
    expected = debian.AptSource("http://mirror.example/debian", "/k.gpg", file)
    assert debian.parse_sources(LINES, file, "bookworm") == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sources", STANZAS.replace("Suites: bookworm b", "Enabled: no\nSuites: bookworm b")),
        ("a.sources", STANZAS.replace("Types: deb\n", "Types: deb-src\n")),
        ("a.sources", "Types: deb\nURIs: http://third.example\nSuites: nodistro\nComponents: main\n"),
        ("a.list", "deb https://third.example/apt stable main\n"),
        ("a.list", ""),
    ],
    ids=["disabled", "sources only", "third party", "third party line", "empty"],
)
def test_other_sources_are_passed_over(name: str, text: str) -> None:
    assert debian.parse_sources(text, Path(name), "bookworm") is None


def test_the_source_is_found_among_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "a.list").write_text("deb https://third.example/apt stable main\n")
    (folder / "b.sources").write_text(STANZAS)
    (folder / "c.sources.disabled").write_text(STANZAS.replace("mirror", "wrong"))
    assert debian.find_source("bookworm", tmp_path).file == folder / "b.sources"
    with pytest.raises(ClusterError, match="no apt source of Debian trixie"):
        debian.find_source("trixie", tmp_path)


def test_our_source_takes_this_machine_s_mirror_and_our_pins_keep_the_rest() -> None:
    source = debian.AptSource("http://mirror.example/debian", "/k.gpg", Path("x.sources"))
    sources, pins = debian.newer_release_texts(source)
    again = debian.parse_sources(sources, Path("conductor.sources"), "trixie")
    assert again == debian.AptSource("http://mirror.example/debian", "/k.gpg", Path("conductor.sources"))
    stanzas = [stanza for stanza in pins.split("\n\n") if "Package: *" in stanza]
    assert len(stanzas) == 2
    assert "n=bookworm*\nPin-Priority: 990" in stanzas[0]
    assert "n=trixie*\nPin-Priority: 100" in stanzas[1]
    assert sources.startswith("# Written by Conductor")
    assert pins.startswith("# Written by Conductor")


def test_a_source_without_a_key_stays_without_one() -> None:
    assert "Signed-By" not in debian.newer_release_texts(debian.AptSource("http://m", "", Path("x")))[0]


def test_only_docker_comes_from_the_newer_release() -> None:
    command = debian.install_command("bookworm", with_client=True)
    newer = [word for word in command if word.endswith("/trixie")]
    assert newer == ["docker.io/trixie", "containerd/trixie", "docker-cli/trixie"]
    assert "runc" in command
    assert not [word for word in debian.install_command("trixie", with_client=False) if "/trixie" in word]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_CODENAME=bookworm\nID=debian\n', "bookworm"),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n", None),
        ("", None),
    ],
)
def test_debian_is_recognized(text: str, expected: str | None) -> None:
    assert debian.release_codename(text) == expected


def test_a_package_is_unpacked_once_and_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def logged(step: str, command: list[str], log: Path, paths: Paths, **more: Any) -> None:
        commands.append(command)
        if "download" in command:
            (more["cwd"] / "tool_1_amd64.deb").touch()
        if "--extract" in command:
            Path(command[-1]).mkdir()

    monkeypatch.setattr(debian, "logged", logged)
    monkeypatch.setattr(debian, "find_source", lambda codename: debian.AptSource("u", "", tmp_path / "sources.list"))
    (tmp_path / "sources.list").touch()
    paths = Paths(tmp_path, tmp_path / "cache")
    paths.work.mkdir(parents=True)
    folder = debian.unpack(paths, Console(), "bookworm", "tool")
    assert folder.is_dir()
    assert [command[0] for command in commands] == ["apt-get", "apt-get", "dpkg-deb"]
    assert not [command for command in commands if "install" in command]
    assert debian.unpack(paths, Console(), "bookworm", "tool") == folder
    assert len(commands) == 3
