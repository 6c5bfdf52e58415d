# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands, and raise the errors that the command line turns into a message and an exit code."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from .paths import Paths

_running: set[subprocess.Popen[bytes]] = set()


class ClusterError(Exception):
    """An error for the user: the step that failed, the cause, and what to try next."""


class CommandFailed(ClusterError):
    """A command failed, timed out or could not be started; ``output`` is all that it wrote."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


def end_children() -> None:
    """Terminate the running long commands: a compiler must not continue for minutes after an interruption."""
    for child in list(_running):
        child.terminate()


def tail(text: str, lines: int = 15) -> str:
    """Return the last ``lines`` lines of ``text``, indented for an error message."""
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-lines:])


def capture(
    step: str, command: Sequence[str], *, timeout: float | None = 60, check: bool = True, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a short command, return the result; raise CommandFailed if it is missing, too slow or (``check``) fails."""
    try:
        done = subprocess.run(list(command), input=stdin, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{step}: `{shlex.join(command)}` did not finish within {timeout:g} s") from error
    except FileNotFoundError as error:
        raise CommandFailed(f"{step}: the program `{command[0]}` is not installed") from error
    if check and done.returncode != 0:
        output = (done.stderr + done.stdout).decode(errors="replace")
        message = f"{step}: `{shlex.join(command)}` failed with exit code {done.returncode}:\n{tail(output)}"
        raise CommandFailed(message, output)
    return done


def logged(
    step: str,
    command: Sequence[str],
    log: Path,
    paths: Paths,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> None:
    """Run a long command and append its output to ``log``; raise CommandFailed with the log's last lines."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"\n$ {shlex.join(command)}\n".encode())
        out.flush()
        start = out.tell()
        try:
            child = subprocess.Popen(list(command), stdin=stdin, stdout=out, stderr=out, cwd=cwd, env=env)
        except FileNotFoundError as error:
            raise CommandFailed(f"{step}: the program `{command[0]}` is not installed") from error
        _running.add(child)
        try:
            code = child.wait()
        finally:
            _running.discard(child)
    if code != 0:
        output = log.read_bytes()[start:].decode(errors="replace")
        where = f"the log is {paths.shown(log)}, its last lines are:\n{tail(output)}"
        raise CommandFailed(f"{step}: `{command[0]}` failed with exit code {code}; {where}", output)
