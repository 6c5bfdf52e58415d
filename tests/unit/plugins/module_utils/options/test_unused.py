# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options without effect on an external JobSet are found."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.unused import without_effect
from tests.unit.plugins.helpers.settings import REAL


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, []),
        ({"tolerations": [{"operator": "Exists"}]}, []),
        ({"labels": {"a": "b"}}, []),
        ({"trainer_controller": {"tolerations": [{"operator": "Exists"}]}}, []),
        (
            {"jobset_controller": {"tolerations": [{"operator": "Exists"}]}},
            ["conductor_jobset_controller.tolerations"],
        ),
        ({"feature_gates": {"RestartJob": True}}, ["conductor_feature_gates.RestartJob"]),
        (
            {"feature_gates": {"RestartJob": True, "TrainJobStatus": True}},
            ["conductor_feature_gates.RestartJob"],
        ),
        (
            {
                "jobset_controller": {
                    "feature_gates": {"RestartJob": True},
                    "config": {"clientConnection": {"qps": 5}},
                    "tls": {"min_version": "1.3"},
                }
            },
            [
                "conductor_jobset_controller.config",
                "conductor_jobset_controller.feature_gates.RestartJob",
                "conductor_jobset_controller.tls",
            ],
        ),
    ],
)
def test_options_without_effect_on_an_external_jobset(options: dict[str, Any], names: list[str]) -> None:
    assert without_effect(with_options(REAL, options)) == names
