# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.autoscaler import can_scale_up
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import FakeCluster


@pytest.mark.parametrize(("groups", "grows"), [(["apps"], False), (["apps", "karpenter.sh"], True)])
def test_node_autoscaler_is_detected_by_its_api_group(groups: list[str], grows: bool) -> None:
    cluster = FakeCluster()
    assert can_scale_up(cluster, groups) is grows
    assert len(cluster.requests) == (0 if grows else 1)


def test_cluster_autoscaler_is_detected_by_its_status() -> None:
    cluster = FakeCluster()
    cluster.put(obj("ConfigMap", "cluster-autoscaler-status", namespace="kube-system"))
    assert can_scale_up(cluster, ["apps"]) is True


@pytest.mark.parametrize("groups", [None, ["apps"]])
def test_autoscaler_is_assumed_if_unknown(groups: list[str] | None) -> None:
    cluster = FakeCluster()
    cluster.fail(403, method="GET")
    assert can_scale_up(cluster, groups) is True
