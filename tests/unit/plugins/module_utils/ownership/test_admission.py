# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.ownership.admission import (
    broad_webhooks,
    is_served,
    origin_of,
)
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.rejection import rejection_of


def configuration(name: str, service: str, **metadata: Any) -> dict[str, Any]:
    client = {"service": {"namespace": "mesh", "name": service}}
    return {"metadata": {"name": name, **metadata}, "webhooks": [{"name": "vpod.kb.io", "clientConfig": client}]}


CONFIGURATIONS = [
    {},
    {"webhooks": [None, {"name": "vpod.kb.io"}], "metadata": {"name": "empty"}},
    configuration("first", "one", managedFields=[{"manager": "kubectl"}]),
    configuration("second", "two", labels={"helm.toolkit.fluxcd.io/name": "mesh"}),
]
CONFIGURATIONS.append(
    {
        "metadata": {"name": "by url"},
        "webhooks": [{"name": "vpod.kb.io", "clientConfig": {"url": "https://hooks.example.com:8443/x"}}],
    }
)
CALL = 'failed calling webhook "vpod.kb.io": failed to call webhook: Post "https://{}.mesh.svc:443/x": EOF'


@pytest.mark.parametrize(
    ("message", "origin"),
    [
        (CALL.format("one"), "webhook configuration first of field manager kubectl"),
        (CALL.format("two"), "webhook configuration second of Flux HelmRelease"),
        (CALL.format("three"), ""),
        ('admission webhook "vpod.kb.io" denied the request: no', "webhook configuration empty of an unknown owner"),
        ('admission webhook "other" denied the request: no', ""),
        (
            'failed calling webhook "vpod.kb.io": failed to call webhook: Post "https://hooks.example.com:8443/x": EOF',
            "webhook configuration by url of an unknown owner",
        ),
        ('failed calling webhook "vpod.kb.io": failed to call webhook: Post "https://10.0.0.1/x": EOF', ""),
        ("ValidatingAdmissionPolicy 'vpod.kb.io' denied request: no", ""),
    ],
)
def test_the_configuration_and_its_owner(message: str, origin: str) -> None:
    found = origin_of(rejection_of(message), CONFIGURATIONS)
    assert found.startswith(origin)
    assert bool(found) is bool(origin)


def test_a_denial_names_no_address_so_that_each_configuration_with_this_webhook_may_be_meant() -> None:
    found = origin_of(rejection_of('admission webhook "vpod.kb.io" denied the request: no'), CONFIGURATIONS)
    assert all(name in found for name in ("first of", " or webhook configuration second of", "by url of"))


EVERYTHING = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}


def broad(rule: dict[str, Any] | None = None, **webhook: Any) -> dict[str, Any]:
    found = configuration("all", "mesh", labels={"helm.toolkit.fluxcd.io/name": "mesh"})
    found["webhooks"][0] |= {"rules": [{**EVERYTHING, **(rule or {})}], **webhook}
    return found


@pytest.mark.parametrize(
    ("item", "is_broad"),
    [
        (broad(), True),
        (broad({"resources": ["*"], "operations": ["CREATE", "UPDATE"]}), True),
        (broad({"scope": "Cluster"}), True),
        (broad(failurePolicy="Fail", namespaceSelector={"matchLabels": {"a": "b"}}), True),
        (broad(failurePolicy="Ignore"), False),
        (broad(objectSelector={"matchLabels": {"a": "b"}}), False),
        (broad(matchConditions=[{"name": "a", "expression": "false"}]), False),
        (broad({"scope": "Namespaced"}), False),
        (broad({"apiGroups": ["", "apps"]}), False),
        (broad({"resources": ["pods"]}), False),
        (broad({"operations": ["DELETE"]}), False),
        (broad(clientConfig={"url": "https://hooks.example.com"}), False),
        (broad(rules=None), False),
        ({"webhooks": "none"}, False),
    ],
)
def test_webhooks_that_handle_everything(item: dict[str, Any], is_broad: bool) -> None:
    found = list(broad_webhooks([item]))
    assert bool(found) is is_broad
    if found:
        assert found[0] == ("vpod.kb.io", "webhook configuration all of Flux HelmRelease mesh", "mesh", "mesh")


@pytest.mark.parametrize(
    ("endpoints", "served"),
    [
        ([{"conditions": {"ready": True}}], True),
        # Unset means ready (discovery.k8s.io/v1, EndpointConditions).
        ([{"addresses": ["10.0.0.1"]}], True),
        ([{"conditions": {"ready": False, "serving": True, "terminating": True}}], True),
        ([{"conditions": {"ready": False}}], False),
        ([], False),
    ],
)
def test_whether_something_answers(endpoints: list[dict[str, Any]], served: bool) -> None:
    labels = {"kubernetes.io/service-name": "mesh"}
    slices = [{"metadata": {"labels": labels}, "endpoints": endpoints}]
    assert is_served("mesh", slices) is served
    assert not is_served("other", slices)
