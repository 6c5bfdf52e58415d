# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What LimitRanges and quotas reject. tests/integration/control_plane/test_pod_policies.py asks a server about it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.pod_policies import (
    Pods,
    exceeded,
    refused_by_limit_ranges,
    unstated,
    with_defaults,
)
from tests.unit.plugins.helpers.pod_policies import (
    CPU,
    LIMIT_RANGES,
    QUOTAS,
    container,
    limit,
    limit_range,
    pod,
    quota,
)


@pytest.mark.parametrize("case", LIMIT_RANGES)
def test_limits_that_reject_a_pod(case: str) -> None:
    ranges, spec, words = LIMIT_RANGES[case]
    lines = refused_by_limit_ranges(Pods("Job j", spec), ranges)
    assert bool(lines) is bool(words)
    for word in words:
        assert any(word in line.detail for line in lines)
    assert all(line.subject == "LimitRange r" and "Job j" in line.detail for line in lines)


@pytest.mark.parametrize("case", QUOTAS)
def test_quotas_that_reject_a_pod(case: str) -> None:
    limits, ranges, spec, missing, beyond = QUOTAS[case]
    lines = unstated(Pods("Job j", spec), limits, ranges)
    assert tuple(line.detail.partition(" ")[0] for line in lines) == missing
    found = exceeded([Pods("Job j", spec)], limits, ranges)
    assert tuple(one.line.detail.partition(" ")[0] for one in found) == beyond
    assert all(one.for_good for one in found)


def test_what_others_use_is_no_reason_for_ever() -> None:
    limits = {**quota({"pods": "3"}), "status": {"hard": {"pods": "3"}, "used": {"pods": "2"}}}
    (found,) = exceeded([Pods("Job j", pod(), 2)], limits)
    assert (found.for_good, found.line) == (False, "ResourceQuota q: pods is limited to 3: 2 used, 2 more needed")
    assert exceeded([Pods("Job j", pod(), 4)], limits)[0].for_good
    assert exceeded([Pods("Job j", pod())], limits) == []


def test_objects_count_by_their_resource() -> None:
    limits = quota({"count/deployments.apps": "1", "configmaps": "9", "secrets": "0"})
    found = exceeded([], limits, (), {"deployments.apps": 2, "configmaps": 3})
    assert [one.line.detail for one in found] == ["count/deployments.apps is limited to 1: 0 used, 2 more needed"]
    scoped = quota({"count/deployments.apps": "1"}, scopes=["BestEffort"])
    assert exceeded([], scoped, (), {"deployments.apps": 2}) == []


def test_values_of_the_pod_itself_count() -> None:
    spec = pod(container(requests=CPU), resources={"requests": {"cpu": "4"}, "limits": {"cpu": "4"}})
    assert unstated(Pods("Job j", spec), quota({"limits.memory": "1Gi"})) == []
    assert exceeded([Pods("Job j", spec)], quota({"requests.cpu": "2"}))
    assert refused_by_limit_ranges(Pods("Job j", spec), [limit_range(limit("Pod", max={"cpu": "2"}))])


def test_overhead_counts_for_quotas() -> None:
    spec = pod(container(requests=CPU), overhead={"cpu": "600m"})
    assert exceeded([Pods("Job j", spec)], quota({"requests.cpu": "1"}))


def test_the_spec_is_not_changed() -> None:
    spec = pod(container(requests=CPU))
    done = with_defaults(spec, [limit_range(limit(default={"cpu": "1"}))])
    assert done["containers"][0]["resources"] == {"requests": CPU, "limits": {"cpu": "1"}}
    assert spec == pod(container(requests=CPU))


BROKEN: list[Any] = [None, 1, "x", [], {}, [None], {"limits": 1}, {"hard": {"cpu": []}}, {"limits": [{"max": 1}]}]


@pytest.mark.parametrize("value", BROKEN)
def test_malformed_objects_reject_nothing(value: Any) -> None:
    item = {"metadata": value, "spec": value, "status": value}
    pods = Pods("Job j", pod())
    assert refused_by_limit_ranges(pods, [item]) == []
    assert unstated(pods, item) == []
    assert exceeded([pods], item) == []
    spec = {"containers": value, "initContainers": value, "resources": value, "overhead": value}
    refused_by_limit_ranges(Pods("Job j", spec), [limit_range(limit(max={"cpu": "odd", "memory": "1"}))])
    exceeded([Pods("Job j", spec)], quota({"cpu": "odd", "requests.cpu": "1"}))
