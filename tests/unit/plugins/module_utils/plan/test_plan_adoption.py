# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of other managers a plan takes over, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action, Observed, make_plan
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle, Side
from tests.unit.plugins.helpers.builders import CONFIG, SECRET, bundle

HELM: dict[str, Any] = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "trainer"},
}
ARGO_CD: dict[str, Any] = {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}


def upstreams() -> Bundle:
    """The small bundle; upstream ships its ConfigMap and its Secret, too. The Secret has no content."""
    return bundle(upstream={"|".join(CONFIG): {"has": {"f:data": {"f:b": "digest"}}}, "|".join(SECRET): {}})


def by(manager: str, operation: str = "Apply", **more: Any) -> dict[str, Any]:
    return {"uid": "u", "managedFields": [{"manager": manager, "operation": operation}], **more}


def action_for(key: Key, metadata: dict[str, Any], adopt: Sequence[str] = (), release: Bundle | None = None) -> Action:
    plan = make_plan(release or upstreams(), Observed(metadata={key: metadata}), adopt)
    return next(action for action in plan.actions if action.key == key)


@pytest.mark.parametrize(("manager", "operation"), [("kubectl", "Apply"), ("kubectl-client-side-apply", "Update")])
def test_what_kubectl_applied_of_upstreams_is_handed_over(manager: str, operation: str) -> None:
    action = action_for(CONFIG, by(manager, operation))
    assert (action.verb, action.reason) == ("adopt", "applied by kubectl from the upstream release")
    assert (action.take_over, action.side) == (True, Side(has={"f:data": {"f:b": "digest"}}))
    # It is taken over without permission from the user, so no field of another manager may be overwritten.
    assert (action.tool, action.force) == ("", False)


def test_other_objects_that_kubectl_applied_block() -> None:
    assert action_for(CONFIG, by("kubectl"), release=bundle()).verb == "refuse"


@pytest.mark.parametrize("mark", [HELM, ARGO_CD])
def test_a_mark_of_another_installer_counts_more_than_kubectl(mark: dict[str, Any]) -> None:
    assert action_for(CONFIG, by("kubectl", **mark)).verb == "refuse"


@pytest.mark.parametrize("entries", [[], [{"manager": "kube-controller-manager", "operation": "Update"}]])
def test_an_upstream_object_without_content_has_no_owner(entries: list[dict[str, Any]]) -> None:
    action = action_for(SECRET, {"uid": "u", "managedFields": entries})
    assert (action.verb, action.reason) == (
        "adopt",
        "it is upstream's object, without any content",
    )
    assert (action.take_over, action.side, action.force) == (True, Side(), False)


@pytest.mark.parametrize("found", [{"uid": "u", **HELM}, by("installer"), by("installer", **ARGO_CD)])
def test_an_object_with_the_mark_of_another_installer_has_that_owner(found: dict[str, Any]) -> None:
    assert action_for(SECRET, found).verb == "refuse"


def test_an_object_with_content_or_unknown_to_upstream_blocks() -> None:
    assert action_for(CONFIG, {"uid": "u"}).verb == "refuse"
    assert action_for(SECRET, {"uid": "u"}, release=bundle()).verb == "refuse"


@pytest.mark.parametrize(
    ("found", "tool", "words"),
    [
        ({"uid": "u", **HELM}, "helm", "Helm release trainer"),
        (by("argocd-controller", **ARGO_CD), "argocd", "Argo CD x"),
        (by("installer"), "other", "field manager installer"),
    ],
)
def test_objects_of_a_named_tool_are_adopted(found: dict[str, Any], tool: str, words: str) -> None:
    action = action_for(CONFIG, found, ["olm", tool])
    assert (action.verb, action.reason) == ("adopt", f"to be adopted from {words}")
    assert (action.take_over, action.tool, action.force) == (True, tool, False)
    assert action.side == upstreams().upstream[CONFIG]
    assert action_for(CONFIG, found, ["olm"]).verb == "refuse"


def test_our_own_objects_are_not_adopted() -> None:
    assert action_for(CONFIG, by("conductor"), ["helm", "other"]).verb == "update"
    assert action_for(SECRET, by("conductor"), ["helm", "other"]).verb == "update"


def test_an_action_shows_no_manifests() -> None:
    """They may hold secrets, and messages and test output show actions."""
    action = action_for(CONFIG, by("kubectl"))
    shown = repr(action)
    assert "ConfigMap" in shown
    assert not any(field in shown for field in ("manifest", "variants", "side"))
