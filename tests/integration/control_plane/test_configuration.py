# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of the controllers against a real API server: what a change of it writes, and what it replaces."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.names import CONFIG_HASH
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.control_plane import ControlPlane
from tests.support.known_states import HOME
from tests.support.states import States
from tests.unit.plugins.helpers.installing import ensure_present

TRAINER, JOBSET = "kubeflow-trainer-controller-manager", "jobset-controller-manager"
CONFIG_MAPS = {TRAINER: "kubeflow-trainer-config", JOBSET: "jobset-manager-config"}
# The Services of JobSet name their ports by number.
SERVICES = [f"Service {HOME}/jobset-controller-manager-metrics-service", f"Service {HOME}/jobset-webhook-service"]


def objects_of(*deployments: str) -> list[str]:
    names = [[f"ConfigMap {HOME}/{CONFIG_MAPS[name]}", f"Deployment {HOME}/{name}"] for name in deployments]
    return sorted(name for pair in names for name in pair)


OPTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "gate of one controller": ({"feature_gates": {"TrainJobStatus": True}}, objects_of(TRAINER)),
    "TLS of both": ({"tls": {"min_version": "1.3"}}, objects_of(TRAINER, JOBSET)),
    "settings of one": (
        {
            "jobset_controller": {
                "config": {"clientConnection": {"qps": 100}, "leaderElection": {"leaseDuration": "30s"}}
            }
        },
        objects_of(JOBSET),
    ),
    "ports": (
        {"jobset_controller": {"config": {"webhook": {"port": 10250}, "metrics": {"bindAddress": ":8444"}}}},
        objects_of(JOBSET) + SERVICES,
    ),
    "port that has a name": ({"trainer_controller": {"config": {"webhook": {"port": 10250}}}}, objects_of(TRAINER)),
}


def template(plane: ControlPlane, deployment: str) -> dict[str, Any]:
    return dict(plane.get("deployment", deployment, f"--namespace={HOME}")["spec"]["template"])


@pytest.mark.parametrize("case", OPTIONS)
def test_a_change_writes_what_it_changes_and_is_taken_back(installed: ControlPlane, bundle: Bundle, case: str) -> None:
    options, names = OPTIONS[case]
    before = {name: template(installed, name) for name in CONFIG_MAPS}
    laid = with_options(bundle, options)

    foretold = ensure_present(installed.client(), laid, check=True)
    done = ensure_present(installed.client(), laid)
    assert foretold["actions"] == done["actions"] == {"update": sorted(names)}
    # Once for each controller: nothing but the digest says that its pods have an old configuration.
    digests = {name: template(installed, name)["metadata"]["annotations"][CONFIG_HASH] for name in CONFIG_MAPS}
    changed = [name for name in CONFIG_MAPS if digests[name] != before[name]["metadata"]["annotations"][CONFIG_HASH]]
    assert changed == [name for name in CONFIG_MAPS if f"Deployment {HOME}/{name}" in names]

    mark = installed.now()
    assert not ensure_present(installed.client(), laid)["changed"]
    assert installed.writes_since(mark) == []

    assert ensure_present(installed.client(), bundle)["actions"] == {"update": sorted(names)}
    assert {name: template(installed, name) for name in CONFIG_MAPS} == before


def test_an_external_jobset_is_not_configured_and_the_run_says_so(states: States, bundle: Bundle) -> None:
    plane = states.enter("jobset-healthy")
    options = {
        "feature_gates": {"TrainJobStatus": True, "ElasticJobSet": True},
        "jobset_controller": {"config": {"clientConnection": {"qps": 100}}},
    }
    result = ensure_present(plane.client(), with_options(bundle, options))
    assert result["jobset"] == "external"
    [notice] = result["notices"]
    assert notice.endswith("conductor_feature_gates.ElasticJobSet, conductor_jobset_controller.config")
    # An option that has an effect is not mentioned.
    assert "TrainJobStatus" not in notice
    assert (
        ensure_present(plane.client(), with_options(bundle, {"tolerations": [{"operator": "Exists"}]}))["notices"] == []
    )
