# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.namespace import namespace_facts
from ansible_collections.conductor.trainer.plugins.module_utils.objects.pod_policies import Pods
from tests.unit.plugins.helpers.states import release

TEMPLATES = [
    Pods(f"Deployment {item['metadata']['name']}", item["spec"]["template"]["spec"])
    for item in release().objects("Deployment")
]


def facts(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "namespace": {"metadata": {"name": "ops"}},
        "quotas": [],
        "policies": [],
        "wanted": TEMPLATES,
    }
    return namespace_facts("ops", **{"ports": [9443], **values, **changes})


def labelled(**labels: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "ops",
            "labels": {name.replace("__", "/").replace("_", "-"): value for name, value in labels.items()},
        }
    }


def quota(used: dict[str, str] | None = None, **hard: str) -> dict[str, Any]:
    names = {name.replace("__", "."): value for name, value in hard.items()}
    return {"metadata": {"name": "q"}, "spec": {"hard": names}, "status": {"hard": names, "used": used or {}}}


def test_labels() -> None:
    assert (
        facts(namespace={"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})["pod_security"]
        == "restricted"
    )
    assert facts(namespace=labelled(istio_injection="enabled"))["istio_injection"] is True
    assert facts(namespace=labelled(istio_injection="disabled"))["istio_injection"] is False
    assert facts(namespace={"metadata": {"labels": {"istio.io/rev": "1-26"}}})["istio_injection"] is True


@pytest.mark.parametrize(("namespace", "exists"), [(None, None), ({}, False), ({"metadata": {}}, True)])
def test_existence(namespace: Any, exists: bool | None) -> None:
    assert facts(namespace=namespace)["exists"] is exists


@pytest.mark.parametrize(
    ("limit", "exceeded"),
    [
        (quota(pods="2"), False),
        (quota(pods="1"), True),
        (quota({"pods": "1"}, pods="2"), True),
        (quota(requests__cpu="600m"), False),
        (quota(requests__cpu="599m"), True),
        (quota(cpu="100m"), True),
        (quota(requests__memory="100Mi"), True),
        (quota(services="0"), False),
        (quota(pods="odd"), False),
    ],
)
def test_quotas_that_the_controllers_exceed(limit: dict[str, Any], exceeded: bool) -> None:
    assert bool(facts(quotas=[limit])["quota_exceeded"]) is exceeded


def test_a_quota_is_judged_for_missing_pods_only() -> None:
    assert facts(quotas=[quota(pods="0")], wanted=[])["quota_exceeded"] == []
    (line,) = facts(quotas=[quota({"pods": "1"}, pods="2")])["quota_exceeded"]
    assert line == "ResourceQuota q: pods is limited to 2: 1 used, 2 more needed"


def test_quotas_that_require_limits() -> None:
    assert facts(quotas=[quota(limits__cpu="9", pods="9", requests__cpu="9")])["quota_missing_resources"] == [
        f"ResourceQuota q: limits.cpu of container manager of {pods.owner}" for pods in TEMPLATES
    ]


def policy(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"podSelector": {}, **spec}}


ALL_CLOSED = policy("deny")
OPENED = policy("allow", podSelector={"matchLabels": {"a": "b"}}, ingress=[{"ports": [{"port": 9443}]}])


@pytest.mark.parametrize(
    ("policies", "denying", "open_"),
    [
        ([], [], True),
        ([ALL_CLOSED], ["deny"], False),
        ([policy("deny", policyTypes=["Ingress", "Egress"])], ["deny"], False),
        ([policy("egress", policyTypes=["Egress"])], [], True),
        ([policy("some", podSelector={"matchLabels": {"a": "b"}})], [], True),
        ([policy("some", podSelector={"matchExpressions": [{"key": "a", "operator": "Exists"}]})], [], True),
        ([policy("same", ingress=[{"from": [{"podSelector": {}}]}])], ["same"], False),
        ([policy("open", ingress=[{}])], [], True),
        ([policy("open", ingress=[{"ports": [{"port": "webhook"}]}])], [], True),
        ([policy("range", ingress=[{"ports": [{"port": 9000, "endPort": 9999}]}])], [], True),
        ([policy("other", ingress=[{"ports": [{"port": 8080}]}])], ["other"], False),
        ([ALL_CLOSED, OPENED], ["deny"], True),
        (None, None, None),
    ],
)
def test_default_deny(policies: Any, denying: list[str] | None, open_: bool | None) -> None:
    found = facts(policies=policies)
    assert (found["default_deny"], found["webhook_port_open"]) == (denying, open_)


@pytest.mark.parametrize(
    ("secrets", "missing"),
    [
        (None, []),
        ({"a": [{"metadata": {"name": "a"}}]}, []),
        ({"a": [], "b": (), "c": [{}]}, ["a", "b"]),
        # What cannot be read is not reported.
        ({"a": None}, []),
    ],
)
def test_missing_secrets_for_pulling_images(secrets: Any, missing: list[str]) -> None:
    assert facts(pull_secrets=secrets)["pull_secrets_missing"] == missing


def test_each_port_of_a_webhook_has_to_be_open() -> None:
    found = facts(policies=[ALL_CLOSED, OPENED], ports=[9443, 9444])
    assert (found["webhook_port_open"], found["closed_ports"]) == (False, [9444])
    both = policy("both", ingress=[{"ports": [{"port": 9443}, {"port": 9444}]}])
    assert facts(policies=[both], ports=[9443, 9444])["default_deny"] == []
    assert facts(policies=[ALL_CLOSED, both], ports=[9443, 9444])["closed_ports"] == []


def test_no_policy_is_about_the_network_of_a_node() -> None:
    found = facts(policies=[ALL_CLOSED], ports=[])
    assert (found["webhook_port_open"], found["closed_ports"]) == (True, [])
