# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.ownership.installers import (
    common_owner,
    is_own_or_nothing,
    owner,
    tool_of,
)


def by(manager: str, **metadata: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{name}": {} for name in metadata.get("labels") or {}}}}
    operation = "Update" if manager == "kubectl-client-side-apply" else "Apply"
    return {"managedFields": [{"manager": manager, "operation": operation, "fieldsV1": fields}], **metadata}


OUR_LABEL = {"conductor.trainer/managed": "true"}


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        (by("conductor"), "conductor"),
        (by("kubectl"), "kubectl"),
        (by("kubectl-client-side-apply"), "kubectl"),
        (by("helm", labels={"app.kubernetes.io/managed-by": "Helm"}), "helm"),
        (by("helm"), "helm"),
        (by("helm", annotations={"meta.helm.sh/release-name": "trainer"}), "helm"),
        (by("argocd-controller"), "argocd"),
        (by("argocd-controller", annotations={"argocd.argoproj.io/tracking-id": "x:y"}), "argocd"),
        (by("kustomize-controller"), "flux"),
        (by("helm", labels={"helm.toolkit.fluxcd.io/name": "trainer"}), "flux"),
        (by("olm", labels={"olm.owner": "jobset.v1"}), "olm"),
        (by("lightkube", labels={"app.juju.is/created-by": "trainer"}), "juju"),
        (by("jobset-operator", ownerReferences=[{"kind": "JobSetOperator", "name": "cluster"}]), "operator"),
        (by("OpenAPI-Generator"), "other"),
        ({}, "other"),
        ({"managedFields": None, "labels": None, "annotations": None, "ownerReferences": None}, "other"),
    ],
)
def test_who_installed_it(metadata: dict[str, Any], kind: str) -> None:
    assert owner(metadata)["kind"] == kind


@pytest.mark.parametrize(
    ("metadata", "adoptable"),
    [
        (by("kubectl", labels=OUR_LABEL), True),
        (by("kubectl-client-side-apply", labels=OUR_LABEL), True),
        (by("terraform", labels=OUR_LABEL), False),
        (by("kubectl"), True),
        ({**by("kubectl"), "ownerReferences": [{"kind": "Operator", "name": "x"}]}, False),
        (by("kubectl", annotations={"argocd.argoproj.io/tracking-id": "x:y"}), False),
        ({"managedFields": [*by("kubectl")["managedFields"], *by("argocd-controller")["managedFields"]]}, False),
        (by("helm", labels=OUR_LABEL), False),
        (by("conductor", labels=OUR_LABEL), False),
    ],
)
def test_kubectl_objects_are_always_adoptable(metadata: dict[str, Any], adoptable: bool) -> None:
    assert owner(metadata)["adoptable"] is adoptable


def test_several_objects() -> None:
    def common(*metadata: dict[str, Any]) -> tuple[str, bool]:
        found = common_owner({"metadata": one} for one in metadata)
        return found["kind"], found["adoptable"]

    assert common() == ("none", False)
    assert common(by("kubectl"), by("kubectl")) == ("kubectl", True)
    assert common(by("kubectl", labels=OUR_LABEL), by("kubectl")) == ("kubectl", True)
    assert common(by("kubectl"), by("helm")) == ("mixed", False)
    assert common(by("kubectl"), by("conductor")) == ("mixed", True)
    assert common(by("helm"), by("conductor")) == ("mixed", False)


def test_named_tool_is_adoptable() -> None:
    assert owner(by("helm"), ["helm"]) == {"kind": "helm", "name": "field manager helm", "adoptable": True}
    assert owner(by("helm"), ["argocd", "other"])["adoptable"] is False
    assert owner(by("terraform"), ["other"])["adoptable"] is True
    assert [tool_of(by(manager)) for manager in ("helm", "terraform", "kubectl")] == ["helm", "other", "other"]
    assert common_owner([{"metadata": by("helm")}, {"metadata": by("conductor")}], ["helm"])["adoptable"] is True


def test_interrupted_take_over_can_continue() -> None:
    ours, handed = ({"metadata": by(manager, labels=OUR_LABEL)} for manager in ("conductor", "kubectl"))
    theirs = {"metadata": by("helm")}
    assert common_owner([ours, handed])["adoptable"] is True
    assert common_owner([ours])["adoptable"] is False
    assert common_owner([ours, handed, theirs])["adoptable"] is False
    assert [is_own_or_nothing(items) for items in ([], [ours], [ours, handed], [ours, theirs])] == [
        *(True, True, True),
        False,
    ]
