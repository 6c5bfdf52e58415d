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
    custom_kinds,
    is_of_jobset,
    part_for,
    probes_of_others,
    without_jobset,
)
from tests.unit.plugins.helpers.builders import ROOT, bundle
from tests.unit.plugins.helpers.states import release, webhooks

COMMON_LABEL = "app.kubernetes.io/name"


def test_the_modes_are_those_of_the_option() -> None:
    assert list(JOBSET_MODES) == BUNDLE_ARG_SPEC["jobset"]["choices"]


def test_exactly_the_objects_of_jobset_have_its_label() -> None:
    for manifest in release().objects():
        labelled = manifest["metadata"].get("labels", {}).get(COMMON_LABEL) == "jobset"
        assert is_of_jobset(manifest) is labelled, manifest["metadata"]["name"]


def test_no_remaining_object_refers_to_an_object_of_jobset() -> None:
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
    # The directories of our kustomization show it as well.
    assert (ROOT / "roles" / "conductor" / "files" / "conductor" / "controllers" / "jobset").is_dir()


def test_probes_of_trainer_and_the_jobset_version_remain() -> None:
    bundle = part_for(release(), "external")
    assert {probe.configuration for probe in bundle.probes} == {
        "validator.trainer.kubeflow.org",
        "defaulter.trainer.kubeflow.org",
    }
    assert bundle.components == release().components
    assert part_for(release(), "bundled") is release()


def renamed(kind: str) -> list[dict[str, Any]]:
    """Return JobSet's webhook configurations with the names of a chart, together with Trainer's."""
    found = webhooks(kind, home="jobset-system")
    for item in found:
        if item["metadata"]["name"].startswith("jobset"):
            item["metadata"]["name"] = f"chart-{kind}"
            for webhook in item["webhooks"]:
                webhook["name"] = f"chart-{webhook['name']}"
    return found


def test_an_external_jobset_is_probed_by_its_own_webhooks_and_with_jobsets_only() -> None:
    probes = probes_of_others(release(), [*renamed("Mutating"), *renamed("Validating")])
    assert {(probe.expect, probe.configuration, probe.webhook, probe.says) for probe in probes} == {
        ("denied", "chart-Validating", "chart-vjobset.kb.io", ""),
        ("mutated", "chart-Mutating", "chart-mjobset.kb.io", ""),
    }
    assert {probe.manifest["kind"] for probe in probes} == {"JobSet"}


def test_a_probe_that_no_webhook_handles_is_left_out() -> None:
    assert [probe.expect for probe in probes_of_others(release(), renamed("Validating"))] == ["denied"]
    assert probes_of_others(release(), []) == ()


STATES = ("absent", "bundled", "external", "crd_only", "split", "unknown")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("recorded", ["", "bundled", "external"])
@pytest.mark.parametrize("mode", JOBSET_MODES)
def test_which_jobset_is_selected(mode: str, recorded: str, state: str) -> None:
    found = resolve_jobset(mode, Record(jobset=recorded), {"state": state})
    if mode != "auto":
        assert found == mode
    elif recorded:
        assert found == recorded
    else:
        assert found == ("external" if state == "external" else "bundled")


def test_without_facts_the_bundled_jobset_is_selected() -> None:
    assert resolve_jobset("auto", Record(), None) == "bundled"
    # An edited record cannot select a third way.
    assert resolve_jobset("auto", Record(jobset="else"), None) == "bundled"


def test_the_custom_kinds_are_those_that_crds_serve() -> None:
    assert [(str(resource), resource.namespaced, kind) for resource, kind in custom_kinds(bundle().objects())] == [
        ("trainjobs.trainer.kubeflow.org", True, "TrainJob"),
        ("clustertrainingruntimes.trainer.kubeflow.org", False, "ClusterTrainingRuntime"),
    ]
