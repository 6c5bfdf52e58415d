# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes each change in a copy of the clone, runs the tests, and takes it back."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_item import MutationSpec, WorkerOutcome

from conductor_mutation import operators
from conductor_mutation.copies import copy
from conductor_mutation.mutants import Mutant
from conductor_mutation.scores import Change, Fate
from conductor_mutation.targets import Target


class RunError(Exception):
    """The changes cannot be tried; the text says why."""


def run(
    clone: Path, target: Target, mutants: Sequence[Mutant], python: Path, scratch: Path, jobs: int, limit: float
) -> Iterator[tuple[Change, Fate]]:
    """What becomes of each change, in their order.

    Args:
        python: the interpreter that has pytest and what the modules need.
        scratch: where copies of the clone may be made.
        jobs: how many processes work at once, each in a copy of its own.
        limit: seconds for the tests of one change.

    Raises:
        RunError: the tests fail without any change, or cosmic-ray does.
    """
    pytest = (str(python), "-m", "pytest", "--exitfirst", "--quiet", "--no-header", "--tb=no")
    with tempfile.TemporaryDirectory(prefix="mutation-", dir=scratch) as folder:
        copies = [copy(clone, Path(folder).resolve() / str(number)) for number in range(jobs)]
        for place in copies:
            _rehearse(place, target, (*pytest, *target.tests), limit)
        context = multiprocessing.get_context("fork")
        places = context.SimpleQueue()
        for place in copies:
            places.put(str(place))
        with ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(places,)) as pool:
            commands = {module: shlex.join([*pytest, *target.tests_of(module)]) for module in target.modules}
            pending = [pool.submit(_try, mutant, commands[mutant.change.file], limit) for mutant in mutants]
            try:
                for mutant, future in zip(mutants, pending, strict=True):
                    yield mutant.change, future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _rehearse(place: Path, target: Target, words: Sequence[str], limit: float) -> None:
    """Runs the tests without a change; what they compile is kept, but for the modules that are going to change."""
    begun = time.monotonic()
    try:
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunError(f"the tests take longer than {limit:.0f} s as it is: raise --limit") from error
    if done.returncode != 0:
        raise RunError(f"the tests fail without any change:\n{done.stdout}{done.stderr}")
    print(f"{done.stdout.splitlines()[-1]}, unchanged ({time.monotonic() - begun:.1f} s)", flush=True)
    # Python knows a compiled file by second and size of its source, and both may be the same after a change.
    for module in target.modules:
        path = place / module
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()


def _begin(places: multiprocessing.SimpleQueue[str]) -> None:
    """Each process works in a copy of its own."""
    os.chdir(places.get())
    operators.register()


def _try(mutant: Mutant, command: str, limit: float) -> Fate:
    spec = MutationSpec(mutant.change.file, mutant.operator, mutant.occurrence, mutant.start, mutant.end)
    result = mutate_and_test([spec], command, limit)
    if result.worker_outcome != WorkerOutcome.NORMAL:
        raise RunError(f"cosmic-ray could not try {mutant}: {result.worker_outcome}: {result.output}")
    if result.output == "timeout":
        return "timeout"
    return "killed" if result.is_killed else "survived"
