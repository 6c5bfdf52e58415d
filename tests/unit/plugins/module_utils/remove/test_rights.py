# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import Right
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.deletion import DeletionTarget
from ansible_collections.conductor.trainer.plugins.module_utils.errors import RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.remove.model import Removal
from ansible_collections.conductor.trainer.plugins.module_utils.remove.rights import (
    removal_rights,
    require_removal_rights,
)
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.removals import HOME, LEASE, MANAGER, TORCH

REMOVAL = Removal(
    (
        ("runtimes", (DeletionTarget(TORCH, "u1"),)),
        ("controllers", (DeletionTarget(MANAGER, "u2"), DeletionTarget(LEASE, "u3"))),
    ),
    finalizers_to_remove=(DeletionTarget(TORCH, "u1"),),
)


def answering(**status: Any) -> FakeCluster:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: {"status": status} if "reviews" in request.path else None)
    return cluster


def test_permissions_are_delete_watch_for_slow_deletions_and_patch_for_finalizers() -> None:
    runtime = ("trainer.kubeflow.org", "clustertrainingruntimes")
    assert removal_rights(REMOVAL) == [
        Right("delete", *runtime, "", "torch-distributed"),
        Right("delete", "apps", "deployments", HOME, MANAGER.name),
        Right("delete", "coordination.k8s.io", "leases", HOME, LEASE.name),
        Right("watch", "apps", "deployments", HOME, ""),
        Right("watch", *runtime, "", ""),
        # Needed to see whether the pods of a Deployment are gone.
        Right("list", "apps", "replicasets", HOME, ""),
        Right("list", "", "pods", HOME, ""),
        Right("watch", "", "pods", HOME, ""),
        Right("patch", *runtime, "", "torch-distributed"),
    ]


def test_terminating_objects_need_no_permission_to_delete() -> None:
    going = DeletionTarget(Key("v1", "ConfigMap", HOME, "c"), "u", terminating=True)
    assert removal_rights(Removal((("access", (going,)),))) == []


def test_nothing_to_delete_asks_nothing() -> None:
    cluster = FakeCluster()
    require_removal_rights(cluster, Removal(), HOME)
    assert cluster.requests == []


@pytest.mark.parametrize(("home", "leases"), [(HOME, True), ("", False)])
def test_all_missing_rights_are_named_and_those_on_the_lease_only_where_one_is_held(home: str, leases: bool) -> None:
    with pytest.raises(RightsError) as caught:
        require_removal_rights(answering(resourceRules=[], incomplete=False), REMOVAL, home)
    lines = caught.value.facts["missing_permissions"]
    assert "delete clustertrainingruntimes.trainer.kubeflow.org (for torch-distributed)" in lines
    assert f"list pods in namespace {HOME}" in lines
    assert any("leases" in line and line.startswith("create") for line in lines) is leases


def test_rights_that_the_server_grants_are_enough() -> None:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    require_removal_rights(answering(resourceRules=[everything], incomplete=False), REMOVAL, HOME)
