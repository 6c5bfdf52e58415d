# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How guarded fields are read. test_guards.py changes each of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.fields import part
from ansible_collections.conductor.trainer.plugins.module_utils.options.objects.guarded import (
    IDENTITY,
    OF_KIND,
    Guard,
    config_hash,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))


def test_every_kind_of_the_release_but_runtimes_and_namespaces_has_guards() -> None:
    kinds = {manifest["kind"] for manifest in REAL.objects()}
    assert kinds - OF_KIND.keys() == {"ClusterTrainingRuntime", "Namespace"}


def test_no_guard_needs_an_object_to_be_well_formed() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"metadata": None, "spec": 5},
        {"spec": {"template": []}, "webhooks": [None], "rules": "x", "data": {"a": 1}},
    ]
    for guard in (*IDENTITY, *(guard for guards in OF_KIND.values() for guard in guards)):
        for manifest in odd:
            guard.read(manifest)


def test_a_list_that_may_grow_keeps_its_items() -> None:
    guard = Guard("", lambda manifest: manifest, "", may_grow=True)
    assert guard.is_kept([1, 2], [2, 3, 1])
    assert not guard.is_kept([1, 2], [2, 3])
    assert not guard._replace(may_grow=False).is_kept([1, 2], [1, 2, 3])


def test_every_deployment_has_the_digest_of_its_configuration() -> None:
    hashes = {config_hash(manifest) for manifest in REAL.objects("ConfigMap")}
    for deployment in REAL.objects("Deployment"):
        annotations = part(deployment, "spec", "template", "metadata", "annotations")
        assert annotations["conductor.trainer/config-sha256"] in hashes


def certificates(content: str) -> object:
    return OF_KIND["ConfigMap"][0].read({"data": {"config": content}})


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("webhook: {port: 1}", "webhook: {port: 2}", True),
        ("kind: A", "kind: B", False),
        ("apiVersion: a/v1", "apiVersion: a/v2", False),
        ("certManagement: {enable: true}", "certManagement: {enable: false}", False),
        ("internalCertManagement: {enable: true}", "internalCertManagement: {}", False),
        ("leaderElection: {resourceName: a}", "leaderElection: {resourceName: b}", False),
        ("leaderElection: {resourceNamespace: a}", "leaderElection: {}", False),
        ("leaderElection: {leaderElect: true}", "leaderElection: {leaderElect: false}", True),
        # No configuration, and none that can be read.
        ("v1", "v2", False),
        ("a: [", "b: [", False),
        ("a: 1\n---\nb: 1", "a: 1\n---\nb: 2", False),
    ],
)
def test_what_is_guarded_of_a_configuration(before: str, after: str, kept: bool) -> None:
    assert (certificates(before) == certificates(after)) is kept


@pytest.mark.parametrize("first", ["v1", "a: ["])
def test_what_is_no_configuration_does_not_hide_what_follows(first: str) -> None:
    one, other = (OF_KIND["ConfigMap"][0].read({"data": {"a": first, "b": f"kind: {kind}"}}) for kind in ("A", "B"))
    assert one != other


def test_a_deployment_without_a_number_of_replicas_has_one() -> None:
    [stopped] = [guard for guard in OF_KIND["Deployment"] if guard.field == "spec.replicas to 0"]
    read = [stopped.read({"spec": spec}) for spec in ({}, {"replicas": 1}, {"replicas": 2})]
    assert read == [False, False, False]
    assert [stopped.read({"spec": {"replicas": number}}) for number in (0, "0")] == [True, True]
