# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server programs that run beside a test and end with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Lines of its log that tell of a program's end.
_TOLD = 15
_PAUSE = 0.02
_GRACE_SECONDS = 5.0
# An API server that takes whole CRDs in and out spends a third of its time on collecting garbage otherwise.
_GO = {"GOGC": "800", "GOMEMLIMIT": "2GiB"}


class ProgramError(Exception):
    """A program ended, or did not become ready, and what it said last."""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Program:
    """A program that runs, its output in a file."""

    def __init__(self, name: str, command: list[str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = command
        self._folder = folder
        self.start()

    def start(self) -> None:
        """Starts it, once more if it was stopped; its log goes on."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self._command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                # Nothing of the caller's: no proxy, no kubeconfig, no settings of Go.
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder), **_GO},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def memory(self) -> int:
        """Its resident memory in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def check(self) -> None:
        """Raises ProgramError, with the end of its log, when the program has ended."""
        code = self._process.poll()
        if code is not None:
            raise ProgramError(f"{self.name} ended with {code}\n{self._end_of_log()}")

    def wait_for(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until C(ready) says so.

        Raises:
            ProgramError: the program ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise ProgramError(f"{self.name} is not ready after {seconds:.0f} s\n{self._end_of_log()}")
            time.sleep(_PAUSE)

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Asks it to end, and makes it after C(grace) seconds."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(grace)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def _end_of_log(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        # Go writes the cause of a crash before the stacks of hundreds of goroutines.
        crash = [number for number, line in enumerate(lines) if line.startswith(("panic:", "fatal error:"))]
        told = lines[crash[0] : crash[0] + _TOLD] if crash else lines[-_TOLD:]
        return "\n".join([f"the end of {self.log}:", *(f"  {line}" for line in told)])


@contextmanager
def program(name: str, command: list[str], folder: Path, grace: float = _GRACE_SECONDS) -> Iterator[Program]:
    """Starts a program and ends it.

    It is killed with the thread that started it, so nothing is left behind by a test run that is killed itself. Call
    this from a thread that lives as long as the program is to.

    Args:
        folder: where its log is kept, as NAME.log.
        grace: seconds it may take to end when it is asked to.
    """
    running = Program(name, command, folder)
    try:
        yield running
    finally:
        running.stop(grace)
