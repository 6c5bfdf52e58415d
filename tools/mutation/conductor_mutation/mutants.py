# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes that can be made to a module: found by cosmic-ray, described by us."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from conductor_mutation import operators as ours
from conductor_mutation.scores import Change
from conductor_mutation.sources import Position, changed_lines, unevaluated


class Mutant(NamedTuple):
    """One change.

    Args:
        operator, occurrence: how cosmic-ray finds it again.
        start, end: (line, column) of what is replaced; lines from 1, columns from 0.
        change: the same in words.
    """

    operator: str
    occurrence: int
    start: Position
    end: Position
    change: Change


def find(clone: Path, file: str, operators: Sequence[str]) -> Iterator[Mutant]:
    """All changes to one module that could be noticed: not those to annotations, which are not evaluated."""
    ours.register()
    source = (clone / file).read_text(encoding="utf-8")
    tree = get_ast(source)
    ignored = unevaluated(source)
    for name in operators:
        operator = cosmic_ray.plugins.get_operator(name)()
        spans = (span for node in ast_nodes(tree) for span in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(spans):
            if not any(first <= start < last for first, last in ignored):
                before, after = changed_lines(source, mutate_code(source, operator, occurrence))
                yield Mutant(name, occurrence, start, end, Change(file, start[0], before, after))
