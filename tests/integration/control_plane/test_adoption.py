# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstream's own install becomes ours on a real API server, by whatever tool it came; what people added stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.names import LAST_APPLIED
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.owner import traces_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support import foreign
from tests.support.control_plane import ControlPlane
from tests.support.known_states import HOME
from tests.support.sampled import sampled
from tests.support.states import States, apply, crds_of
from tests.support.upstream_objects import trainer_objects
from tests.unit.plugins.helpers.installing import ensure_present

TRAINER = Key("apps/v1", "Deployment", HOME, "kubeflow-trainer-controller-manager")
JOBSET = Key("apps/v1", "Deployment", HOME, "jobset-controller-manager")
_WEBHOOKS = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
# What upstream does not ship: nobody can have applied it from there.
ADDED = {"Namespace conductor-probe", "ClusterTrainingRuntime mpi-distributed"}


def get(plane: ControlPlane, key: Key) -> dict[str, Any]:
    return plane.client().get(path_of(key))


def edit(plane: ControlPlane, key: Key, patch: dict[str, Any], manager: str = "kubectl-edit") -> None:
    plane.client().request(
        "PATCH",
        path_of(key),
        query={"fieldManager": manager},
        body=patch,
        content_type="application/strategic-merge-patch+json",
        step="edit",
        subject=str(key),
    )


def managers(found: dict[str, Any]) -> set[str]:
    return {entry["manager"] for entry in found["metadata"]["managedFields"] if not entry.get("subresource")}


def test_upstreams_own_install_becomes_ours(states: States, bundle: Bundle) -> None:
    plane = states.enter("upstream")
    mark = plane.now()
    foretold = ensure_present(plane.client(), bundle, check=True, with_diff=True)
    assert plane.writes_since(mark) == []
    done = ensure_present(plane.client(), bundle, with_diff=True)
    assert {**foretold, "elapsed": 0, "predicted": []} == {**done, "elapsed": 0, "predicted": []}
    assert set(done["actions"]["create"]) == ADDED
    assert len(done["actions"]["adopt"]) == len(bundle.objects()) - len(ADDED)
    assert done["preserved_fields"] == []
    for manifest in bundle.objects():
        found = get(plane, key_of(manifest))
        assert not any(name.startswith("kubectl") for name in managers(found)), manifest["metadata"]["name"]
    probe = get(plane, TRAINER)["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    assert "initialDelaySeconds" not in probe
    mark = plane.now()
    assert not ensure_present(plane.client(), bundle)["changed"]
    assert plane.writes_since(mark) == []


def test_what_people_added_stays_and_is_listed(states: States, bundle: Bundle) -> None:
    plane = states.enter("upstream")
    toleration = {"key": "dedicated", "operator": "Exists"}
    edit(plane, TRAINER, {"spec": {"template": {"spec": {"tolerations": [toleration]}}}})
    edit(plane, TRAINER, {"metadata": {"labels": {"team": "ml"}}}, "somebody")
    limits = {"name": "manager", "resources": {"limits": {"cpu": "3"}}}
    edit(plane, JOBSET, {"spec": {"template": {"spec": {"containers": [limits]}}}}, "kubectl-patch")
    foretold = ensure_present(plane.client(), bundle, check=True)
    done = ensure_present(plane.client(), bundle)
    kept = {(edit["object"], edit["owner"]): edit["fields"] for edit in done["preserved_fields"]}
    assert kept == {
        (str(JOBSET), "kubectl-patch"): ["spec.template.spec.containers[manager].resources.limits.cpu"],
        (str(TRAINER), "kubectl-edit"): ["spec.template.spec.tolerations"],
        (str(TRAINER), "somebody"): ["metadata.labels.team"],
    }
    assert foretold["preserved_fields"] == done["preserved_fields"]
    pod = get(plane, TRAINER)["spec"]["template"]["spec"]
    assert pod["tolerations"] == [toleration]
    assert pod["containers"][0]["resources"] == {"requests": {"cpu": "100m", "memory": "128Mi"}}
    assert get(plane, JOBSET)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "3"
    assert not ensure_present(plane.client(), bundle)["changed"]


EDITS: dict[str, tuple[Key, dict[str, Any], str]] = {
    "a number": (
        JOBSET,
        {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 3}}}},
        ".spec.template.spec.terminationGracePeriodSeconds",
    ),
    "an image": (
        JOBSET,
        {"spec": {"template": {"spec": {"containers": [{"name": "manager", "image": "registry.example/jobset:1"}]}}}},
        ".spec.template.spec.containers[manager].image",
    ),
    "a text that ours has in another layout": (
        Key("v1", "ConfigMap", HOME, "kubeflow-trainer-config"),
        {"data": {"controller_manager_config.yaml": "changed: true\n"}},
        ".data.controller_manager_config.yaml",
    ),
    "what only ours has": (
        TRAINER,
        {
            "spec": {
                "template": {"spec": {"containers": [{"name": "manager", "resources": {"requests": {"cpu": "2"}}}]}}
            }
        },
        ".spec.template.spec.containers[manager].resources.requests.cpu",
    ),
    "what the server had filled in": (
        TRAINER,
        {
            "spec": {
                "template": {"spec": {"containers": [{"name": "manager", "readinessProbe": {"failureThreshold": 4}}]}}
            }
        },
        ".spec.template.spec.containers[manager].readinessProbe.failureThreshold",
    ),
    "a label taken away": (
        JOBSET,
        {"metadata": {"labels": {"app.kubernetes.io/component": None}}},
        ".metadata.labels.app.kubernetes.io/component",
    ),
}


