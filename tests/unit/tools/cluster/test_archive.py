# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from conductor_cluster.build.archive import Entry, File, Folder, Image, Link, write_archive, write_tar


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program"
    file.write_bytes(b"\x7fELF" + b"x" * 5000)
    return file


def _entries(program: Path) -> list[Entry]:
    return [
        File("usr/bin/program", program),
        Link("bin/other", "program"),
        Folder("tmp", 0o1777),
        File("etc/x", b"y", 0o644),
    ]


def test_a_tar_has_everything_and_its_folders(tmp_path: Path, program: Path) -> None:
    write_tar(tmp_path / "a.tar", _entries(program))
    with tarfile.open(tmp_path / "a.tar") as tar:
        members = {member.name: member for member in tar}
        assert list(members) == ["bin", "bin/other", "etc", "etc/x", "tmp", "usr", "usr/bin", "usr/bin/program"]
        assert members["usr/bin/program"].size == program.stat().st_size
        assert members["usr/bin/program"].mode == 0o755
        assert members["etc/x"].mode == 0o644
        assert members["tmp"].mode == 0o1777
        assert members["bin/other"].linkname == "program"
        content = tar.extractfile("etc/x")
        assert content is not None
        assert content.read() == b"y"
        assert {(member.mtime, member.uid, member.gid) for member in members.values()} == {(0, 0, 0)}


def test_the_same_contents_make_the_same_bytes(tmp_path: Path, program: Path) -> None:
    write_tar(tmp_path / "a.tar", _entries(program))
    os.utime(program, (1, 1))
    write_tar(tmp_path / "b.tar", reversed(_entries(program)))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_an_archive_says_what_docker_load_reads(tmp_path: Path, program: Path) -> None:
    base = tmp_path / "base.tar"
    write_tar(base, [File("lib/x", b"x")])
    images = [
        Image("r.example/a:v1", _entries(program), ["/usr/bin/program"], "65532:65532", {"label": "value"}),
        Image("r.example/b:v2", [File("b", b"b")], ["/b"], base=base),
        Image("r.example/c:v3", [File("b", b"b")], ["/b"]),
    ]
    digests = write_archive(tmp_path / "out" / "images.tar", images)
    assert len(digests) == 3, "b and c share a layer"
    with tarfile.open(tmp_path / "out" / "images.tar") as tar:
        names = tar.getnames()
        assert len(names) == len(set(names))
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert [entry["RepoTags"] for entry in manifest] == [["r.example/a:v1"], ["r.example/b:v2"], ["r.example/c:v3"]]
        for entry in manifest:
            config = tar.extractfile(entry["Config"])
            assert config is not None
            text = config.read()
            assert entry["Config"] == f"{hashlib.sha256(text).hexdigest()}.json"
            read = json.loads(text)
            for layer, digest in zip(entry["Layers"], read["rootfs"]["diff_ids"], strict=True):
                content = tar.extractfile(layer)
                assert content is not None
                assert digest == f"sha256:{hashlib.sha256(content.read()).hexdigest()}"
                assert digest in digests
            assert read["os"] == "linux"
            if entry["RepoTags"] == ["r.example/a:v1"]:
                assert read["config"]["User"] == "65532:65532"
                assert read["config"]["Entrypoint"] == ["/usr/bin/program"]
                assert read["config"]["Labels"] == {"label": "value"}
            if entry["RepoTags"] == ["r.example/b:v2"]:
                assert len(entry["Layers"]) == 2
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["images.tar"]
