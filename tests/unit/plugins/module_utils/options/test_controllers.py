# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options.configuration import edit_config
from ansible_collections.conductor.trainer.plugins.module_utils.options.controllers import merged
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.placement import check_election
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))


def pods(options: dict[str, Any]) -> dict[str, Any]:
    return {
        manifest["metadata"]["name"].partition("-controller")[0]: manifest["spec"]["template"]["spec"]
        for manifest in with_options(REAL, options).objects("Deployment")
    }


@pytest.mark.parametrize(
    ("both", "own", "expected"),
    [
        (2, None, 2),
        (2, 3, 3),
        (None, 3, 3),
        (None, None, None),
        ([1], [2], [2]),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 1}, {"b": None}, {"a": 1}),
        ({"requests": {"cpu": 1, "memory": 2}}, {"requests": {"cpu": None}}, {"requests": {"memory": 2}}),
        (None, {"a": None}, {"a": None}),
    ],
)
def test_the_value_of_one_controller(both: Any, own: Any, expected: Any) -> None:
    assert merged(both, own) == expected


def test_a_null_that_removes_a_value_of_the_release_stays() -> None:
    both, own = {"limits": {"memory": "1Gi", "cpu": "1"}}, {"limits": {"memory": None}}
    assert merged(both, own, nulls=True) == {"limits": {"memory": None, "cpu": "1"}}


def test_replicas_need_leader_election() -> None:
    draft = Draft(REAL)
    [trainer, _jobset] = draft.controllers()
    check_election(draft, trainer, "conductor_replicas")
    with draft.because("config"):
        edit_config(draft, trainer, lambda config: config["leaderElection"].update(leaderElect=False))
    check_election(draft, trainer, "conductor_replicas")
    with draft.because("replicas"):
        draft.edit(trainer.deployment)["spec"]["replicas"] = 2
    with pytest.raises(InputError, match="conductor_replicas: 2 replicas of trainer without leader election"):
        check_election(draft, trainer, "conductor_replicas")


def test_an_exception_for_one_controller() -> None:
    found = pods({"node_selector": {"pool": "system"}, "jobset_controller": {"node_selector": {"disk": "ssd"}}})
    assert found["kubeflow-trainer"]["nodeSelector"] == {"pool": "system"}
    assert found["jobset"]["nodeSelector"] == {"pool": "system", "disk": "ssd"}
