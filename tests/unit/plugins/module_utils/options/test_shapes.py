# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import models

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options.shapes import (
    CONSTRAINTS,
    LABELS,
    SHAPES,
    MapOf,
    check_shape,
)
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import OWN, SHARED

MODELS = {
    "tolerations": "V1Toleration",
    "affinity": "V1Affinity",
    "env": "V1EnvVar",
    "env_from": "V1EnvFromSource",
    "volumes": "V1Volume",
    "volume_mounts": "V1VolumeMount",
    "resources": "V1ResourceRequirements",
}
# Of dynamic resource allocation, which needs a claim in the pod.
BEYOND = {"claims"}


def structures(shape: Any, model: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the name of each model of the official client with our shape of it."""
    if isinstance(shape, list):
        yield from structures(shape[0], model.partition("[")[2].removesuffix("]") or model)
    elif isinstance(shape, dict):
        yield model, shape
        known = getattr(models, model)
        attributes = {field: attribute for attribute, field in known.attribute_map.items()}
        for name, one in shape.items():
            if name.rstrip("*") in attributes:
                yield from structures(one, known.openapi_types[attributes[name.rstrip("*")]])


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        found
        for option, shape in [*SHAPES.items(), ("spread", CONSTRAINTS)]
        for found in structures(shape, {**MODELS, "spread": "V1TopologySpreadConstraint"}.get(option, ""))
        if found[0]
    ],
)
def test_no_field_of_the_official_client_is_missing(model: str, shape: dict[str, Any]) -> None:
    known = set(getattr(models, model).attribute_map.values())
    ours = {name.rstrip("*") for name in shape}
    # An older client does not have all of our fields.
    assert known - BEYOND <= ours


def test_every_shape_is_that_of_an_option() -> None:
    assert SHAPES.keys() <= {**SHARED, **OWN}.keys()


@pytest.mark.parametrize(
    ("value", "shape", "words"),
    [
        (1, str, "x is the number 1, and must be a text"),
        (False, str, "x is the boolean false, and must be a text"),
        (True, int, "x is true, and must be a whole number"),
        ("5", int, "x is 5, and must be a whole number"),
        ("yes", bool, "x is yes, and must be true or false"),
        ({}, [str], "x is a mapping, and must be a list"),
        ([], {"a": str}, "x is a list, and must be a mapping"),
        ({1: "a"}, MapOf(str), "a name in x is the number 1"),
        ({"a": [1]}, {"a": [str]}, "x.a[0] is the number 1"),
        ({"a": 1}, MapOf(str), "x.a is the number 1"),
        ([1], (str, int, float), "x is a list, and must be a text"),
        ({}, {"ab*": str}, "x has no ab\nNext: add ab"),
        ({"a": "c"}, {"a": ("b", "d")}, "x.a is c"),
    ],
)
def test_another_structure_is_rejected_with_its_place(value: Any, shape: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        check_shape(value, shape, "x")
    assert words in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("a", str),
        (1, int),
        (True, bool),
        ({"a": None}, {"a": str}),
        ({"a": None}, MapOf(str)),
        ([object()], [None]),
        ({"ab": "c"}, {"ab*": str}),
        (0.5, (str, int, float)),
        ({"no label": "x"}, MapOf(str)),
        ({"Team": "ML"}, LABELS),
        ({"Team": "any text"}, MapOf(str, label_names=True)),
    ],
)
def test_what_fits_is_accepted(value: Any, shape: Any) -> None:
    check_shape(value, shape, "x")
