# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error has a next step: whatever raises or builds one says what to do about it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils import errors
from tests.support.playing import CLONE

PLUGINS = CLONE / "plugins"
FAMILY = {name for name, found in vars(errors).items() if inspect.isclass(found) and issubclass(found, Exception)}
# The position of the next step among the arguments of what is built with one.
POSITIONS = {"Blocker": 1, "CatalogueEntry": 3, "KnownCause": 2, "Signature": 3, "Entry": 3}


class Place(NamedTuple):
    """Where an error is built, and its class."""

    path: str
    line: int
    name: str


def built(tree: ast.AST, path: str) -> Iterator[tuple[Place, ast.Call]]:
    """Each call of a class of the family."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in FAMILY or name in POSITIONS:
                yield Place(path, node.lineno, name), node


def is_empty(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and not node.value)


def without(tree: ast.AST, path: str) -> list[Place]:
    """The places that give no next step."""
    found = []
    for place, call in built(tree, path):
        keywords = {word.arg: word.value for word in call.keywords}
        if None in keywords:
            # **options: whatever passes them on is looked at itself.
            continue
        given = keywords.get("next_step")
        if given is None and place.name in POSITIONS and len(call.args) > POSITIONS[place.name]:
            given = call.args[POSITIONS[place.name]]
        if is_empty(given):
            found.append(place)
    # A finding as a dictionary.
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = {
                key.value: value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
            if {"code", "cause"} <= keys.keys() and is_empty(keys.get("next_step")):
                found.append(Place(path, node.lineno, "finding"))
    return found


def files() -> list[Path]:
    return sorted(PLUGINS.rglob("*.py"))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(PLUGINS).as_posix())
def test_every_error_and_every_cause_has_a_next_step(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert without(tree, path.relative_to(PLUGINS).as_posix()) == []


def test_there_are_errors_to_look_at() -> None:
    places = [place for path in files() for place, _call in built(ast.parse(path.read_text(encoding="utf-8")), "")]
    assert len({place.name for place in places}) > 8
    assert len(places) > 200


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ('raise InputError("no")', True),
        ('raise errors.InputError("no")', True),
        ('raise InputError("no", next_step="")', True),
        ('raise InputError("no", next_step=None)', True),
        ('raise InputError("no", step="x", subject="y")', True),
        ('error = ApiError("no", status=500)', True),
        ('raise InputError("no", next_step="try it")', False),
        ('raise InputError("no", next_step=advice(x))', False),
        ('raise InputError("no", **more)', False),
        ('CatalogueEntry("code", "blocker", "cause")', True),
        ('CatalogueEntry("code", "blocker", "cause", "do it")', False),
        ('KnownCause("words", "cause", "")', True),
        ('KnownCause("words", "cause", next_step="do it")', False),
        ('Blocker("text", "", "code", "subject", "cause")', True),
        ('found = {"code": "x", "cause": "y"}', True),
        ('found = {"code": "x", "cause": "y", "next_step": "do it"}', False),
        ("raise ValueError(1)", False),
    ],
)
def test_a_missing_next_step_is_found(source: str, missing: bool) -> None:
    assert bool(without(ast.parse(source), "x")) is missing
