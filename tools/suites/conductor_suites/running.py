# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs suites, several at once: output goes to a log, time is limited, clusters are shared."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from conductor_suites.catalogue import Suite
from conductor_suites.results import Outcome, judge

# Seconds between asking a command to stop and making it.
GRACE = 20
# Names the cluster that a suite resets and uses (tests/support/lending.py).
SHARED = "CONDUCTOR_TEST_CLUSTER"


def environment(clone: Path, cache: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a suite.

    Nothing of the user's may select a cluster or a collections path, nothing may be asked of Galaxy, and what tools
    like to keep in the home folder is kept in the cache.
    """
    kept = {
        key: value
        for key, value in environ.items()
        if key not in ("KUBECONFIG", "PYTHONPATH", SHARED, "CONDUCTOR_SAMPLE")
        and not key.startswith(("K8S_AUTH_", "ANSIBLE_", "MOLECULE_"))
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


class Running:
    """The commands that run now, so that they can be ended."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()

    def stop(self) -> None:
        """End what runs, and start nothing more."""
        with self._lock:
            self.stopped.set()
            for process in self._processes:
                process.terminate()

    def run(self, command: Sequence[str], limit: float, **options: Any) -> str:
        """Run one command to its end and return what went wrong, or nothing."""
        words = " ".join(command)
        if shutil.which(command[0], path=options["env"].get("PATH")) is None:
            return f"cannot start {command[0]}: no such program"
        with self._lock:
            if self.stopped.is_set():
                return f"`{words}` was interrupted"
            # Ends all that the command started as well: it has a process group of its own.
            limited = ["timeout", f"--kill-after={GRACE}", str(limit), *command]
            process = subprocess.Popen(limited, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, **options)
            self._processes.add(process)
        code = process.wait()
        with self._lock:
            self._processes.remove(process)
        if self.stopped.is_set():
            return f"`{words}` was interrupted"
        if code in (124, 137):
            return f"`{words}` did not end within {limit:.0f} s"
        return f"`{words}` ended with exit code {code}" if code else ""


def execute(suite: Suite, clone: Path, output: Path, variables: Mapping[str, str], running: Running) -> Outcome:
    """Run ``suite`` in ``clone`` to its end; the log is ``output``/NAME.log."""
    log = output / f"{suite.name}.log"
    started = time.monotonic()
    if suite.junit:
        suite.junit.unlink(missing_ok=True)
    with log.open("wb") as stream:
        reasons = (running.run(one, suite.limit, cwd=clone, env=variables, stdout=stream) for one in suite.commands)
        reason = next(filter(None, reasons), "")
    return judge(suite, time.monotonic() - started, reason, log)


# Runs a suite on the cluster of that name; empty where it needs none.
Run = Callable[[Suite, str], Outcome]


def in_turn(suites: Sequence[Suite]) -> list[Suite]:
    """Return the suites in the order in which they are started.

    The longest ones that need a cluster come first, because few can run at once; of the others those that take seconds,
    so that a slip is known at once, and then the longest.
    """
    quick = ("static", "generated", "unit")

    def rank(suite: Suite) -> tuple[int, float]:
        group = 0 if suite.tier == "cluster" else 1 if suite.tier in quick else 2
        return group, 0 if group == 1 else -suite.seconds

    return sorted(suites, key=rank)


def side_by_side(
    suites: Sequence[Suite], jobs: int, clusters: Sequence[str], run: Run, running: Running
) -> list[Outcome]:
    """Return the outcomes of all suites, in their order; ``jobs`` of them run at once.

    Suites of a cluster use ``clusters``, one at a time each. When this is interrupted, what runs is ended, and nothing
    more is begun.
    """
    waiting, free, changed = in_turn(suites), list(clusters), threading.Condition()
    outcomes: dict[str, Outcome] = {}

    def work() -> None:
        while True:
            with changed:
                changed.wait_for(lambda: running.stopped.is_set() or not waiting or eligible())
                if running.stopped.is_set() or not waiting:
                    return
                suite = eligible()[0]
                waiting.remove(suite)
                cluster = free.pop(0) if suite.tier == "cluster" else ""
            outcomes[suite.name] = run(suite, cluster)
            with changed:
                free.extend([cluster] if cluster else [])
                changed.notify_all()

    def eligible() -> list[Suite]:
        return [suite for suite in waiting if suite.tier != "cluster" or free]

    with ThreadPoolExecutor(jobs) as pool:
        workers = [pool.submit(work) for _ in range(jobs)]
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException:
            running.stop()
            with changed:
                changed.notify_all()
            raise
    return [outcomes[suite.name] for suite in suites]
