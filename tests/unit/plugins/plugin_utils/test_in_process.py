# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forked process, in addition to the tests of both ways in test_module_runner.py."""

from __future__ import annotations

import gc
import io
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.plugin_utils.in_process import perform
from tests.unit.plugins.helpers.builders import BUNDLE

ARGUMENTS = {"host": "https://a.invalid", "api_key": "secret-api-key-0", "bundle": str(BUNDLE)}
SETTINGS = {"_ansible_check_mode": False, "_ansible_diff": False, "_ansible_module_name": "name"}


class Text(str):
    """A subclass of str, like the results of templates."""

    def __reduce__(self) -> Any:
        raise AssertionError


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the operation, like Ansible for the C(timeout) of a task."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_unexpected_error_is_a_failure_with_a_traceback_and_no_secret(tmp_path: Path) -> None:
    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        raise KeyError(call.params["api_key"])

    result = perform(ModuleOperation({}, operation), ARGUMENTS, SETTINGS, str(tmp_path))
    assert result["failed"] is True
    assert result["msg"].startswith("KeyError: ")
    assert "in operation" in result["exception"]
    assert ARGUMENTS["api_key"] not in str(result)


def test_lines_come_before_the_result_and_without_secrets(tmp_path: Path) -> None:
    """Lines arrive while the process still works: it waits until the first line was read."""
    heard, hears = os.pipe()

    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        call.say(f"waiting for {call.params['api_key']}")
        os.read(heard, 1)
        call.say("done")
        return {"changed": False}

    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        os.write(hears, b"x")

    with stopped_after(60):
        result = perform(ModuleOperation({}, operation), ARGUMENTS, SETTINGS, str(tmp_path), say)
    assert result["changed"] is False
    assert lines == ["waiting for ********", "done"]
    os.close(heard)
    os.close(hears)


def test_nobody_works_on_when_nobody_listens(tmp_path: Path) -> None:
    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        call.say(str(os.getpid()))
        signal.pause()
        return {}

    processes: list[int] = []

    def deaf(line: str) -> None:
        processes.append(int(line))
        raise KeyError

    with pytest.raises(KeyError):
        perform(ModuleOperation({}, operation), ARGUMENTS, SETTINGS, str(tmp_path), deaf)
    with pytest.raises(ProcessLookupError):
        os.kill(processes[0], 0)


def test_a_process_that_ends_without_a_word_is_a_failure(tmp_path: Path) -> None:
    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    result = perform(ModuleOperation({}, operation), ARGUMENTS, SETTINGS, str(tmp_path))
    assert result == {"failed": True, "msg": "the process of this task ended without a result\nNext: run it again"}


