# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_cluster.console import Console, locked
from conductor_cluster.paths import Paths, find_paths
from conductor_cluster.process import CommandFailed, capture, logged, tail


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(clone=tmp_path, cache=tmp_path / ".cache")


def test_a_failed_command_says_step_code_and_words() -> None:
    with pytest.raises(CommandFailed, match=r"(?s)try it: `sh -c .*` failed with exit code 3:\n.*went wrong") as failed:
        capture("try it", ["sh", "-c", "echo went wrong >&2; exit 3"])
    assert "went wrong" in failed.value.output
    assert capture("try it", ["sh", "-c", "exit 3"], check=False).returncode == 3


def test_a_missing_program_and_a_timeout_are_errors_of_ours() -> None:
    with pytest.raises(CommandFailed, match="the program `no-such-program` is not installed"):
        capture("try it", ["no-such-program"])
    with pytest.raises(CommandFailed, match=r"did not finish within 0\.05 s"):
        capture("try it", ["sh", "-c", "read x < /dev/zero"], timeout=0.05)


def test_a_logged_failure_names_the_log_within_the_clone_and_quotes_its_own_last_lines(paths: Paths) -> None:
    log = paths.work / "logs" / "x.log"
    logged("first", ["sh", "-c", "echo of the first"], log, paths)
    with pytest.raises(CommandFailed) as failed:
        logged("second", ["sh", "-c", "seq 98 100; exit 1"], log, paths)
    text = str(failed.value)
    assert ".cache/cluster/logs/x.log" in text
    assert str(paths.clone) not in text
    assert "    100" in text
    assert "of the first" not in text
    assert "of the first" in log.read_text()


def test_a_tail_is_short() -> None:
    assert tail("\n".join(map(str, range(100))), 2) == "    98\n    99"


def test_a_step_shows_the_time_since_the_start() -> None:
    stream, times = io.StringIO(), iter([100.0, 112.34])
    Console(stream, lambda: next(times)).step("node image built")
    assert stream.getvalue() == "   12.3 s  node image built\n"


def test_a_second_run_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "lock"
    said = io.StringIO()
    # It lets go when its input is closed, and in any case after a while: this test fails, it does not hang.
    hold = (
        "import fcntl, select, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, 2); print('held', flush=True); "
        "select.select([sys.stdin], [], [], 10)"
    )
    file.parent.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"

        class Releasing(Console):
            def step(self, text: str) -> None:
                super().step(text)
                assert holder.stdin is not None
                holder.stdin.close()

        with locked(file, "the cluster a", Releasing(said)):
            assert holder.wait() == 0
    assert "waiting for another run that uses the cluster a" in said.getvalue()


def test_a_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    said = io.StringIO()
    with locked(tmp_path / "lock", "x", Console(said)):
        pass
    assert said.getvalue() == ""


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CONDUCTOR_CACHE", raising=False)
    assert find_paths().cache == find_paths().clone / ".cache"
    monkeypatch.setenv("CONDUCTOR_CACHE", str(tmp_path))
    assert find_paths().cache == tmp_path.resolve()
    assert find_paths().clusters == find_paths().clone / ".cluster"
