# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the changes with cosmic-ray, and test each one in a copy of the clone."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_item import MutationSpec, WorkerOutcome, WorkResult

from conductor_mutation import operators as ours
from conductor_mutation.sources import annotation_spans, changed_lines, copy
from conductor_mutation.targets import Change, Fate, Target

# Ends a line whose changes have no effect, as for cosmic-ray's own filter.
PRAGMA = "# pragma: no mutate"


class RunError(Exception):
    """The changes cannot be tested; the message contains the cause."""


def find(clone: Path, file: str, operators: Sequence[str]) -> Iterator[MutationSpec]:
    """Yield all changes to one module, except those to annotations and to marked lines."""
    ours.register()
    source = (clone / file).read_text(encoding="utf-8")
    tree, ignored, lines = get_ast(source), annotation_spans(source), source.split("\n")
    for name in operators:
        operator = cosmic_ray.plugins.get_operator(name)()
        spans = (span for node in ast_nodes(tree) for span in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(spans):
            if PRAGMA not in lines[end[0] - 1] and not any(first <= start < last for first, last in ignored):
                yield MutationSpec(Path(file), name, occurrence, start, end)


def run(
    clone: Path, target: Target, found: Sequence[MutationSpec], jobs: int, limit: float
) -> Iterator[tuple[Change, Fate]]:
    """Yield the result of each change, in order.

    Args:
        jobs: number of processes, each with a separate copy of the clone, which is removed at the end.
        limit: time for the tests of one change, in seconds.

    Raises:
        RunError: the tests fail without any change, or cosmic-ray does.
    """
    pytest = (str(clone / ".venv/bin/python"), "-m", "pytest", "--exitfirst", "--quiet", "--no-header", "--tb=no")
    scratch = clone / (os.environ.get("CONDUCTOR_CACHE") or ".cache") / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutation-", dir=scratch) as folder:
        template = copy(clone, Path(folder).resolve() / "template")
        _rehearse(template, target, (*pytest, *target.tests), limit)
        commands = {module: shlex.join([*pytest, *target.tests_of(module)]) for module in target.modules}
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(template,)) as pool:
            pending = [pool.submit(mutate_and_test, [one], commands[str(one.module_path)], limit) for one in found]
            try:
                for mutation, future in zip(found, pending, strict=True):
                    yield _judged(mutation, future.result())
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _rehearse(place: Path, target: Target, words: Sequence[str], limit: float) -> None:
    """Run the tests without a change; keep the compiled files, except those of the modules to change."""
    try:
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunError(f"the unchanged tests take longer than {limit:.0f} s: raise --limit") from error
    if done.returncode != 0:
        raise RunError(f"the tests fail without any change:\n{done.stdout}{done.stderr}")
    print(f"{done.stdout.splitlines()[-1]}, unchanged", flush=True)
    # Python identifies a compiled file by time (in seconds) and size of its source; both may be equal after a change.
    for path in (place / module for module in target.modules):
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()


def _begin(template: Path) -> None:
    """Create a separate copy for each process, with the times of the compiled files."""
    place = Path(tempfile.mkdtemp(dir=template.parent), "copy")
    shutil.copytree(template, place, symlinks=True)
    os.chdir(place)


def _judged(mutation: MutationSpec, result: WorkResult) -> tuple[Change, Fate]:
    if result.worker_outcome != WorkerOutcome.NORMAL:
        raise RunError(f"cosmic-ray could not try {mutation}: {result.worker_outcome}: {result.output}")
    change = Change(str(mutation.module_path), mutation.start_pos[0], *changed_lines(result.diff))
    if result.output == "timeout":
        return change, "timeout"
    return change, "killed" if result.is_killed else "survived"