def test_what_is_stopped_goes_on_nowhere_and_leaves_no_file(tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        tempfile.mkstemp()
        signal.pause()
        return {}

    with stopped_after(0.3), pytest.raises(TimeoutError):
        perform(ModuleOperation({}, operation), ARGUMENTS, SETTINGS, str(tmp_path))
    os.close(writing)
    # Waits as long as a process has the other end open.
    assert os.read(reading, 1) == b""
    os.close(reading)
    assert list(tmp_path.iterdir()) == []


class Terminal(io.StringIO):
    """A terminal, on which a password could be requested."""

    def isatty(self) -> bool:
        """See io.IOBase."""
        return True


def test_nothing_of_it_stays_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    monkeypatch.setattr(sys, "stdout", Terminal())

    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        names.append(tempfile.mkstemp()[1])
        print("heard by nobody")
        return {"file": names[0], "terminal": sys.stdout.isatty(), "process": os.getpid()}

    result = perform(ModuleOperation({}, operation), ARGUMENTS, SETTINGS, str(tmp_path))
    assert Path(result["file"]).parent.parent == tmp_path
    assert result["terminal"] is False
    assert result["process"] != os.getpid()
    assert names == []
    assert list(tmp_path.iterdir()) == []


def test_the_operation_and_the_task_get_plain_values(tmp_path: Path) -> None:
    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        kubeconfig = call.params["extra"]
        return {"types": [type(kubeconfig["name"]).__name__, type(kubeconfig["since"]).__name__, str(kubeconfig)]}

    spec = ModuleOperation({"extra": {"type": "raw"}}, operation)
    extra = {Text("name"): Text("a"), "since": date(2026, 11, 24), "list": (1, 2.5, None, True)}
    result = perform(spec, {**ARGUMENTS, "extra": extra}, SETTINGS, str(tmp_path))
    assert result["types"][:2] == ["str", "str"]
    assert result["types"][2] == "{'name': 'a', 'since': '2026-11-24', 'list': [1, 2.5, None, True]}"


@pytest.mark.parametrize("shown", [True, False])
def test_the_options_are_shown_where_ansible_says_so(tmp_path: Path, shown: bool) -> None:
    settings = {**SETTINGS, "_ansible_inject_invocation": shown}
    result = perform(ModuleOperation({}, lambda *_: {"changed": False}), ARGUMENTS, settings, str(tmp_path))
    assert ("invocation" in result) is shown
    assert ARGUMENTS["api_key"] not in str(result)


def test_what_ansible_has_in_memory_is_not_looked_through_for_garbage(tmp_path: Path) -> None:
    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        return {"frozen": gc.get_freeze_count(), "enabled": gc.isenabled()}

    # Python 3.12 freezes some objects itself.
    before = gc.get_freeze_count()
    result = perform(ModuleOperation({}, operation), ARGUMENTS, SETTINGS, str(tmp_path))
    assert result["frozen"] > before + 1000
    assert result["enabled"] is True
    assert gc.get_freeze_count() == before


# The main process of Ansible, a worker, the forked process and a credential plugin. All of them hold the pipe open.
FAMILY = """
import os, signal, subprocess, sys, tempfile, time
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import ModuleOperation
from ansible_collections.conductor.trainer.plugins.plugin_utils.in_process import perform

arguments = {"host": "https://a.invalid", "api_key": "secret-api-key-0", "bundle": sys.argv[1]}
settings = {"_ansible_check_mode": False, "_ansible_diff": False, "_ansible_module_name": "name"}

def operation(call, cluster, bundle):
    handle, path = tempfile.mkstemp()
    os.write(handle, b"secret key")
    call.say(str(os.getpid()))
    # Like a credential plugin that does not end.
    subprocess.run(["sleep", "600"], pass_fds=[int(sys.argv[3])])

worker = os.fork()
if worker:
    os.waitpid(worker, 0)
    time.sleep(600)
else:
    perform(
        ModuleOperation({}, operation), arguments, settings, sys.argv[2],
        lambda line: print(os.getppid(), os.getpid(), line, flush=True),
    )
    os._exit(0)
"""


@pytest.mark.parametrize("killed", ["main", "worker"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parents_and_leaves_no_file(
    tmp_path: Path, killed: str, number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    reading, writing = os.pipe()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", FAMILY, str(BUNDLE), str(tmp_path), str(writing)]
    main = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[writing], env=environment)
    request.addfinalizer(main.kill)
    os.close(writing)
    assert main.stdout is not None
    processes = dict(zip(("main", "worker", "child"), map(int, main.stdout.readline().split()), strict=True))
    assert len(list(tmp_path.glob("conductor-*/*"))) == 1
    child = os.pidfd_open(processes["child"])
    ends = select.poll()
    ends.register(child, select.POLLIN)
    os.kill(processes[killed], number)
    # Returns when the child has ended. With a killed worker, the main process is alive.
    assert ends.poll(60_000)
    os.close(child)
    main.kill()
    # Waits as long as one process of the family is alive.
    assert os.read(reading, 1) == b""
    os.close(reading)
    main.communicate()
    assert list(tmp_path.iterdir()) == []
