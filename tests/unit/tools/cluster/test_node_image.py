# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from conductor_cluster.build import node_image
from conductor_cluster.paths import Paths, find_paths


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program"
    file.write_bytes(b"\x7fELF" + b"x" * 5000)
    file.chmod(0o700)
    return file


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let C(docker import) keep the tar and its arguments in the folder that is returned."""
    folder = tmp_path / "imported"
    folder.mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/arguments\nwhile [ $# -gt 2 ]; do shift; done\n'
        f'cp "$1" {folder}/tar\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    return folder


def _paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path, tmp_path / "cache")
    paths.work.mkdir(parents=True)
    return paths


def test_an_image_has_its_program_and_how_it_is_started(tmp_path: Path, program: Path, imported: Path) -> None:
    paths = _paths(tmp_path)
    node_image.make_image(paths, "r.example/a:v1", "/usr/bin/p", program, user="65532:65532", recipe="abc")
    with tarfile.open(imported / "tar") as tar:
        members = {member.name: member for member in tar}
        assert set(members) == {"usr/bin/p", "tmp"}
        assert members["usr/bin/p"].size == program.stat().st_size
        assert members["usr/bin/p"].mode == 0o755
        assert members["tmp"].mode == 0o1777
        assert members["tmp"].isdir()
        assert {(member.uid, member.gid, member.uname) for member in members.values()} == {(0, 0, "")}
    assert (imported / "arguments").read_text().splitlines() == [
        "import",
        '--change=ENTRYPOINT ["/usr/bin/p"]',
        "--change=ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "--change=WORKDIR /",
        "--change=USER 65532:65532",
        "--change=LABEL conductor.recipe=abc",
        str(paths.work / "image.tar"),
        "r.example/a:v1",
    ]
    assert not list(paths.work.iterdir())


def test_a_program_lies_over_the_files_that_it_calls(tmp_path: Path, program: Path, imported: Path) -> None:
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("lib/x"))
    node_image.make_image(_paths(tmp_path), "b", "/p", program, files=files.getvalue())
    with tarfile.open(imported / "tar") as tar:
        assert tar.getnames() == ["lib/x", "p", "tmp"]
    assert "USER" not in (imported / "arguments").read_text()
    assert "LABEL" not in (imported / "arguments").read_text()


def test_files_alone_are_an_image(tmp_path: Path, imported: Path) -> None:
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("bin/sh"))
    node_image.make_image(_paths(tmp_path), "c", "/bin/sh", files=files.getvalue())
    assert (imported / "tar").read_bytes() == files.getvalue()


def test_our_files_of_the_node_are_root_s_whatever_the_clone_s_modes(tmp_path: Path, program: Path) -> None:
    programs = dict.fromkeys(node_image.NODE_PROGRAMS, program)
    node_image._write_files(find_paths(), programs, tmp_path / "node.tar")
    with tarfile.open(tmp_path / "node.tar") as tar:
        members = {member.name: member for member in tar}
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}
    assert {member.mode for member in members.values() if member.isdir()} == {0o755}
    modes = {name: member.mode for name, member in members.items()}
    assert modes["etc/containerd/config.toml"] == 0o644
    assert modes["usr/local/lib/conductor/entrypoint"] == 0o755
    assert modes["build-stage/assemble"] == 0o755
    assert modes["usr/bin/kubelet"] == 0o755
    assert modes["usr/local/lib/conductor/kind"] == 0o755
