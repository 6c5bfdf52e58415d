# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conductor_cluster import catalogue
from conductor_cluster.build import go_programs
from conductor_cluster.catalogue import Controller, Family
from conductor_cluster.console import Console
from conductor_cluster.paths import Paths, find_paths
from conductor_cluster.process import ClusterError


def test_kubernetes_programs_know_their_version(tmp_path: Path) -> None:
    flags = go_programs.linker_flags(Family(tmp_path, "k8s.io/kubernetes", "v1.35.8", ("kubeadm",)))
    assert "-X k8s.io/component-base/version.gitMajor=1 " in flags
    assert "-X k8s.io/client-go/pkg/version.gitMinor=35 " in flags
    assert "-X k8s.io/component-base/version.gitVersion=v1.35.8 " in flags
    assert "-X k8s.io/component-base/version.gitTreeState=clean " in flags


def test_a_controller_s_version_is_set_where_it_has_a_place(tmp_path: Path) -> None:
    family = Family(tmp_path, "m.example/x", "v1.2.3", ("x",))
    assert (
        go_programs.linker_flags(family, Controller("i", "f", "x", "m.example/v.V")) == "-s -w -X m.example/v.V=v1.2.3"
    )
    assert go_programs.linker_flags(family, Controller("i", "f", "x", "")) == "-s -w"


def test_the_build_takes_nothing_of_the_caller_s_go_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOOS", "plan9")
    monkeypatch.setenv("GOEXPERIMENT", "x")
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    monkeypatch.setenv("PATH", "/bin")
    paths = Paths(clone=tmp_path, cache=tmp_path / "c")
    found = go_programs.environment(paths)
    assert found["GOFLAGS"] == "-buildvcs=false -modcacherw -mod=readonly"
    assert (found["GOOS"], found["CGO_ENABLED"], found["GOTOOLCHAIN"]) == ("linux", "0", "auto")
    assert found["GOPROXY"] == "https://proxy.example"
    assert found["GOCACHE"].startswith(str(tmp_path))
    assert found["GOMODCACHE"].startswith(str(tmp_path))
    assert found["PATH"] == "/bin"
    assert "GOEXPERIMENT" not in found


def test_without_go_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    paths = Paths(clone=tmp_path, cache=tmp_path / "c")
    family = catalogue.family(find_paths(), "pause")
    with pytest.raises(ClusterError, match=r"no `go` on PATH: install Go 1\.26"):
        go_programs.build(paths, Console(), family)


def test_a_cached_build_needs_no_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = Paths(clone=tmp_path, cache=tmp_path / "c")
    family = catalogue.family(find_paths(), "pause")
    go_programs.folder(paths, family).mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert go_programs.build(paths, Console(), family) == go_programs.folder(paths, family)


def test_a_failed_build_leaves_no_folder_and_names_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\necho "x.go:1: broken" >&2\nexit 1\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    paths = Paths(clone=tmp_path, cache=tmp_path / "c")
    family = catalogue.family(find_paths(), "pause")
    with pytest.raises(ClusterError, match=r"(?s)build pause.*c/cluster/logs/go-pause\.log.*x\.go:1: broken"):
        go_programs.build(paths, Console(), family)
    assert not go_programs.folder(paths, family).exists()


def test_two_runs_at_once_build_a_program_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go, builds = tmp_path / "bin" / "go", tmp_path / "builds"
    go.parent.mkdir()
    # The folder of the result is the argument after -o.
    go.write_text(f'#!/bin/sh\necho once >> {builds}\nwhile [ "$1" != -o ]; do shift; done\ntouch "$2/pause"\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    paths = Paths(clone=tmp_path, cache=tmp_path / "c")
    family = catalogue.family(find_paths(), "pause")
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(lambda _number: go_programs.build(paths, Console(), family), range(4)))
    assert {(folder / "pause").is_file() for folder in built} == {True}
    assert builds.read_text().splitlines() == ["once"]
