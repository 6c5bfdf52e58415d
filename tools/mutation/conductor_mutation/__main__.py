# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break code on purpose, one small change after the other, and count which of them the unit tests notice.

``make evidence`` does it for every target. One alone, once ``tools/setup/setup evidence`` has been run:
``PYTHONPATH=tools/mutation .venvs/mutation/bin/python -m conductor_mutation planner SESSION``. The session is a file of
cosmic-ray: ``.venvs/mutation/bin/cr-report --surviving-only --show-diff SESSION`` shows what survived.
"""

import argparse
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.operators.operator import Operator
from cosmic_ray.tools.survival_rate import survival_rate
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem
from parso.python.tree import Name

from conductor_mutation.targets import DATA, Span, Target, TargetError, annotation_spans, copy, read_target

# Seconds for the tests of one change; a timeout counts as killed, as cosmic-ray counts.
LIMIT = 120
# Ends a line whose changes have no effect, as for cosmic-ray's own filter.
PRAGMA = "# pragma: no mutate"


class _Replacing(Operator):
    """Replace one child of a node of parso's tree; ``_places`` returns the indexes of the replaceable ones."""

    _places: Callable[[Any], list[int]]
    _instead: Callable[[str], str]

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Yield the spans below a node that this operator can replace."""
        for index in self._places(node):
            yield node.children[index].start_pos, node.children[index].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the node with one of them replaced."""
        place = self._places(node)[index]
        child = node.children[place]
        code = self._instead(child.get_code(include_prefix=False))
        # parso writes the text of a leaf unchanged.
        node.children[place] = Name(code, child.start_pos, prefix=child.get_first_leaf().prefix)
        return node

    # cosmic-ray shows only its own examples.
    examples = classmethod(lambda cls: ())


def _memberships(node: Any) -> list[int]:
    words = [child.get_code().split() for child in node.children] if node.type == "comparison" else []
    return [index for index, word in enumerate(words) if word in (["in"], ["not", "in"])]


def _calls(node: Any) -> list[int]:
    if node.type != "simple_stmt" or node.children[0].type not in ("atom_expr", "power"):
        return []
    last = node.children[0].children[-1]
    return [0] if last.type == "trailer" and last.children[0] == "(" else []


class SwapMembership(_Replacing):
    """Replace C(in) by C(not in), and C(not in) by C(in)."""

    _places = staticmethod(_memberships)
    _instead = staticmethod(lambda code: "not in" if code == "in" else "in")


class NegateFilter(_Replacing):
    """Negate the condition of a comprehension."""

    _places = staticmethod(lambda node: [1] if node.type == "comp_if" else [])
    _instead = staticmethod(lambda code: f" not ({code})")


class DropCall(_Replacing):
    """Replace a statement that is only a call by C(pass)."""

    _places = staticmethod(_calls)
    _instead = staticmethod(lambda code: "pass")


def find(file: str, names: tuple[str, ...]) -> Iterator[MutationSpec]:
    """Yield all changes to one module; none to annotations, marked lines and names of exceptions with a dot."""
    source = Path(file).read_text(encoding="utf-8")
    tree, ignored, lines = get_ast(source), annotation_spans(source), source.split("\n")
    for name in names:
        operator = cosmic_ray.plugins.get_operator(name)()
        spans = (span for node in ast_nodes(tree) for span in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(spans):
            dotted = name == "core/ExceptionReplacer" and "." in lines[start[0] - 1][start[1] : end[1]]
            if not (dotted or PRAGMA in lines[end[0] - 1] or any(first <= start < last for first, last in ignored)):
                yield MutationSpec(Path(file), name, occurrence, start, end)


def run(target: Target, session: WorkDB, clone: Path) -> None:
    """Test each change of the session in a copy of the clone, one copy for each process, and keep the results in it."""
    pytest = (f"{clone}/.venv/bin/python", "-m", "pytest", "--exitfirst", "--quiet", "--no-header", "--tb=no")
    commands = {module: shlex.join([*pytest, *target.tests_of(module)]) for module in target.modules}
    scratch = clone / (os.environ.get("CONDUCTOR_CACHE") or ".cache") / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutation-", dir=scratch) as folder:
        template = copy(clone, Path(folder).resolve() / "template")
        _rehearse(template, target, (*pytest, *target.tests))
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(min(2, os.cpu_count() or 1), fork, initializer=_begin, initargs=(template,)) as pool:
            items = list(session.work_items)
            tests = [commands[str(item.mutations[0].module_path)] for item in items]
            pairs = zip(items, tests, strict=True)
            results = [pool.submit(mutate_and_test, item.mutations, test, LIMIT) for item, test in pairs]
            try:
                for item, future in zip(items, results, strict=True):
                    result = future.result()
                    if result.worker_outcome != WorkerOutcome.NORMAL or result.test_outcome == TestOutcome.INCOMPETENT:
                        raise TargetError(f"cosmic-ray could not try {item}: {result.output}")
                    session.set_result(item.job_id, result)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _rehearse(place: Path, target: Target, command: tuple[str, ...]) -> None:
    """Run the tests without a change; keep the compiled files, except those of the modules to change."""
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode != 0:
        raise TargetError(f"the tests fail without any change:\n{done.stdout}{done.stderr}")
    # Python identifies a compiled file by time (in seconds) and size of its source; both may be equal after a change.
    for path in (place / module for module in target.modules):
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()


def _begin(template: Path) -> None:
    """Create a separate copy for each process, with the times of the compiled files."""
    place = Path(tempfile.mkdtemp(dir=template.parent), "copy")
    shutil.copytree(template, place, symlinks=True)
    os.chdir(place)


def main() -> int:
    """Try every change; return 1 if the tests notice too few of them, 2 if the changes cannot be tried."""
    parser = argparse.ArgumentParser(prog="mutation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", help=f"one of {DATA.name}")
    parser.add_argument("session", type=Path, help="file of cosmic-ray for the results")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FILE", help="other targets")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    # Like those of an installed plugin.
    ours = (SwapMembership, NegateFilter, DropCall)
    cosmic_ray.plugins.OPERATOR_PROVIDERS["conductor"] = {operator.__name__: operator for operator in ours}
    try:
        target = read_target(arguments.target, Path.cwd(), arguments.data)
        found = (mutation for module in target.modules for mutation in find(module, target.operators))
        with use_db(arguments.session, WorkDB.Mode.create) as session:
            session.clear()
            session.add_work_items(WorkItem.single(f"{number:06}", one) for number, one in enumerate(found))
            print(f"{arguments.target}: {session.num_work_items} mutants of {len(target.modules)} modules", flush=True)
            run(target, session, Path.cwd())
            percent = 100 - survival_rate(session) if session.num_results else 0.0
    except (TargetError, subprocess.TimeoutExpired) as error:
        print(f"mutation: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.target}: {percent:.1f} % noticed; at least {target.least} % are asked for")
    return 0 if percent >= target.least else 1


def _end(number: int, _frame: object) -> None:
    """End the run once, and let nothing interrupt the removal of the copies."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
