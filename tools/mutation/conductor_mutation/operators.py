# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for changes of decisions that cosmic-ray does not provide."""

from collections.abc import Callable, Iterator
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.operators.operator import Operator
from parso.python.tree import Name

Span = tuple[tuple[int, int], tuple[int, int]]


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

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return nothing: cosmic-ray shows only its own examples."""
        return ()


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


def register() -> None:
    """Register them with cosmic-ray as C(conductor/NAME), like an installed plugin."""
    ours = (SwapMembership, NegateFilter, DropCall)
    cosmic_ray.plugins.OPERATOR_PROVIDERS["conductor"] = {operator.__name__: operator for operator in ours}
