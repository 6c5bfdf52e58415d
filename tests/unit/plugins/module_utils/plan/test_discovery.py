# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import (
    Key,
    Resource,
    find_resource,
    path_of,
)
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft
from ansible_collections.conductor.trainer.plugins.module_utils.options.objects.extra_objects import lay_extra_objects
from ansible_collections.conductor.trainer.plugins.module_utils.plan.discovery import learn_kinds
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.unit.plugins.helpers.builders import NAMESPACE, bundle, obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request
from tests.unit.plugins.helpers.installing import ensure_present

ROOT = "/apis/example.com/v1"
WIDGET, GADGET = (Key("example.com/v1", kind, "team", "a") for kind in ("Widget", "Gadget"))


def custom(*extras: dict[str, Any]) -> Bundle:
    """The small bundle with objects of the user."""
    draft = Draft(bundle())
    lay_extra_objects(draft, {"extra_objects": extras})
    return draft.finished()


def served(cluster: FakeCluster, *entries: tuple[str, str, bool]) -> list[Request]:
    """Let a cluster serve kinds of example.com/v1: plural, kind, namespaced. Returns the requests for them."""
    asked: list[Request] = []

    def hook(request: Request) -> dict[str, Any] | None:
        if request.path != ROOT:
            return None
        asked.append(request)
        return {
            "kind": "APIResourceList",
            "resources": [{"name": name, "kind": kind, "namespaced": within} for name, kind, within in entries],
        }

    cluster.hooks.append(hook)
    return asked


def test_one_request_for_all_kinds_of_a_group_version_and_none_for_known_ones() -> None:
    cluster = FakeCluster()
    asked = served(
        cluster, ("widgets", "Widget", True), ("widgets/status", "Widget", True), ("gadgets", "Gadget", False)
    )
    learn_kinds(cluster, [Key("v1", "ConfigMap", "a", "a")])
    assert cluster.requests == []
    learn_kinds(cluster, [WIDGET, GADGET, WIDGET])
    assert len(asked) == 1
    assert find_resource(*WIDGET[:2]) == Resource("example.com", "v1", "widgets", True)
    assert path_of(WIDGET) == f"{ROOT}/namespaces/team/widgets/a"
    assert find_resource(*GADGET[:2]) == Resource("example.com", "v1", "gadgets", False)


def test_what_another_cluster_had_is_forgotten() -> None:
    one, another = FakeCluster(), FakeCluster()
    served(one, ("widgets", "Widget", True))
    served(another)
    learn_kinds(one, [WIDGET])
    learn_kinds(another, [WIDGET])
    assert find_resource(*WIDGET[:2]) is None


def test_a_kind_that_the_cluster_does_not_have_stops_before_the_first_write() -> None:
    cluster = FakeCluster()
    served(cluster)
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, custom(obj("Widget", "a", "example.com/v1", NAMESPACE)))
    assert [finding["code"] for finding in caught.value.facts["blockers"]] == ["crd_missing"]
    assert cluster.writes == []


def test_a_namespace_that_does_not_exist_stops_before_the_first_write() -> None:
    cluster = FakeCluster()
    quota = obj("ResourceQuota", "a", "v1", "nowhere")
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, custom(quota))
    assert [finding["code"] for finding in caught.value.facts["blockers"]] == ["namespace_missing"]
    assert cluster.writes == []
    # It may be among the objects.
    both = [quota, obj("Namespace", "nowhere", "v1")]
    assert ensure_present(cluster, custom(*both))["changed"]


@pytest.mark.parametrize(
    ("namespaced", "namespace", "message"), [(True, "", "needs a namespace"), (False, NAMESPACE, "is cluster-wide")]
)
def test_the_scope_of_a_kind_is_checked(namespaced: bool, namespace: str, message: str) -> None:
    cluster = FakeCluster()
    served(cluster, ("widgets", "Widget", namespaced))
    widget = obj("Widget", "a", "example.com/v1", namespace)
    with pytest.raises(InputError, match=message):
        ensure_present(cluster, custom(widget))
    assert cluster.writes == []