def test_fields_of_the_release_that_were_edited_stop_it_all_at_once(states: States, bundle: Bundle) -> None:
    plane = states.enter("upstream")
    for key, patch, _field in EDITS.values():
        edit(plane, key, patch)
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle)
    assert plane.writes_since(mark) == []
    found = {(one["object"], one["field"]): one["owner"] for one in caught.value.facts["conflicts"]}
    assert found == {
        (str(key), field): "nobody" if name == "a label taken away" else "kubectl-edit"
        for name, (key, _patch, field) in EDITS.items()
    }
    assert "force_conflicts" in str(caught.value)
    assert ensure_present(plane.client(), bundle, force=True)["preserved_fields"] == []
    assert not ensure_present(plane.client(), bundle)["changed"]


def client_side(plane: ControlPlane) -> None:
    """Upstream's objects as kubectl brings them from one side only; its CRDs are too large for that."""
    objects = trainer_objects()
    crds = crds_of(objects)
    home = [one for one in objects if one["kind"] == "Namespace"]
    runtimes = [one for one in objects if one["kind"] == "ClusterTrainingRuntime"]
    rest = [one for one in objects if one not in (*crds, *home, *runtimes)]
    hooks = [one for one in rest if one["kind"].endswith("WebhookConfiguration")]
    kubectl(plane, "create", crds)
    plane.await_served(crds)
    kubectl(plane, "apply", [*home, *(one for one in rest if one not in hooks)])
    # Nobody answers a webhook here.
    kubectl(plane, "apply", runtimes)
    kubectl(plane, "apply", hooks)


def kubectl(plane: ControlPlane, verb: str, objects: list[dict[str, Any]]) -> None:
    path = plane.folder / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), encoding="utf-8")
    plane.kubectl(verb, f"--filename={path}")


