# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that cosmic-ray has no operator for, and that decisions are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.operators.operator import Operator
from parso.python.tree import Name

Span = tuple[tuple[int, int], tuple[int, int]]


class _Replacing(Operator):
    """Replaces one child of a node of parso's tree by other code."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """What this operator can replace below a node."""
        for index in self._places(node):
            yield node.children[index].start_pos, node.children[index].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with one of these replaced."""
        place = self._places(node)[index]
        child = node.children[place]
        code = self._instead(child.get_code(include_prefix=False))
        # To parso's writer a leaf is a leaf, whatever its text.
        node.children[place] = Name(code, child.start_pos, prefix=child.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None; cosmic-ray shows those of its own in its documentation."""
        return ()

    def _places(self, node: Any) -> list[int]:
        """The numbers of the children that can be replaced."""
        raise NotImplementedError

    def _instead(self, code: str) -> str:
        """The code in place of a child's."""
        raise NotImplementedError


class SwapMembership(_Replacing):
    """C(in) becomes C(not in), and the other way round."""

    def _places(self, node: Any) -> list[int]:
        if node.type != "comparison":
            return []
        words = {index: node.children[index].get_code().split() for index in range(1, len(node.children), 2)}
        return [index for index, word in words.items() if word in (["in"], ["not", "in"])]

    def _instead(self, code: str) -> str:
        return "not in" if code == "in" else "in"


class NegateFilter(_Replacing):
    """The condition of a comprehension becomes its contrary."""

    def _places(self, node: Any) -> list[int]:
        return [1] if node.type == "comp_if" else []

    def _instead(self, code: str) -> str:
        return f" not ({code})"


class DropCall(_Replacing):
    """A statement that is but a call, made for its effect, becomes C(pass)."""

    def _places(self, node: Any) -> list[int]:
        if node.type != "simple_stmt" or node.children[0].type not in ("atom_expr", "power"):
            return []
        last = node.children[0].children[-1]
        return [0] if last.type == "trailer" and last.children[0] == "(" else []

    def _instead(self, code: str) -> str:
        return "pass"


_OURS = {operator.__name__: operator for operator in (SwapMembership, NegateFilter, DropCall)}


def register() -> None:
    """Makes them known to cosmic-ray as C(conductor/NAME), as an installed plugin would be."""
    cosmic_ray.plugins.OPERATOR_PROVIDERS["conductor"] = _OURS
