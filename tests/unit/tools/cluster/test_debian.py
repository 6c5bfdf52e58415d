# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conductor_cluster import debian
from conductor_cluster.paths import Paths
from conductor_cluster.process import ClusterError, CommandFailed

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
BLOCK = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL0BUBEADm\n -----END PGP PUBLIC KEY BLOCK-----\n"
MIRROR = "http://mirror.example/debian"


@dataclass
class Machine:
    """apt's configuration and what `apt-get indextargets` and `apt-cache madison` say of it."""

    folder: Path
    targets: str = ""
    offers: str = ""

    def add(
        self,
        uri: str,
        codename: str,
        *,
        text: str | None = None,
        name: str = "debian.sources",
        suite: str = "",
        origin: str = "Debian",
        component: str = "main",
        offers: bool = True,
    ) -> None:
        """Add an archive, in a file of its own or in one that exists; C(offers): it has the package."""
        file = self.folder / name
        if text is not None:
            file.write_text((file.read_text() if file.exists() else "") + text)
        suite = suite or codename
        described = f"{uri} {suite}/{component} amd64 Packages"
        self.targets += (
            f"MetaKey: {component}/binary-amd64/Packages\nDescription: {described}\nCodename: {codename}\n"
            f"Label: Debian\nOrigin: {origin}\nSuite: oldstable\nComponent: {component}\nCreated-By: Packages\n"
            f"Release: {suite}\nRepo-URI: {uri}/\nSourcesentry: {file}:1\n\n"
        )
        if offers:
            self.offers += f"mmdebstrap |    1.3.5-7 | {described}\n"

    def chosen(self, codename: str = "bookworm") -> list[tuple[str, str, str]]:
        """Return address, part and trust of the sources that are chosen."""
        found = debian.choose_sources(self.targets, self.offers, codename)
        return [(source.uri, source.part, source.trust) for source in found]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _stanza(uri: str = MIRROR, suites: str = "bookworm bookworm-updates", more: str = f"Signed-By: {KEYRING}\n") -> str:
    return f"Types: deb deb-src\nURIs: {uri}\nSuites: {suites}\nComponents: main\n{more}\n"


@pytest.mark.parametrize(
    "third_party",
    [
        {"origin": "microsoft-debian-bookworm-prod bookworm"},
        {"origin": "Docker"},
        {"origin": "Ubuntu"},
        {"origin": "Raspbian"},
        {"origin": "debian"},
        {"origin": "Debian Backports"},
        {"origin": ""},
        {"component": "contrib"},
        {"offers": False},
        {"codename": "trixie"},
        {"codename": "bookworm-backports"},
        {"codename": "bookworm-proposed-updates"},
        {"codename": "bullseye"},
    ],
    ids=lambda different: "-".join(f"{key}={value}" for key, value in different.items()),
)
@pytest.mark.parametrize("lines", [True, False])
def test_only_debian_s_own_main_archive_with_the_package_is_taken(
    machine: Machine, third_party: dict[str, Any], lines: bool
) -> None:
    theirs = "https://third.example/debian"
    text = (
        f"deb [signed-by=/third.gpg] {theirs} bookworm main contrib\n"
        if lines
        else _stanza(theirs, "bookworm", "Signed-By: /third.gpg\n")
    )
    name = "a.list" if lines else "debian.sources"
    machine.add(theirs, text=text, name=name, suite="bookworm", **{"codename": "bookworm", **third_party})
    assert machine.chosen() == []
    machine.add(MIRROR, "bookworm", text=_stanza())
    assert machine.chosen() == [(MIRROR, "", f"Signed-By: {KEYRING}\n")]


