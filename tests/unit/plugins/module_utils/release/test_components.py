# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.jobset.choice import JOBSET_MODES, resolve_jobset
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import BUNDLE_ARG_SPEC
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import (
    is_of_jobset,
    part_for,
    probes_of_others,
    without_jobset,
)
from tests.unit.plugins.helpers.builders import ROOT
from tests.unit.plugins.helpers.states import release, webhooks

COMMON_LABEL = "app.kubernetes.io/name"


def test_the_modes_are_those_of_the_option() -> None:
    assert list(JOBSET_MODES) == BUNDLE_ARG_SPEC["jobset"]["choices"]


def test_what_is_of_jobset_bears_its_label_in_this_release_and_nothing_else_does() -> None:
    for manifest in release().objects():
        labelled = manifest["metadata"].get("labels", {}).get(COMMON_LABEL) == "jobset"
        assert is_of_jobset(manifest) is labelled, manifest["metadata"]["name"]


def test_nothing_that_is_left_names_anything_of_jobset_as_its_own() -> None:
    bundle = without_jobset(release())
    gone = {item["metadata"]["name"] for item in release().objects()} - {
        item["metadata"]["name"] for item in bundle.objects()
    }
    assert len(gone) == len({item["metadata"]["name"] for item in release().objects() if is_of_jobset(item)})
    kinds = {item["kind"] for item in bundle.objects()}
    assert {"Namespace", "CustomResourceDefinition", "Deployment", "ClusterTrainingRuntime"} <= kinds
    assert [item["metadata"]["name"] for item in bundle.objects("Deployment")] == [
        "kubeflow-trainer-controller-manager"
    ]
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in bundle.objects(kind):
            assert binding["roleRef"]["name"] not in gone
    # The directories of our kustomization say it as well.
    assert (ROOT / "roles" / "conductor" / "files" / "conductor" / "controllers" / "jobset").is_dir()


def test_trainer_is_still_proven_and_the_release_still_says_which_jobset_it_wants() -> None:
    bundle = part_for(release(), "external")
    assert {probe.configuration for probe in bundle.probes} == {
        "validator.trainer.kubeflow.org",
        "defaulter.trainer.kubeflow.org",
    }
    assert bundle.components == release().components
    assert part_for(release(), "bundled") is release()


def renamed(kind: str) -> list[dict[str, Any]]:
    """JobSet's webhook configurations as a chart names them, among Trainer's."""
    found = webhooks(kind, home="jobset-system")
    for item in found:
        if item["metadata"]["name"].startswith("jobset"):
            item["metadata"]["name"] = f"chart-{kind}"
            for webhook in item["webhooks"]:
                webhook["name"] = f"chart-{webhook['name']}"
    return found


def test_somebody_elses_jobset_is_asked_by_its_own_webhooks_and_for_jobsets_alone() -> None:
    probes = probes_of_others(release(), [*renamed("Mutating"), *renamed("Validating")])
    assert {(probe.expect, probe.configuration, probe.webhook, probe.says) for probe in probes} == {
        ("denied", "chart-Validating", "chart-vjobset.kb.io", ""),
        ("mutated", "chart-Mutating", "chart-mjobset.kb.io", ""),
    }
    assert {probe.manifest["kind"] for probe in probes} == {"JobSet"}


def test_what_no_webhook_handles_is_not_asked() -> None:
    assert [probe.expect for probe in probes_of_others(release(), renamed("Validating"))] == ["denied"]
    assert probes_of_others(release(), []) == ()


STATES = ("absent", "bundled", "external", "crd_only", "split", "unknown")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("recorded", ["", "bundled", "external"])
@pytest.mark.parametrize("mode", JOBSET_MODES)
def test_whose_jobset_is_meant(mode: str, recorded: str, state: str) -> None:
    found = resolve_jobset(mode, Record(jobset=recorded), {"state": state})
    if mode != "auto":
        assert found == mode
    elif recorded:
        assert found == recorded
    else:
        assert found == ("external" if state == "external" else "bundled")


def test_where_nobody_looked_it_is_ours() -> None:
    assert resolve_jobset("auto", Record(), None) == "bundled"
    # A record that somebody edited names no third way.
    assert resolve_jobset("auto", Record(jobset="else"), None) == "bundled"
