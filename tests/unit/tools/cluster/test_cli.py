# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from conductor_cluster import cli, engine, kind, lifecycle
from conductor_cluster.paths import Paths, find_paths

VERBS = ["up", "down", "load", "status", "kubeconfig", "audit", "program"]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    found = Paths(clone=tmp_path, cache=tmp_path / ".cache")
    monkeypatch.setattr(cli, "find_paths", lambda: found)
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args([verb, "--help"])
    assert ended.value.code == 0
    assert f"cluster {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["up", "down", "load", "status", "kubeconfig", "audit"])
def test_the_default_name(verb: str) -> None:
    assert cli.parser().parse_args([verb]).name == "conductor"
    assert cli.parser().parse_args([verb, "other"]).name == "other"


def test_up_takes_its_options_on_either_side_of_the_name() -> None:
    for argv in (["up", "a", "--node-image", "built"], ["up", "--node-image", "built", "a"]):
        arguments = cli.parser().parse_args(argv)
        assert (arguments.name, arguments.node_image) == ("a", "built")
    assert cli.parser().parse_args(["up"]).node_image == "auto"


@pytest.mark.parametrize("argv", [[], ["fly"], ["program", "nonesuch"], ["up", "a", "b"]])
def test_wrong_arguments_end_with_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    assert ended.value.code == 2
    assert "usage: cluster" in capsys.readouterr().err


def test_a_bad_name_is_an_error_before_anything_is_done(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "../x"]) == 1
    assert "is not a valid cluster name" in capsys.readouterr().err
    assert not list(paths.clone.iterdir())


def test_kubeconfig_prints_the_path_alone(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["kubeconfig", "a"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "`cluster up a`" in said.err
    paths.cluster("a").mkdir(parents=True)
    paths.kubeconfig("a").write_text("x")
    assert cli.main(["kubeconfig", "a"]) == 0
    assert capsys.readouterr().out == f"{paths.clone}/.cluster/a/kubeconfig\n"


@pytest.mark.parametrize(("well", "code"), [(True, 0), (False, 1)])
def test_status_ends_with_0_only_when_all_is_well(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], well: bool, code: int
) -> None:
    monkeypatch.setattr(lifecycle, "status", lambda *_: [("docker", True, "26"), ("CoreDNS", well, "words")])
    assert cli.main(["status", "a"]) == code
    assert ("BAD" in capsys.readouterr().out) is not well


def test_without_any_docker_there_is_nothing_to_remove(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "wake_docker", lambda *_: False)
    paths.cluster("a").mkdir(parents=True)
    assert cli.main(["down", "a"]) == 0
    assert "a does not exist" in capsys.readouterr().err
    assert not paths.cluster("a").exists()


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch, paths: Paths) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, "status", stop)
    assert cli.main(["status"]) == 130


def test_every_program_has_a_family() -> None:
    known = find_paths().go_modules
    for name in kind.IN_NODE_IMAGE:
        assert (known / kind.FAMILIES.get(name, kind.OTHER_FAMILY)).is_dir()