def test_the_updates_and_the_security_archive_of_the_same_release_go_along(machine: Machine) -> None:
    security = "http://security.example/debian-security"
    machine.add(
        security, "bookworm-security", text=f"deb {security} bookworm-security main\n", name="s.list", offers=False
    )
    machine.add("https://third.example/x", "bookworm-security", text=_stanza("https://third.example/x"), origin="X")
    machine.add(MIRROR, "bookworm-updates", text=_stanza(), offers=False)
    machine.add(MIRROR, "bookworm")
    machine.add("http://second.example/debian", "bookworm", text=_stanza("http://second.example/debian"))
    trust = f"Signed-By: {KEYRING}\n"
    assert machine.chosen() == [(MIRROR, "", trust), (MIRROR, "-updates", trust), (security, "-security", "")]
    assert machine.chosen("trixie") == []


def test_security_alone_is_not_enough(machine: Machine) -> None:
    machine.add(MIRROR, "bookworm-security", text=_stanza(suites="bookworm-security"))
    assert machine.chosen() == []


@pytest.mark.parametrize(
    ("name", "text", "trust"),
    [
        ("a.sources", _stanza(), f"Signed-By: {KEYRING}\n"),
        (
            "a.sources",
            "# a comment\n\n" + _stanza().replace("URIs", "# http://old.example\nURIs"),
            f"Signed-By: {KEYRING}\n",
        ),
        ("a.sources", _stanza(more=f"Signed-By:{BLOCK}"), f"Signed-By:{BLOCK}"),
        ("a.sources", _stanza(more=f"Signed-By:{BLOCK}# the end\nTrusted: no\n"), f"Signed-By:{BLOCK}Trusted: no\n"),
        ("a.sources", _stanza(more="signed-by: /k.gpg\n"), "Signed-By: /k.gpg\n"),
        ("a.sources", _stanza(more="Signed-By: A0B1 C2D3!\n"), "Signed-By: A0B1 C2D3!\n"),
        ("a.sources", _stanza(more="Check-Valid-Until: no\nLanguages: de\n"), "Check-Valid-Until: no\n"),
        ("a.sources", _stanza(more=""), ""),
        ("a.sources", _stanza(more="Signed-By:\n"), ""),
        (
            "a.sources",
            _stanza(f"\n http://other.example\n {MIRROR}/", "\n bookworm-updates\n bookworm"),
            f"Signed-By: {KEYRING}\n",
        ),
        ("a.sources", _stanza(more="Enabled: no\nSigned-By: /off.gpg\n") + _stanza(), f"Signed-By: {KEYRING}\n"),
        (
            "a.sources",
            _stanza("http://x.example", more="Signed-By: /x.gpg\n") + " \n" + _stanza(),
            f"Signed-By: {KEYRING}\n",
        ),
        ("a.sources", _stanza(suites="trixie", more="Signed-By: /x.gpg\n") + _stanza(), f"Signed-By: {KEYRING}\n"),
        (
            "a.sources",
            _stanza(more="Signed-By: /x.gpg\n").replace("deb deb-src", "deb-src") + _stanza(),
            f"Signed-By: {KEYRING}\n",
        ),
        ("a.list", f"deb {MIRROR} bookworm main\n", ""),
        ("a.list", f" deb\t[ arch=amd64 signed-by=/k.gpg ]\t{MIRROR}/ bookworm main # x\n", "Signed-By: /k.gpg\n"),
        (
            "a.list",
            f"deb [trusted=yes check-valid-until=no] {MIRROR} bookworm main\n",
            "Trusted: yes\nCheck-Valid-Until: no\n",
        ),
        (
            "a.list",
            f"#deb [signed-by=/off.gpg] {MIRROR} bookworm main\ndeb-src [signed-by=/src.gpg] {MIRROR} bookworm main\n"
            "deb [signed-by=/x.gpg] https://third.example bookworm main\n"
            f"deb [signed-by=/k.gpg] {MIRROR} bookworm main\n",
            "Signed-By: /k.gpg\n",
        ),
    ],
)
def test_the_key_of_a_source_is_kept_in_either_format(machine: Machine, name: str, text: str, trust: str) -> None:
    machine.add(MIRROR, "bookworm", text=text, name=name)
    assert machine.chosen() == [(MIRROR, "", trust)]


