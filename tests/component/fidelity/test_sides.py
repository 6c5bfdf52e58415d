# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bundle knows of upstream's objects is so, and stale or missing knowledge is found and named."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.managed_fields import value_at
from bundle_generator.bundle import render_default
from bundle_generator.differences import sides
from bundle_generator.documents import digest, identity
from bundle_generator.release import Release
from bundle_generator.sources import Programs

CLONE = Path(__file__).resolve().parents[3]
TRAINER = "kubeflow-trainer-controller-manager"


def test_the_bundle_knows_how_upstreams_objects_differ(
    programs: Programs, release: Release, upstreams: list[dict[str, Any]]
) -> None:
    bundle = json.loads((CLONE / release.bundle).read_text(encoding="utf-8"))
    ours = render_default(programs, CLONE, release)
    assert bundle["upstream"] == sides(ours, upstreams)
    assert wrong_sides(bundle["upstream"], ours, upstreams) == []


@pytest.mark.parametrize("theirs", [True, False], ids=["upstream's", "ours"])
def test_a_value_that_the_bundle_does_not_know_is_found_and_named(
    programs: Programs, release: Release, upstreams: list[dict[str, Any]], theirs: bool
) -> None:
    known = json.loads((CLONE / release.bundle).read_text(encoding="utf-8"))["upstream"]
    ours, upstream_now = render_default(programs, CLONE, release), copy.deepcopy(upstreams)
    [deployment] = (
        obj
        for obj in (upstream_now if theirs else ours)
        if obj["kind"] == "Deployment" and obj["metadata"]["name"] == TRAINER
    )
    probe = deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    if theirs:
        probe["periodSeconds"] = 16
    else:
        del probe["failureThreshold"]
    field = "periodSeconds" if theirs else "failureThreshold"
    assert known != sides(ours, upstream_now)
    [wrong] = wrong_sides(known, ours, upstream_now)
    assert TRAINER in wrong
    assert field in wrong


def wrong_sides(known: dict[str, Any], ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    """What the bundle says of upstream's objects and is not so."""
    mine, other = ({"|".join(identity(obj)): obj for obj in objects} for objects in (ours, theirs))
    wrong = [f"{name} is not there" for name in known if name not in mine or name not in other]
    for name, side in known.items():
        for path, told in leaves(side.get("has", {})):
            there, value = value_at(other[name], path)
            if not there or told != ("" if value in ({}, []) else digest(value)[:16]):
                wrong.append(f"{name} has {path}")
        for path, _empty in leaves(side.get("lacks", {})):
            if value_at(other[name], path)[0] or not value_at(mine[name], path)[0]:
                wrong.append(f"{name} lacks {path}")
    return wrong


def leaves(tree: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, below in tree.items():
        if isinstance(below, dict) and below:
            yield from leaves(below, (*above, name))
        else:
            yield (*above, name), below
