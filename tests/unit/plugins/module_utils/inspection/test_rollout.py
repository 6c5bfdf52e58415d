# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.rollout import ToPlace, to_place
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from tests.unit.plugins.helpers.states import deployments, release

NAME = "jobset-controller-manager"


def placed(options: dict[str, Any], live: Any = None) -> dict[str, ToPlace]:
    """Return what an install with options has to place on a cluster with these Deployments."""
    wanted = with_options(release(), options).objects("Deployment")
    return {one.deployment: one for one in to_place(wanted, deployments() if live is None else live)}


def running(change: Any = None, **spec: Any) -> list[dict[str, Any]]:
    """Return the Deployments of a release as the server stores them, one of them changed."""
    found = copy.deepcopy(deployments())
    for item in found:
        if item["metadata"]["name"] == NAME:
            item["spec"] |= spec
            if change:
                change(item["spec"]["template"]["spec"])
    return found


def test_nothing_is_placed_if_the_pods_stay() -> None:
    assert placed({}) == {}
    assert placed({"labels": {"a": "b"}, "disruption_budget": {"max_unavailable": 1}}) == {}


def test_a_first_install_places_every_replica() -> None:
    found = placed({"replicas": 2, "trainer_controller": {"replicas": 3}}, [])
    assert {name: (one.number, one.more, one.surge, one.new) for name, one in found.items()} == {
        "kubeflow-trainer-controller-manager": (3, 3, False, True),
        NAME: (2, 2, False, True),
    }


@pytest.mark.parametrize(
    ("options", "number", "more", "surge"),
    [
        ({"node_selector": {"a": "b"}}, 1, 1, True),
        ({"tolerations": [{"operator": "Exists"}]}, 1, 1, True),
        ({"priority_class": "gold"}, 1, 1, True),
        ({"pod_labels": {"a": "b"}}, 1, 1, True),
        ({"env": [{"name": "A", "value": "b"}]}, 1, 1, True),
        ({"resources": {"requests": {"cpu": "10m"}}}, 1, 1, True),
        # As the server writes it.
        ({"resources": {"requests": {"cpu": "0.5"}}}, 0, 0, False),
        ({"host_network": True}, 1, 0, False),
        ({"replicas": 3, "spread": "none"}, 2, 2, False),
        # The spread changes the pods.
        ({"replicas": 3}, 3, 3, True),
        ({"replicas": 3, "priority_class": "gold"}, 3, 3, True),
    ],
)
def test_what_a_change_places(options: dict[str, Any], number: int, more: int, surge: bool) -> None:
    found = placed({"jobset_controller": options}).get(NAME, ToPlace(NAME, {}, 0, 0))
    assert (found.number, found.more, found.surge) == (number, more, surge)


def test_what_others_added_stays() -> None:
    assert placed({}, running(lambda pod: pod["volumes"].insert(0, {"name": "ca", "emptyDir": {}}))) == {}
    added = [{"operator": "Exists"}]
    live = running(lambda pod: pod.update(tolerations=added))
    assert placed({}, live) == {}
    assert placed({"priority_class": "gold"}, live)[NAME].spec["tolerations"] == added
    limited = running(lambda pod: pod["containers"][0]["resources"]["limits"].update(cpu="1"))
    spec = placed({"priority_class": "gold"}, limited)[NAME].spec
    assert spec["containers"][0]["resources"]["limits"] == {"memory": "4Gi", "cpu": "1"}
    assert placed({"priority_class": "gold"}, running(replicas=4))[NAME].number == 4


def applied(*others: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the Deployments as an install with options left them; ``others`` own these fields as well."""
    ours: dict[str, Any] = {
        "f:replicas": {},
        "f:template": {
            "f:spec": {
                "f:nodeSelector": {},
                "f:tolerations": {},
                "f:containers": {'k:{"name":"manager"}': {".": {}, "f:resources": {"f:requests": {"f:cpu": {}}}}},
            }
        },
    }
    found = running(
        lambda pod: pod.update(nodeSelector={"pool": "a"}, tolerations=[{"operator": "Exists"}]), replicas=4
    )
    for item in found:
        item["metadata"]["managedFields"] = [
            {"manager": "conductor", "operation": "Apply", "fieldsV1": {"f:spec": ours}},
            *({"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": fields}} for fields in others),
        ]
    return found


def test_what_an_earlier_install_added_does_not_stay() -> None:
    """It would ask a node for labels that the pods do not want any more."""
    back = placed({}, applied())[NAME]
    assert (back.number, back.more, back.surge) == (1, 1, True)
    assert back.spec.keys().isdisjoint({"nodeSelector", "tolerations"})
    kept = placed({}, applied({"f:template": {"f:spec": {"f:nodeSelector": {}}}}, {"f:replicas": {}}))[NAME]
    assert (kept.number, kept.spec["nodeSelector"]) == (4, {"pool": "a"})
    assert "tolerations" not in kept.spec


def test_what_the_release_has_stays() -> None:
    spec = placed({"priority_class": "gold"}, applied())[NAME].spec
    assert spec["containers"][0]["resources"]["requests"]["cpu"] == "500m"


def test_a_controller_of_another_name_runs_already() -> None:
    renamed = running()
    for item in renamed:
        item["metadata"]["name"] += "-x"
    assert placed({"replicas": 2}, renamed) == {}


@pytest.mark.parametrize(("present", "surge"), [(None, True), (1, True), (2, False)])
def test_an_unfinished_update_has_all_its_pods(present: int | None, surge: bool) -> None:
    """One of them ends before another one starts, so that a broken installation can be repaired on a full node."""
    live = running()
    for deployment in live:
        deployment["status"] = {} if present is None else {"replicas": present}
    found = placed({"tolerations": [{"key": "x"}]}, live)[NAME]
    assert (found.number, found.more, found.surge) == (1, int(surge), surge)