def test_the_same_applied_client_side_becomes_ours_and_keeps_what_an_overlay_added(
    plane: ControlPlane, bundle: Bundle
) -> None:
    client_side(plane)
    overlay = next(one for one in trainer_objects() if key_of(one) == TRAINER)
    overlay["spec"]["template"]["spec"]["priorityClassName"] = "system-cluster-critical"
    kubectl(plane, "apply", [overlay])
    done = ensure_present(plane.client(), bundle)
    assert len(done["actions"]["adopt"]) == len(bundle.objects()) - len(ADDED)
    assert done["jobset"] == "bundled"
    [kept] = done["preserved_fields"]
    assert kept == {
        "object": str(TRAINER),
        "owner": "kubectl-client-side-apply",
        "fields": ["spec.template.spec.priorityClassName"],
    }
    for manifest in bundle.objects():
        found = get(plane, key_of(manifest))
        assert LAST_APPLIED not in (found["metadata"].get("annotations") or {}) or manifest["kind"] == "Namespace"
    assert "initialDelaySeconds" not in str(
        get(plane, TRAINER)["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    )
    assert not ensure_present(plane.client(), bundle)["changed"]


TOOLS = {"argo-cd": "argocd", "flux": "flux", "olm": "olm", "juju": "juju"}


@pytest.mark.parametrize("state", sampled(TOOLS, ["flux"]))
def test_what_another_tool_installed_becomes_ours_where_that_is_named(
    states: States, bundle: Bundle, state: str
) -> None:
    plane = states.enter(state)
    mark = plane.now()
    with pytest.raises(RefusedError):
        ensure_present(plane.client(), bundle, adopt=sorted({*TOOLS.values(), "other"} - {TOOLS[state]}))
    assert plane.writes_since(mark) == []
    done = ensure_present(plane.client(), bundle, adopt=[TOOLS[state]])
    assert {"Trainer", "JobSet"} == {
        finding["object"] for finding in done["warnings_found"] if finding["code"] == "adopted_from_tool"
    }
    assert done["preserved_fields"] == []
    for manifest in bundle.objects():
        metadata = get(plane, key_of(manifest))["metadata"]
        assert traces_of(metadata) == [] or manifest["kind"] == "Namespace", key_of(manifest)
    assert not ensure_present(plane.client(), bundle)["changed"]


def test_what_helms_chart_calls_otherwise_is_not_adopted(states: States, bundle: Bundle) -> None:
    plane = states.enter("helm")
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle, adopt=["helm"])
    assert plane.writes_since(mark) == []
    assert "webhook configuration jobset-mutator" in str(caught.value)
    assert "cannot be adopted" in str(caught.value)
    assert "second_controller" in {finding["code"] for finding in caught.value.facts["blockers"]}


def test_a_selector_that_cannot_be_changed_is_found_before_anything_is_written(states: States, bundle: Bundle) -> None:
    plane = states.enter("helm-without-jobset")
    mark = plane.now()
    found = inspect(plane.client(), bundle, adopt=["helm"])
    assert [(one["code"], one["object"]) for one in found["blockers"]] == [("immutable_field", str(TRAINER))]
    with pytest.raises(RefusedError, match=r"spec\.selector is") as caught:
        ensure_present(plane.client(), bundle, adopt=["helm"])
    assert plane.writes_since(mark) == []
    assert "kubectl delete deployment kubeflow-trainer-controller-manager --namespace kubeflow-system" in str(
        caught.value
    )
    # Without this one object, the rest can be adopted.
    plane.kubectl("delete", "deployment", TRAINER.name, f"--namespace={HOME}")
    assert ensure_present(plane.client(), bundle, adopt=["helm"])["actions"]["adopt"]


# A Service of upstream that was made headless, a binding to another role, a ConfigMap that is frozen.
OTHERS: dict[str, tuple[Key, dict[str, Any], str]] = {
    "a headless Service": (Key("v1", "Service", HOME, TRAINER.name), {"spec": {"clusterIP": "None"}}, "spec.clusterIP"),
    "a binding to another role": (
        Key("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", TRAINER.name),
        {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}},
        "roleRef",
    ),
    "a frozen ConfigMap": (Key("v1", "ConfigMap", HOME, "kubeflow-trainer-config"), {"immutable": True}, "immutable"),
}


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("state", sampled(["upstream", "argo-cd", "flux"], ["upstream"]))
def test_fields_that_cannot_be_changed_are_blockers_whoever_installed_it(
    states: States, bundle: Bundle, state: str, case: str
) -> None:
    key, change, field = OTHERS[case]
    plane = states.enter(state)
    live = get(plane, key)
    plane.client().delete(key, live["metadata"]["uid"])
    wanted = {
        **live,
        **{
            name: {**live.get(name, {}), **value} if isinstance(value, dict) else value
            for name, value in change.items()
        },
    }
    wanted["spec"] = {name: value for name, value in (wanted.get("spec") or {}).items() if name != "clusterIPs"}
    if not wanted["spec"]:
        del wanted["spec"]
    kept = ("labels", "annotations", "name", "namespace")
    wanted["metadata"] = {name: value for name, value in live["metadata"].items() if name in kept}
    apply(plane, [wanted], {"upstream": "kubectl", "argo-cd": "argocd-controller"}.get(state, "kustomize-controller"))
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle, adopt=["argocd", "flux"])
    found = [one for one in caught.value.facts["blockers"] if one["code"] == "immutable_field"]
    assert [one["object"] for one in found] == [str(key)]
    assert field in found[0]["cause"]
    assert plane.writes_since(mark) == []