@pytest.mark.parametrize(
    "uri",
    [
        "mirror+file:/etc/apt/mirrors/debian.list",
        "http://localhost:3142/deb.debian.org/debian",
        "tor+http://mirror.example/debian",
        "http://snapshot.debian.org/archive/debian/20250520T000000Z",
        "file:/srv/mirror/debian",
    ],
)
def test_any_way_to_an_archive_is_kept(machine: Machine, uri: str) -> None:
    machine.add(uri, "bookworm", text=f"deb [signed-by=/k.gpg] {uri} bookworm main\n", name="sources.list")
    assert machine.chosen() == [(uri, "", "Signed-By: /k.gpg\n")]


def test_a_release_may_be_named_by_its_state(machine: Machine) -> None:
    machine.add(MIRROR, "bookworm", text=_stanza(suites="oldstable"), suite="oldstable")
    assert machine.chosen() == [(MIRROR, "", f"Signed-By: {KEYRING}\n")]


def test_a_disc_is_passed_over(machine: Machine) -> None:
    machine.add("cdrom:[Debian 12.5.0 _Bookworm_ - Official amd64 DVD]", "bookworm", text="", name="sources.list")
    assert machine.chosen() == []


def test_without_a_source_the_error_names_release_package_and_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.CompletedProcess([], 0, b"", b"")
    monkeypatch.setattr(debian, "logged", lambda *_, **__: None)
    monkeypatch.setattr(debian, "capture", lambda *_, **__: done)
    with pytest.raises(ClusterError, match=r"no apt source of Debian bookworm has the package x: .*c/cluster/logs/apt"):
        debian.find_sources(Paths(tmp_path, tmp_path / "c"), "bookworm", "x")


def test_an_unrelated_broken_source_stops_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.add(MIRROR, "bookworm", text=_stanza())

    def broken(step: str, *_: Any, **__: Any) -> None:
        raise CommandFailed(step)

    def capture(_step: str, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        said = machine.targets if "indextargets" in command else machine.offers
        return subprocess.CompletedProcess(command, 0, said.encode(), b"")

    monkeypatch.setattr(debian, "logged", broken)
    monkeypatch.setattr(debian, "capture", capture)
    found = debian.find_sources(Paths(machine.folder, machine.folder / "c"), "bookworm", "mmdebstrap")
    assert [source.uri for source in found] == [MIRROR]


def test_our_source_takes_this_machine_s_mirrors_and_our_pins_keep_the_rest(machine: Machine) -> None:
    found = [
        debian.AptSource(MIRROR, "", f"Signed-By:{BLOCK}"),
        debian.AptSource("http://security.example", "-security", ""),
    ]
    sources, pins = debian.newer_release_texts(found)
    assert sources == (
        f"{debian.WHY}Types: deb\nURIs: {MIRROR}\nSuites: trixie\nComponents: main\nSigned-By:{BLOCK}\n"
        "Types: deb\nURIs: http://security.example\nSuites: trixie-security\nComponents: main\n"
    )
    machine.add(MIRROR, "trixie", text=sources, name="conductor.sources")
    assert machine.chosen("trixie") == [(MIRROR, "", f"Signed-By:{BLOCK}")]
    stanzas = [stanza for stanza in pins.split("\n\n") if "Package: *" in stanza]
    assert len(stanzas) == 2
    assert "n=bookworm*\nPin-Priority: 990" in stanzas[0]
    assert "n=trixie*\nPin-Priority: 100" in stanzas[1]
    assert sources.startswith("# Written by Conductor")
    assert pins.startswith("# Written by Conductor")


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
def test_debian_is_recognized(tmp_path: Path, text: str, expected: str | None) -> None:
    assert debian.this_codename(tmp_path / "os-release") is None
    (tmp_path / "os-release").write_text(text)
    assert debian.this_codename(tmp_path / "os-release") == expected
