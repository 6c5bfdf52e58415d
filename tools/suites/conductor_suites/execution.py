# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one suite: its output goes to a log, its time is limited, its tests are counted."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

from conductor_suites.junit import counts_of, failures_of, figures_of
from conductor_suites.suite import Counts, Outcome, Suite

# Seconds between asking a command to stop and making it.
GRACE = 20
# Seconds after which a running command is looked at again.
GLANCE = 0.2


def environment(clone: Path, cache: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a suite.

    Nothing of the user's may select a cluster or a collections path, nothing may be asked of Galaxy, and what tools
    like to keep in the home folder is kept in the cache.
    """
    kept = {
        key: value
        for key, value in environ.items()
        if key not in ("KUBECONFIG", "PYTHONPATH") and not key.startswith(("K8S_AUTH_", "ANSIBLE_", "MOLECULE_"))
    }
    scratch = cache / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        "PATH": f"{clone / '.venv' / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "VIRTUAL_ENV": str(clone / ".venv"),
        "CONDUCTOR_CACHE": str(cache),
        "ANSIBLE_CONFIG": str(clone / "ansible.cfg"),
        # Also for molecule, which writes a configuration of its own.
        "ANSIBLE_HOME": str(clone / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(clone / ".ansible" / "collections"),
        # Logs are read as plain text.
        "NO_COLOR": "1",
        "PY_COLORS": "0",
        "KUBECACHEDIR": str(cache / "kube"),
        "XDG_CACHE_HOME": str(cache / "xdg"),
        "TMPDIR": str(scratch),
    }


def execute(
    suite: Suite, clone: Path, output: Path, variables: Mapping[str, str], stopping: threading.Event | None = None
) -> Outcome:
    """Run ``suite`` in ``clone`` to its end; the log is ``output``/NAME.log.

    Once ``stopping`` is set, what runs is ended.
    """
    log = output / f"{suite.name}.log"
    started = time.monotonic()
    if suite.junit:
        suite.junit.unlink(missing_ok=True)
    reason = ""
    with log.open("wb") as stream:
        for command in suite.commands:
            reason = _run(command, suite.limit, clone, stream, variables, stopping or threading.Event())
            if reason:
                break
    seconds = time.monotonic() - started
    return _judge(Outcome(suite, Counts(), seconds, reason, log))


def _judge(outcome: Outcome) -> Outcome:
    """The outcome of a suite that came to its end, with what its results say."""
    suite, reason = outcome.suite, outcome.reason
    if not suite.junit:
        return replace(outcome, counts=Counts(failed=1) if reason else Counts(passed=1))
    try:
        counts = counts_of(suite.junit)
        outcome = replace(outcome, figures=figures_of(suite.junit), failures=failures_of(suite.junit))
    except (OSError, ET.ParseError) as error:
        return replace(outcome, counts=Counts(failed=1), reason=f"{reason or 'exit code 0'}, but no results: {error}")
    if reason and not counts.failed:
        # A broken test file or configuration fails no single test.
        counts += Counts(failed=1)
    if not reason and not counts.passed:
        counts, reason = counts + Counts(failed=1), "no test ran"
    return replace(outcome, counts=counts, reason=reason)


def _run(
    command: tuple[str, ...],
    limit: float,
    clone: Path,
    stream: IO[bytes],
    variables: Mapping[str, str],
    stopping: threading.Event,
) -> str:
    """Run one command; what went wrong, or nothing."""
    stream.write(f"$ {' '.join(command)}\n".encode())
    stream.flush()
    try:
        # A group of its own, so that everything it started can be ended with it.
        process = subprocess.Popen(
            command,
            cwd=clone,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return f"cannot start {command[0]}: {error}"
    deadline = time.monotonic() + limit
    try:
        while (code := _ended(process)) is None:
            if stopping.is_set():
                _end(process)
                return f"`{' '.join(command)}` was interrupted"
            if time.monotonic() > deadline:
                _end(process)
                return f"`{' '.join(command)}` did not end within {limit:.0f} s"
    except BaseException:
        _end(process)
        raise
    return f"`{' '.join(command)}` ended with exit code {code}" if code else ""


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    """The exit code of a process, after a moment of waiting for it; None while it runs."""
    try:
        return process.wait(GLANCE)
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
