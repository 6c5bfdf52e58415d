# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.rotation import (
    PATIENCE,
    await_rotators_gone,
    with_another_configuration,
)
from ansible_collections.conductor.trainer.plugins.module_utils.errors import NotReadyError
from ansible_collections.conductor.trainer.plugins.module_utils.names import CONFIG_HASH
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from tests.unit.plugins.helpers.builders import NAMESPACE, bundle, content, deployment, pod
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster
from tests.unit.plugins.helpers.stepping import Script


def configured() -> Any:
    """Return the small bundle, with a digest of the configuration on its pods."""
    manager = deployment()
    manager["spec"]["template"]["metadata"]["annotations"] = {CONFIG_HASH: "new"}
    phases = copy.deepcopy(content()["phases"])
    phases[2]["objects"] = [manager]
    return bundle(phases=phases)


def a_pod(name: str, digest: str | None, app: str = "manager", **metadata: Any) -> dict[str, Any]:
    annotations = None if digest is None else {CONFIG_HASH: digest}
    return pod(name, app, annotations=annotations, **metadata)


def running(manifest: dict[str, Any]) -> FakeCluster:
    cluster = FakeCluster()
    cluster.objects[key_of(manifest)] = manifest
    return cluster


def test_pods_with_another_configuration_are_found_even_terminating() -> None:
    pods = [
        a_pod("new-1", "new"),
        a_pod("old-1", "old"),
        a_pod("older-1", None),
        a_pod("ending-1", "old", deletionTimestamp="t"),
        a_pod("other-1", "old", app="other"),
        {**a_pod("waiting-1", "old"), "status": {"phase": "Pending"}},
        {},
    ]
    assert with_another_configuration(configured(), pods) == ["ending-1", "old-1", "older-1"]


def test_no_wait_without_such_pods(clock: Clock, script: Script) -> None:
    cluster = running(a_pod("new-1", "new"))
    await_rotators_gone(cluster, configured(), monotonic=clock.monotonic)
    assert (clock.pauses, len(cluster.requests)) == ([], 1)


def test_it_waits_until_the_last_one_is_gone(clock: Clock, script: Script) -> None:
    cluster = running(a_pod("old-1", "old"))
    began = clock.now
    script.append((5.0, lambda cluster: cluster.objects.pop(Key("v1", "Pod", NAMESPACE, "old-1"))))
    await_rotators_gone(cluster, configured(), monotonic=clock.monotonic)
    assert clock.now - began == 5.0


def test_remaining_pods_are_named_after_the_patience(clock: Clock, script: Script) -> None:
    cluster = running(a_pod("old-1", "old"))
    began = clock.now
    with pytest.raises(NotReadyError, match="old-1"):
        await_rotators_gone(cluster, configured(), monotonic=clock.monotonic)
    assert clock.now - began == PATIENCE