STORE = {"owner": "helm", "name": "kubeflow-trainer", "version": "1", "status": "deployed"}


@pytest.mark.parametrize("kind", sampled(["Secret", "ConfigMap"], ["Secret"]))
@pytest.mark.parametrize("place", sampled([HOME, "releases"], ["releases"]))
def test_a_release_that_helm_still_stores_is_a_blocker(states: States, bundle: Bundle, kind: str, place: str) -> None:
    """Otherwise C(helm uninstall) would delete what was adopted: it deletes by the names in the stored release."""
    plane = states.enter("helm-without-jobset")
    annotation = f"meta.helm.sh/release-namespace={place}"
    for kinds in ("deployments,services,configmaps", "crds", _WEBHOOKS):
        plane.kubectl("annotate", kinds, "--all", "--overwrite", f"--namespace={HOME}", annotation)
    plane.kubectl("delete", "deployment", TRAINER.name, f"--namespace={HOME}")
    metadata = {"name": "sh.helm.release.v1.kubeflow-trainer.v1", "namespace": place, "labels": STORE}
    other = {**metadata, "name": "sh.helm.release.v1.other.v1", "labels": {**STORE, "name": "other"}}
    stores = [{"apiVersion": "v1", "kind": kind, "metadata": one} for one in (metadata, other)]
    apply(plane, [*([] if place == HOME else [foreign.namespace(place)]), *stores], "Helm")
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle, adopt=["helm"])
    (blocker,) = caught.value.facts["blockers"]
    assert blocker["code"] == "helm_release_stored"
    assert "v1.kubeflow-trainer.v1 (deployed)" in blocker["cause"]
    assert f"--namespace {place} --selector owner=helm,name=kubeflow-trainer`" in blocker["next_step"]
    assert plane.writes_since(mark) == []
    selector = ",".join(f"{name}={STORE[name]}" for name in ("owner", "name"))
    plane.kubectl("delete", "secrets,configmaps", f"--namespace={place}", f"--selector={selector}")
    done = ensure_present(plane.client(), bundle, adopt=["helm"])
    # The other release is none of ours.
    assert plane.client().find(path_of(key_of(stores[1]))) is not None
    (warning,) = (one for one in done["warnings_found"] if one["code"] == "adopted_from_tool")
    assert "`helm uninstall` deletes" in warning["next_step"]


def test_another_release_is_not_adopted(states: States, bundle: Bundle) -> None:
    plane = states.enter("upstream-2.1")
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle)
    assert "trainer_other_release" in {finding["code"] for finding in caught.value.facts["blockers"]}
