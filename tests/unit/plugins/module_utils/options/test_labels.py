# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))


def test_every_object_gets_them_and_keeps_its_own() -> None:
    given = {"labels": {"team": "ml", MANAGED_LABEL: "false"}, "annotations": {"example.com/owner": "ml"}}
    for before, after in zip(REAL.objects(), with_options(REAL, given).objects(), strict=True):
        metadata, expected = after["metadata"], before["metadata"]
        assert metadata["labels"] == {"team": "ml", **expected["labels"]}
        assert metadata["annotations"] == {"example.com/owner": "ml", **(expected.get("annotations") or {})}
        assert {**after, "metadata": expected} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": {"cost": 42}}, "conductor_labels.cost is the number 42, and must be a text"),
        ({"labels": {"a b": "c"}}, "conductor_labels: a b is no name of a label or an annotation"),
        ({"labels": {"/a": "c"}}, "conductor_labels: /a is no name of a label or an annotation"),
        ({"labels": {"A.com/a": "c"}}, "conductor_labels: A.com/a is no name of a label or an annotation"),
        ({"labels": {"a": "b c"}}, "conductor_labels.a is b c, which is no value of a label"),
        ({"labels": {"a": "x" * 64}}, f"conductor_labels.a is {'x' * 64}, which is no value of a label"),
        ({"annotations": {"-a": "c"}}, "conductor_annotations: -a is no name of a label or an annotation"),
        ({"annotations": {f"{'x' * 254}/a": "c"}}, "is no name of a label or an annotation"),
        (
            {"trainer_controller": {"pod_labels": {"a": "b c"}}},
            "conductor_trainer_controller.pod_labels.a is b c, which is no value of a label",
        ),
        ({"node_selector": {"pool ": "x"}}, "conductor_node_selector: pool  is no name of a label or an annotation"),
    ],
)
def test_what_the_server_would_reject_is_named_by_its_option(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        with_options(REAL, options)
    assert str(caught.value).partition("\n")[0].endswith(message)


def test_every_name_and_value_that_the_server_takes_is_allowed() -> None:
    given: dict[str, dict[str, Any]] = {
        "labels": {"A": "", "a.B_c-9": "X.y_z-0", "x-1.example.com/a": "x" * 63, "none": None, "y" * 63: "y"},
        "annotations": {"Example.com/text": "anything at all: {}\n"},
    }
    metadata = with_options(REAL, given).objects()[0]["metadata"]
    assert given["labels"].items() - {("none", None)} <= metadata["labels"].items()
    assert "none" not in metadata["labels"]
    assert given["annotations"].items() <= metadata["annotations"].items()
