# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No text advises to remove an installation without saying what keeps its CRDs, and with them every TrainJob."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import CATALOGUE
from ansible_collections.conductor.trainer.plugins.module_utils.findings.judge import judge
from ansible_collections.conductor.trainer.plugins.module_utils.findings.other_tools import (
    TOOLS,
    detach_advice,
    removal_advice,
    upgrade_advice,
)
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import facts_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.installers import common_owner, owner
from tests.unit.plugins.helpers.builders import ROOT
from tests.unit.plugins.helpers.states import HOME, crds, installed, release

RELEASE = {"meta.helm.sh/release-name": "kubeflow-trainer", "meta.helm.sh/release-namespace": "ml"}


def entry(manager: str, operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:spec": {}}}


# Who manages it, and what the advice must contain.
OWNERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "helm": (
        {"annotations": RELEASE, "labels": {"app.kubernetes.io/managed-by": "Helm"}},
        ("`helm uninstall`", "secrets --namespace ml --selector owner=helm,name=kubeflow-trainer", "resource-policy"),
    ),
    "helm without a namespace": (
        {"annotations": {"meta.helm.sh/release-name": "x"}},
        ("--namespace NAMESPACE --selector owner=helm,name=x",),
    ),
    "helm by its field manager": ({"managedFields": [entry("helm")]}, ("owner=helm,name=NAME",)),
    "flux that runs helm": (
        {"annotations": RELEASE, "labels": {"helm.toolkit.fluxcd.io/name": "t"}},
        ("owner=helm,name=kubeflow-trainer", "spec.suspend: true"),
    ),
    "argo cd": (
        {"annotations": {"argocd.argoproj.io/tracking-id": "app:apps/Deployment:ns/x"}},
        ("`argocd app delete app --cascade=false`", "resources-finalizer"),
    ),
    "argo cd with a chart": (
        {
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"argocd.argoproj.io/tracking-id": "app:x"},
        },
        ("`argocd app delete app --cascade=false`",),
    ),
    "argo cd by its field manager": (
        {"managedFields": [entry("argocd-controller", "Apply")]},
        ("argocd app delete NAME",),
    ),
    "flux": ({"labels": {"kustomize.toolkit.fluxcd.io/name": "t"}}, ("spec.prune: false", "spec.suspend: true")),
    "flux by its field manager": ({"managedFields": [entry("kustomize-controller", "Apply")]}, ("spec.prune: false",)),
    "olm": ({"labels": {"olm.owner": "csv"}}, ("Subscription", "ClusterServiceVersion", "not the CRDs")),
    "juju": ({"labels": {"app.juju.is/created-by": "t"}}, ("juju remove-application", "CRDs")),
    "kubectl": ({"managedFields": [entry("kubectl-client-side-apply")]}, ("`kubectl delete -f`", "not its CRDs")),
    "kubectl's server-side apply": ({"managedFields": [entry("kubectl", "Apply")]}, ("`kubectl delete -f`",)),
    "a program": ({"managedFields": [entry("terraform")]}, ("whatever deletes its CRDs",)),
    "an operator": ({"ownerReferences": [{"kind": "Thing", "name": "x"}]}, ("whatever deletes its CRDs",)),
    "nobody": ({}, ("whatever deletes its CRDs",)),
}


@pytest.mark.parametrize("case", OWNERS)
def test_every_owner_that_can_delete_crds_has_a_warning_and_a_safe_way(case: str) -> None:
    metadata, words = OWNERS[case]
    name = owner(metadata)["name"]
    for advice in (removal_advice(name), detach_advice(name)):
        assert "warning: " in advice
        assert "every TrainJob" in advice
        assert "{" not in advice
    for word in words:
        assert word in removal_advice(name), word


def test_a_chart_that_argo_cd_applies_has_no_release_of_helm() -> None:
    assert "owner=helm" not in removal_advice(owner(OWNERS["argo cd with a chart"][0])["name"])


def test_several_owners_have_all_their_warnings_once() -> None:
    objects = [{"metadata": OWNERS[case][0]} for case in ("helm", "argo cd", "argo cd", "a program")]
    advice = removal_advice(common_owner(objects)["name"])
    assert advice.count("warning: ") == 3
    for words in ("`helm uninstall`", "argocd app delete app", "whatever deletes its CRDs"):
        assert words in advice
    # An interrupted adoption leaves objects of Conductor among those of the tool.
    ours = {"managedFields": [entry("conductor", "Apply")]}
    mixed = common_owner([{"metadata": ours}, {"metadata": OWNERS["helm"][0]}])["name"]
    assert removal_advice(mixed) == removal_advice(owner(OWNERS["helm"][0])["name"])


def test_an_upgrade_by_helm_moves_the_crds_into_the_release() -> None:
    assert "--take-ownership" in upgrade_advice(owner(OWNERS["helm"][0])["name"])
    assert upgrade_advice(owner(OWNERS["flux"][0])["name"]) == ""


REMOVES = re.compile(r"\b(remove|uninstall|delete)\b", re.IGNORECASE)
# These advise to delete something else than an installation.
HARMLESS = {
    "terminating",
    "helm_release_stored",
    "helm_release_unknown",
    "immutable_field",
    "training_operator",
    "jobset_crd_only",
    "adopted_from_tool",
    "limit_range",
    "runtime_finalizers",
    "certificate_invalid",
}


def test_no_finding_advises_to_remove_an_installation_without_the_warning() -> None:
    for finding in CATALOGUE:
        if REMOVES.search(finding.next_step) and finding.code not in HARMLESS:
            assert re.search("{(removal|warning)}", finding.next_step), finding.code
        assert "tool that installed it" not in finding.next_step or finding.next_step.count("{") >= 1, finding.code


@pytest.mark.parametrize("place", [HOME, "ml"])
@pytest.mark.parametrize("adopt", [(), ("helm",)])
def test_what_preflight_says_of_a_release_of_helm_contains_the_warning(place: str, adopt: tuple[str, ...]) -> None:
    metadata = {"annotations": RELEASE}
    readings = installed("helm", place, metadata, crds=crds("helm", **metadata))
    blockers, warnings = judge(facts_of("https://c", release(), readings, "bundled", adopt))
    texts = [finding["next_step"] for finding in (*blockers, *warnings)]
    advice = [text for text in texts if REMOVES.search(text) or "detach" in text]
    assert advice
    assert all("`helm uninstall` deletes" in text and "owner=helm,name=kubeflow-trainer" in text for text in advice)


def test_the_page_describes_every_tool() -> None:
    page = (ROOT / "docs" / "existing-installations.md").read_text(encoding="utf-8").lower()
    section = page.partition("## remove another installation")[2].partition("\n## ")[0]
    names = {"helm": "helm", "argocd": "argo cd", "flux": "flux", "olm": "olm", "juju": "juju", "kubectl": "kubectl"}
    assert set(names) == set(TOOLS)
    for name in (*names.values(), "other"):
        assert f"| {name}" in section, name
    assert "every trainjob" in section
