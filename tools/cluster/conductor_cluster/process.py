# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts programs. What long ones print goes to a log file, whose last lines an error quotes."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from .errors import CommandFailed
from .paths import Paths

QUOTED_LINES = 15

_running: set[subprocess.Popen[bytes]] = set()


def end_children() -> None:
    """Ends the long commands that run, so that a compiler does not go on for minutes after we were told to stop."""
    for child in list(_running):
        child.terminate()


def tail(text: str, lines: int = QUOTED_LINES) -> str:
    """The last ``lines`` lines of ``text``, indented for quoting in an error."""
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-lines:])


def capture(
    step: str,
    command: Sequence[str],
    *,
    timeout: float | None = 60,
    check: bool = True,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a short command and returns what it printed.

    Raises CommandFailed, naming ``step``, when it ends with another code than zero (only with
    ``check``), when ``timeout`` seconds are over, or when there is no such program.
    """
    try:
        done = subprocess.run(
            list(command),
            input=stdin if stdin is not None else b"",
            capture_output=True,
            timeout=timeout,
            env=dict(env) if env is not None else None,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{step}: `{shlex.join(command)}` gave no answer within {timeout:g} s") from error
    except FileNotFoundError as error:
        raise CommandFailed(f"{step}: there is no program `{command[0]}` on this machine") from error
    if check and done.returncode != 0:
        said = (done.stderr + done.stdout).decode(errors="replace")
        raise CommandFailed(f"{step}: `{shlex.join(command)}` ended with code {done.returncode}:\n{tail(said)}", said)
    return done


def logged(
    step: str,
    command: Sequence[str],
    log: Path,
    paths: Paths,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: IO[bytes] | None = None,
) -> None:
    """Runs a long command and appends what it prints to ``log``.

    Raises CommandFailed with the log's path and last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"\n$ {shlex.join(command)}\n".encode())
        out.flush()
        start = out.tell()
        try:
            child = subprocess.Popen(
                list(command),
                stdin=stdin if stdin is not None else subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=cwd,
                env=dict(env) if env is not None else None,
            )
        except FileNotFoundError as error:
            raise CommandFailed(f"{step}: there is no program `{command[0]}` on this machine") from error
        _running.add(child)
        try:
            code = child.wait()
        finally:
            _running.discard(child)
    if code != 0:
        with log.open("rb") as written:
            written.seek(start)
            said = written.read().decode(errors="replace")
        raise CommandFailed(
            f"{step}: `{command[0]}` ended with code {code}; all of it is in {paths.shown(log)}, "
            f"the last lines are:\n{tail(said)}",
            said,
        )
