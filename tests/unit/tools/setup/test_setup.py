# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conductor_setup import setup as setups
from conductor_setup.setup import COLLECTIONS, Setup, SetupError, digest, is_current, run, uv_settings

CLONE = Path(__file__).resolve().parents[4]
ENTRY = CLONE / "tools" / "setup" / "setup"


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
    assert Setup(tmp_path, {}).cache == tmp_path / ".cache"
    assert Setup(tmp_path, {"CONDUCTOR_CACHE": f"{tmp_path}/big"}).cache == tmp_path / "big"


def test_everything_that_is_downloaded_goes_below_the_cache(tmp_path: Path) -> None:
    environ = Setup(tmp_path, {"PIP_CACHE_DIR": "/elsewhere", "HOME": "/h"}).environ
    caches = {environ[name] for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR", "TMPDIR")}
    assert caches == {f"{tmp_path}/.cache/pip", f"{tmp_path}/.cache/uv", f"{tmp_path}/.cache/tmp"}
    assert (environ["HOME"], environ["UV_PYTHON_DOWNLOADS"]) == ("/h", "never")


def test_a_stamp_is_current_for_the_same_input_only(tmp_path: Path) -> None:
    locked = tmp_path / "a.txt"
    locked.write_text("kubernetes==1")
    stamp = tmp_path / "stamp"
    assert not is_current(stamp, digest(locked))
    stamp.write_text(digest(locked))
    assert is_current(stamp, digest(locked))
    locked.write_text("kubernetes==2")
    assert not is_current(stamp, digest(locked))


def test_parts_of_a_digest_do_not_run_into_each_other() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_failed_command_shows_its_words_and_the_advice() -> None:
    with pytest.raises(SetupError, match=r"exit code 2:\n.*no-such-file(.|\n)*try the other way"):
        run(["/bin/ls", "/no-such-file"], "try the other way", os.environ)


@pytest.mark.parametrize("command", [["/no-such-program"], ["/bin/sleep", "60"]])
def test_a_command_that_does_not_start_or_end_shows_the_advice(command: list[str]) -> None:
    with pytest.raises(SetupError, match=rf"cannot run {command[0]}(.|\n)*try the other way"):
        run(command, "try the other way", os.environ, timeout=0.05)


LISTED = """\
:env:.find-links='/wheels https://other/wheels'
:env:.index-url='https://me:secret@mirror/simple'
:env:.no-input='1'
download.cert='/for/another/command'
freeze.timeout='5'
global.cert='/ca.pem'
global.extra-index-url='\\nhttps://a/simple\\nhttps://b/simple'
global.index-url='https://file/simple'
global.timeout='10'
install.timeout='60'
"""


def test_the_settings_of_pip_reach_uv() -> None:
    assert uv_settings(LISTED) == {
        "UV_DEFAULT_INDEX": "https://me:secret@mirror/simple",
        "UV_INDEX": "https://a/simple https://b/simple",
        "UV_FIND_LINKS": "/wheels,https://other/wheels",
        "UV_HTTP_TIMEOUT": "60",
        "SSL_CERT_FILE": "/ca.pem",
    }


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """A clone with lock files, and programs in place of pip and uv that note how they are called."""
    (tmp_path / "requirements").mkdir()
    for lock in ("runtime", "test"):
        (tmp_path / "requirements" / f"{lock}.txt").write_text("a==1")
    made = Setup(tmp_path, {"PATH": "/usr/bin:/bin", "UV_INDEX": "https://own/simple"})
    made.programs = tmp_path / "programs"
    made.programs.mkdir()
    for name, text in {
        "pip": "echo \"global.index-url='https://mirror/simple'\"; echo \"global.extra-index-url='https://x'\"",
        "uv": f'echo "$UV_DEFAULT_INDEX $UV_INDEX $*" >>{tmp_path}/called\nmkdir -p {tmp_path}/.venv',
    }.items():
        (made.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (made.programs / name).chmod(0o755)
    return made


def called(setup: Setup, *locks: str) -> list[str]:
    """The calls of uv that the environment needs: its creation, and the lock files whose packages it gets."""
    record = setup.clone / "called"
    record.unlink(missing_ok=True)
    setup.ensure(".venv", *locks)
    lines = record.read_text().splitlines() if record.exists() else []
    # Its own variable counts more than the setting of pip.
    assert all(line.startswith("https://mirror/simple https://own/simple ") for line in lines)
    assert all("--require-hashes" in line for line in lines if " pip sync " in line)
    return [
        " ".join(Path(word).stem for word in line.split() if word.endswith(".txt")) if " pip sync " in line else "venv"
        for line in lines
    ]


def test_only_a_changed_lock_is_work(setup: Setup) -> None:
    assert called(setup, "runtime") == ["venv", "runtime"]
    assert called(setup, "runtime", "test") == ["runtime test"]
    assert called(setup, "runtime", "test") == []
    assert called(setup, "runtime") == []
    (setup.requirements / "test.txt").write_text("a==2")
    assert called(setup, "runtime") == []
    assert called(setup, "runtime", "test") == ["runtime test"]


def test_a_smaller_tier_keeps_what_a_larger_one_installed(setup: Setup) -> None:
    called(setup, "runtime", "test")
    (setup.requirements / "runtime.txt").write_text("a==2")
    assert called(setup, "runtime") == ["runtime test"]
    assert called(setup, "runtime", "test") == []


def test_a_lock_file_that_no_longer_exists_is_ignored(setup: Setup) -> None:
    called(setup, "runtime", "test")
    (setup.requirements / "test.txt").unlink()
    (setup.requirements / "runtime.txt").write_text("a==2")
    assert called(setup, "runtime") == ["runtime"]


def test_an_environment_of_another_kind_is_made_anew(setup: Setup) -> None:
    called(setup, "runtime", "test")
    (setup.clone / ".venv" / ".conductor-basis").write_text("another Python, or made elsewhere")
    assert called(setup, "runtime") == ["venv", "runtime"]


def test_a_failure_leaves_no_stamp(setup: Setup) -> None:
    called(setup, "runtime")
    (setup.requirements / "runtime.txt").write_text("a==2")
    (setup.programs / "uv").write_text("#!/bin/sh\necho no such package; exit 1\n")
    with pytest.raises(SetupError, match=r"no such package\n.*PIP_INDEX_URL"):
        called(setup, "runtime")
    assert [stamp.name for stamp in (setup.clone / ".venv").glob(".conductor-*")] == [".conductor-basis"]


def test_the_checkout_is_linked_once_and_relinked_when_wrong(tmp_path: Path) -> None:
    clone = Setup(tmp_path, {})
    link = clone.clone / COLLECTIONS / "conductor" / "trainer"
    for _ in range(2):
        clone.link_checkout()
        assert link.resolve() == tmp_path
    link.unlink()
    link.symlink_to("/elsewhere")
    clone.link_checkout()
    assert link.resolve() == tmp_path


def test_a_folder_in_the_place_of_the_link_is_not_removed(tmp_path: Path) -> None:
    clone = Setup(tmp_path, {})
    (clone.clone / COLLECTIONS / "conductor" / "trainer").mkdir(parents=True)
    with pytest.raises(SetupError, match="is not a link to the checkout"):
        clone.link_checkout()


@dataclass
class Play:
    """The script in a clone whose programs note how they are called."""

    clone: Path
    cluster_code: int = 0

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it; the output of ansible-playbook is its variables, its words and what it finds in its environment."""
        script = self.clone / "tools" / "setup" / "play"
        for path, text in {
            script: (CLONE / "tools" / "setup" / "play").read_text(),
            self.clone / "tools/cluster/cluster": (
                '#!/bin/sh\necho "cluster $*" >&2\n[ $1 = up ] || '
                f'echo "{self.clone}/the file"\nexit {self.cluster_code}\n'
            ),
            self.clone / ".venv/bin/python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
            self.clone / ".venv/bin/ansible-playbook": '#!/bin/sh\nprintf "%s\\n" "$@"\nenv\n',
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        variables = {"PATH": "/usr/bin:/bin", "HOME": "/h", **environ}
        return subprocess.run([script, *words], env=variables, capture_output=True, text=True, timeout=30, check=False)

    def variables(self, *words: str) -> Any:
        """The variables that ansible-playbook gets."""
        lines = self(*words).stdout.splitlines()
        return json.loads(lines[lines.index("-e") + 1])


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path / "my clone")


def test_no_context_means_the_local_cluster(play: Play) -> None:
    done = play("install", "", "")
    assert done.stdout.startswith("install: the local kind cluster conductor (CONTEXT is not set)\n")
    assert f"{play.clone}/playbooks/install.yml\n" in done.stdout
    assert done.stderr == "cluster up conductor\ncluster kubeconfig conductor\n"
    local = {"conductor_kubeconfig": f"{play.clone}/the file", "conductor_context": "kind-conductor"}
    assert play.variables("install", "", "") == local


def test_a_verification_starts_no_cluster(play: Play) -> None:
    assert play("verify", "", "").stderr == "cluster kubeconfig conductor\n"


@pytest.mark.parametrize("playbook", ["install", "verify"])
def test_a_cluster_that_does_not_come_up_ends_it(play: Play, playbook: str) -> None:
    play.cluster_code = 3
    done = play(playbook, "", "")
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert done.stderr.endswith(f"{playbook}: no local cluster, see above\n")


def test_a_kubeconfig_alone_is_refused(play: Play) -> None:
    done = play("install", "", "/home/me/.kube/config")
    assert (done.returncode, done.stdout) == (2, "")
    assert "requires CONTEXT=name" in done.stderr


@pytest.mark.parametrize(
    ("named", "used"),
    [("/my files/config", "/my files/config"), ("", "/h/.kube/config"), ('/it\'s "$x"', '/it\'s "$x"')],
)
def test_a_named_context_reaches_ansible_whole(play: Play, named: str, used: str) -> None:
    assert play.variables("install", "prod", named) == {"conductor_kubeconfig": used, "conductor_context": "prod"}
    assert play("install", "prod", named).stderr == ""


def test_the_environment_selects_no_cluster(play: Play) -> None:
    environ = {"KUBECONFIG": "k", "K8S_AUTH_CONTEXT": "prod", "K8S_AUTH_HOST": "h\nK8S_AUTH_X=", "ANSIBLE_CONFIG": "/x"}
    found = play("install", "mine", "/f", **environ).stdout.splitlines()
    assert [line for line in found if line.startswith(("KUBECONFIG", "K8S_AUTH_"))] == []
    assert f"ANSIBLE_CONFIG={play.clone}/ansible.cfg" in found
    assert "HOME=/h" in found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "'' ''"),
        (["CONTEXT=prod"], "'prod' '/from/environment'"),
        (["CONTEXT=prod", "KUBECONFIG=/f"], "'prod' '/f'"),
        (["KUBECONFIG=/f"], "'' '/f'"),
    ],
)
def test_only_the_command_line_of_make_names_a_cluster(words: list[str], expected: str) -> None:
    environ = {"PATH": os.environ["PATH"], "KUBECONFIG": "/from/environment", "CONTEXT": "from-environment"}
    shown = subprocess.run(
        ["make", "--dry-run", "install", *words],
        cwd=CLONE,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert f"tools/setup/play install {expected}\n" in shown.stdout


def test_an_interpreter_is_asked_for_its_version(tmp_path: Path) -> None:
    version = "{}.{}".format(*sys.version_info)
    wrong = tmp_path / "wrong"
    shim(wrong, f"python{version}", 127)
    kept = tmp_path / "pyenv" / "versions" / f"{version}.99" / "bin"
    kept.mkdir(parents=True)
    environ = {"PATH": str(wrong), "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert setups.interpreter(version, environ) is None
    (kept / f"python{version}").symlink_to(sys.executable)
    assert setups.interpreter(version, environ) == kept / f"python{version}"
    assert setups.interpreter("3.1", environ) is None


def test_the_tested_releases_of_ansible_core_span_the_claim() -> None:
    pins = {core: (CLONE / "requirements" / f"{core.name}.in").read_text().splitlines()[-1] for core in setups.CORES}
    assert all(pin.startswith(f"ansible-core=={core.version}.") for core, pin in pins.items())
    # The very first release that is allowed, and the newest that is used anywhere.
    oldest = pins[setups.CORES[0]].partition("==")[2]
    assert f'requires_ansible: ">={oldest}"' in (CLONE / "meta" / "runtime.yml").read_text()
    assert pins[setups.CORES[-1]] in (CLONE / "requirements" / "runtime.in").read_text()
    assert (setups.CORES[0], setups.CORES[-1]) == setups.EVERY_TIME
