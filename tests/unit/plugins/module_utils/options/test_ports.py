# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.names import CONFIG_HASH
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.configuration import config_of, edit_config
from ansible_collections.conductor.trainer.plugins.module_utils.options.controllers import lay_controllers
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft, container_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.ports import check_ports, move_ports, ports_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

TRAINER, JOBSET = "kubeflow-trainer-controller-manager", "jobset-controller-manager"
REAL = load_bundle(str(BUNDLE))


def named(bundle: Any, kind: str, name: str) -> dict[str, Any]:
    [found] = [one for one in bundle.objects(kind) if one["metadata"]["name"] == name]
    return dict(found)


def declared(deployment: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container_of(deployment)["ports"]}


def test_both_controllers_fit_on_the_network_of_one_node() -> None:
    laid = with_options(REAL, {"host_network": True})
    trainer, jobset = (named(laid, "Deployment", name) for name in (TRAINER, JOBSET))
    for deployment in (trainer, jobset):
        pod = deployment["spec"]["template"]["spec"]
        assert (pod["hostNetwork"], pod["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
        # Both pods of a rollout do not fit on one node.
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert declared(trainer) == {"health": 8081, "metrics": 8443, "webhook": 9443, "status-server": 10443}
    assert declared(jobset) == {"metrics": 8444, "webhook-server": 9444, "health": 8082}
    container = container_of(jobset)
    assert {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {
        8082
    }


def test_the_configuration_and_the_services_follow() -> None:
    laid = with_options(REAL, {"jobset_controller": {"host_network": True}})
    [content] = named(laid, "ConfigMap", "jobset-manager-config")["data"].values()
    config = yaml.safe_load(content)
    assert config["webhook"] == {"port": 9444}
    assert config["metrics"] == {"bindAddress": ":8444"}
    assert config["health"] == {"healthProbeBindAddress": ":8082"}
    assert named(laid, "Service", "jobset-webhook-service")["spec"]["ports"][0]["targetPort"] == "webhook-server"
    metrics = named(laid, "Service", "jobset-controller-manager-metrics-service")
    assert metrics["spec"]["ports"][0]["targetPort"] == "metrics"
    hashes = [
        named(bundle, "Deployment", JOBSET)["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH]
        for bundle in (REAL, laid)
    ]
    assert hashes[0] != hashes[1]
    before = {key_of(one): one for one in REAL.objects()}
    assert {key_of(one).name for one in laid.objects() if one != before[key_of(one)]} == {
        "jobset-manager-config",
        "jobset-webhook-service",
        "jobset-controller-manager-metrics-service",
        "jobset-controller-manager",
    }


def test_named_ports_follow_by_themselves() -> None:
    draft = Draft(REAL)
    [trainer, _jobset] = draft.controllers()
    with draft.because("config"):
        move_ports(draft, trainer, {"health": 7001, "webhook": 7002, "status": 7003})
    laid = draft.finished()
    deployment = named(laid, "Deployment", TRAINER)
    assert declared(deployment) == {"health": 7001, "metrics": 8443, "webhook": 7002, "status-server": 7003}
    assert container_of(deployment)["readinessProbe"]["httpGet"]["port"] == "health"
    assert config_of(draft, trainer)["health"]["healthProbeBindAddress"] == ":7001"
    for name in (TRAINER, "jobset-webhook-service"):
        assert named(laid, "Service", name) == named(REAL, "Service", name)


def test_a_server_has_the_port_of_the_configuration_if_it_runs() -> None:
    draft = Draft(REAL)
    trainer, jobset = draft.controllers()
    assert ports_of(draft, trainer) == {"health": 8081, "metrics": 8443, "webhook": 9443, "status": 10443}
    assert ports_of(draft, jobset) == {"health": 8081, "metrics": 8443, "webhook": 9443}
    with draft.because("config"):
        edit_config(draft, jobset, lambda config: config.update(metrics={"bindAddress": "0"}, webhook={"port": 9999}))
        edit_config(draft, trainer, lambda config: config["metrics"].update(bindAddress="0.0.0.0:8500"))
        edit_config(draft, trainer, lambda config: config.pop("statusServer"))
    assert ports_of(draft, trainer)["status"] == 10443
    assert ports_of(draft, jobset) == {"health": 8081, "webhook": 9999}
    with draft.because("host_network"):
        move_ports(draft, trainer, {"metrics": 8501})
    assert config_of(draft, trainer)["metrics"]["bindAddress"] == "0.0.0.0:8501"


def test_the_same_port_twice_is_rejected() -> None:
    draft = Draft(with_options(REAL, {"host_network": True}))
    [_trainer, jobset] = draft.controllers()
    check_ports(draft)
    with draft.because("config"):
        move_ports(draft, jobset, {"webhook": 8443})
    with pytest.raises(InputError, match="trainer and jobset both use port 8443"):
        check_ports(draft)


def test_options_that_lead_to_the_same_port_twice_are_rejected() -> None:
    config = {"webhook": {"port": 8443}, "metrics": {"bindAddress": ":9443"}}
    options = {"host_network": True, "jobset_controller": {"config": config}}
    with pytest.raises(InputError, match="trainer and jobset both use port"):
        with_options(REAL, options)
    # Pods that are not on the network of their node have ports of their own.
    assert with_options(REAL, {"jobset_controller": {"config": config}}).changes


def test_a_volume_of_the_user_is_not_the_configuration() -> None:
    draft = Draft(REAL)
    with draft.because("extra_objects"):
        metadata = {"name": "company-ca", "namespace": REAL.namespace}
        draft.add("access", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}})
    volumes = [{"name": "ca", "configMap": {"name": "company-ca"}}]
    lay_controllers(draft, {"jobset_controller": {"volumes": volumes}})
    assert [one.config_map.name for one in draft.controllers()][1] == "jobset-manager-config"
    laid = with_options(REAL, {"host_network": True, "jobset_controller": {"volumes": volumes}})
    assert [one.config_map.name for one in Draft(laid).controllers()] == [
        "kubeflow-trainer-config",
        "jobset-manager-config",
    ]


def test_a_controller_of_its_own_network_shares_no_port() -> None:
    laid = with_options(REAL, {"trainer_controller": {"host_network": True}})
    assert declared(named(laid, "Deployment", JOBSET)) == declared(named(REAL, "Deployment", JOBSET))
    check_ports(Draft(laid))
