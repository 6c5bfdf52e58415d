# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be read off the source of a module."""

from __future__ import annotations

import ast
import difflib

# (line, column): lines from 1, columns from 0.
Position = tuple[int, int]


def unevaluated(source: str) -> list[tuple[Position, Position]]:
    """Where the annotations of a module are, which nobody evaluates: begin and end, as cosmic-ray counts positions."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.AnnAssign():
                found.append(node.annotation)
            case ast.arg(annotation=ast.expr() as annotation):
                found.append(annotation)
            case ast.FunctionDef(returns=ast.expr() as returns):
                found.append(returns)
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0)) for node in found
    ]


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """What is not the same in two texts; several lines in one, and every gap as one space."""
    removed: list[str] = []
    added: list[str] = []
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        if line.startswith("- "):
            removed += line[2:].split()
        elif line.startswith("+ "):
            added += line[2:].split()
    return " ".join(removed), " ".join(added)
