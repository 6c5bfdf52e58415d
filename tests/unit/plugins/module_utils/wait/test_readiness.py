# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readiness, in addition to the tests of the wait itself: endpoints and webhook configurations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.wait.external_jobset import ExternalJobSet
from ansible_collections.conductor.trainer.plugins.module_utils.wait.readiness import Readiness
from tests.unit.plugins.helpers.builders import SLICE, VALIDATOR, bundle, endpoint_slice, key, obj, serving
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.stepping import Change, edit


def looked(cluster: FakeCluster, external_jobset: ExternalJobSet | None = None) -> Readiness:
    readiness = Readiness(cluster, bundle(), external_jobset, with_secrets=False)
    readiness.look_again()
    return readiness


def other_pod(cluster: FakeCluster) -> None:
    cluster.objects[SLICE] = endpoint_slice("webhook", "manager-2")


def elsewhere(cluster: FakeCluster) -> None:
    piece = endpoint_slice("jobset", "manager-3")
    cluster.objects[key("EndpointSlice", "jobset", "discovery.k8s.io/v1", "other")] = piece


@pytest.mark.parametrize(
    "change",
    [
        edit(VALIDATOR, "metadata", "generation", to=2),
        edit(VALIDATOR, "metadata", "uid", to="other"),
        other_pod,
        elsewhere,
    ],
)
def test_another_pod_or_another_configuration_is_another_proof(change: Callable[[FakeCluster], None]) -> None:
    cluster = serving(bundle())
    external_jobset = ExternalJobSet("other")
    before = looked(cluster, external_jobset).proven_against()
    change(cluster)
    assert looked(cluster, external_jobset).proven_against() != before


@pytest.mark.parametrize(
    "change",
    [
        edit(VALIDATOR, "metadata", "annotations", to={"a": "b"}),
        edit(SLICE, "metadata", "resourceVersion", to="99"),
        lambda cluster: cluster.put(obj("ConfigMap", "more", namespace="ops")),
    ],
)
def test_what_does_not_matter_changes_nothing(change: Change) -> None:
    cluster = serving(bundle())
    before = looked(cluster).proven_against()
    change(cluster)
    assert looked(cluster).proven_against() == before


def test_secrets_are_watched_only_where_they_are_needed() -> None:
    def plurals(with_secrets: bool) -> set[str]:
        readiness = Readiness(serving(bundle()), bundle(), None, with_secrets=with_secrets)
        return {scope.resource.plural for scope in readiness.watcher.scopes}

    assert plurals(True) - plurals(False) == {"secrets"}
