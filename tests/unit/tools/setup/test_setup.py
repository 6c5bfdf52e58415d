# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_setup import collections, cores, environments, stamps
from conductor_setup.layout import Layout, this_clone
from conductor_setup.play import Target, UsageError, clean_environment, named_target
from conductor_setup.steps import SetupError, run

ENTRY = this_clone() / "tools" / "setup" / "setup"


def layout(clone: Path) -> Layout:
    (clone / "requirements").mkdir()
    return Layout.of(clone, {})


def shim(folder: Path, name: str, code: int) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {name} >>{folder}/asked\nexit {code}\n")
    program.chmod(0o755)


def start(path: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": path, **variables}
    return subprocess.run([ENTRY], env=environ, capture_output=True, text=True, timeout=30, check=False)


def test_a_shim_without_an_interpreter_is_passed_over(tmp_path: Path) -> None:
    shim(tmp_path / "bin", "python3", 127)
    shim(tmp_path / "bin", "python3.12", 0)
    answer = start(f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert answer.returncode == 0
    assert (tmp_path / "bin" / "asked").read_text().split()[-1] == "python3.12"


def test_a_chosen_python_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    shim(tmp_path / "bin", "python3.12", 0)
    answer = start(f"{tmp_path / 'bin'}:/usr/bin:/bin", PYTHON="no-such-python")
    assert answer.returncode == 1
    assert "PYTHON=no-such-python does not run or is older than 3.11" in answer.stderr


def test_the_cache_may_be_moved(tmp_path: Path) -> None:
    assert Layout.of(tmp_path, {}).cache == tmp_path / ".cache"
    assert Layout.of(tmp_path, {"CONDUCTOR_CACHE": "/big/disk"}).cache == Path("/big/disk")


def test_a_stamp_is_current_for_the_same_input_only(tmp_path: Path) -> None:
    locked = tmp_path / "a.txt"
    locked.write_text("kubernetes==1")
    stamp = tmp_path / "stamp"
    assert not stamps.is_current(stamp, stamps.digest([locked]))
    stamps.write(stamp, stamps.digest([locked]))
    assert stamps.is_current(stamp, stamps.digest([locked]))
    locked.write_text("kubernetes==2")
    assert not stamps.is_current(stamp, stamps.digest([locked]))


def test_parts_of_a_digest_do_not_run_into_each_other() -> None:
    assert stamps.digest(["ab", "c"]) != stamps.digest(["a", "bc"])


def test_a_failed_command_shows_its_words_and_the_advice() -> None:
    with pytest.raises(SetupError, match=r"exit code 2:\n.*no-such-file(.|\n)*try the other way"):
        run(["/bin/ls", "/no-such-file"], "try the other way", os.environ)


def test_a_changed_lock_makes_the_environment_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = layout(tmp_path)
    commands: list[list[str]] = []

    def note(command: list[object], advice: str, environment: object, timeout: float = 0) -> None:
        commands.append([str(word) for word in command])
        clone.venv.mkdir(exist_ok=True)

    monkeypatch.setattr(environments, "run", note)
    for lock in ("runtime", "test"):
        (clone.requirements / f"{lock}.txt").write_text("a==1")

    def made() -> list[str]:
        """Which commands the next call needs: the environment itself, then lock files."""
        commands.clear()
        environments.ensure(clone, clone.venv, "runtime", "test")
        return ["venv" if "venv" in command else Path(command[-1]).stem for command in commands]

    environments.ensure(clone, clone.venv, "runtime")
    assert made() == ["test"]
    assert made() == []
    (clone.requirements / "test.txt").write_text("a==2")
    assert made() == ["venv", "runtime", "test"]


def test_the_checkout_is_linked_once_and_relinked_when_wrong(tmp_path: Path) -> None:
    clone = layout(tmp_path)
    link = clone.collections / "conductor" / "trainer"
    for _ in range(2):
        collections.link_checkout(clone)
        assert link.resolve() == tmp_path
    link.unlink()
    link.symlink_to("/elsewhere")
    collections.link_checkout(clone)
    assert link.resolve() == tmp_path


def test_a_folder_in_the_place_of_the_link_is_not_removed(tmp_path: Path) -> None:
    clone = layout(tmp_path)
    (clone.collections / "conductor" / "trainer").mkdir(parents=True)
    with pytest.raises(SetupError, match="in the way"):
        collections.link_checkout(clone)


def test_no_context_means_the_local_cluster() -> None:
    assert named_target("", "") is None


def test_a_kubeconfig_alone_is_refused() -> None:
    with pytest.raises(UsageError, match="needs CONTEXT=name"):
        named_target("", "/home/me/.kube/config")


def test_a_named_context_reaches_ansible_whole() -> None:
    target = named_target("prod", "/my files/config")
    assert target == Target("/my files/config", "prod")
    assert json.loads(target.extra_vars()) == {
        "conductor_kubeconfig": "/my files/config",
        "conductor_context": "prod",
    }


def test_the_environment_selects_no_cluster(tmp_path: Path) -> None:
    variables = clean_environment(
        {"KUBECONFIG": "k", "K8S_AUTH_CONTEXT": "prod", "HOME": "/h"}, Layout.of(tmp_path, {})
    )
    assert variables == {"HOME": "/h", "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "--context '' --kubeconfig ''"),
        (["CONTEXT=prod"], "--context 'prod' --kubeconfig '/from/environment'"),
        (["CONTEXT=prod", "KUBECONFIG=/f"], "--context 'prod' --kubeconfig '/f'"),
        (["KUBECONFIG=/f"], "--context '' --kubeconfig '/f'"),
    ],
)
def test_only_the_command_line_of_make_names_a_cluster(words: list[str], expected: str) -> None:
    environ = {"PATH": os.environ["PATH"], "KUBECONFIG": "/from/environment", "CONTEXT": "from-environment"}
    shown = subprocess.run(
        ["make", "--dry-run", "install", *words],
        cwd=this_clone(),
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert f"conductor_setup.play install {expected}" in shown.stdout


def test_an_interpreter_is_asked_for_its_version(tmp_path: Path) -> None:
    version = "{}.{}".format(*sys.version_info)
    wrong = tmp_path / "wrong"
    shim(wrong, f"python{version}", 127)
    kept = tmp_path / "pyenv" / "versions" / f"{version}.99" / "bin"
    kept.mkdir(parents=True)
    environ = {"PATH": str(wrong), "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert cores.interpreter(version, environ) is None
    (kept / f"python{version}").symlink_to(sys.executable)
    assert cores.interpreter(version, environ) == kept / f"python{version}"
    assert cores.interpreter("3.1", environ) is None


def test_the_tested_releases_of_ansible_core_span_the_claim() -> None:
    clone = this_clone()
    pins = {core: (clone / "requirements" / f"{core.name}.in").read_text().splitlines()[-1] for core in cores.CORES}
    assert all(pin.startswith(f"ansible-core=={core.version}.") for core, pin in pins.items())
    # The very first release that is allowed, and the newest that is used anywhere.
    oldest = pins[cores.CORES[0]].partition("==")[2]
    assert f'requires_ansible: ">={oldest}"' in (clone / "meta" / "runtime.yml").read_text()
    assert pins[cores.CORES[-1]] in (clone / "requirements" / "runtime.in").read_text()
    assert (cores.CORES[0], cores.CORES[-1]) == cores.EVERY_TIME
