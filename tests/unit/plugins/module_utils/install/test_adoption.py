# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import digest
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft, pod_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.unit.plugins.helpers.builders import (
    CONFIG,
    DEPLOYMENT,
    HOME,
    NAMESPACE,
    RECORD,
    VALIDATOR,
    bundle,
    content,
    webhooks,
)
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure
from tests.unit.plugins.helpers.installing import ensure_present

OBJECTS = [manifest for phase in content()["phases"] for manifest in phase["objects"]]
NAMES = ["|".join(key_of(manifest)) for manifest in OBJECTS]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
RELEASE_NAME = "meta.helm.sh/release-name"


def release(profile: str = "default") -> Bundle:
    """The small bundle; upstream ships all of its objects, the ConfigMap with another value and one more key."""
    sides = {"|".join(CONFIG): {"has": {"f:data": {"f:a": digest("theirs"), "f:b": digest("gone")}}}}
    return bundle(profile, upstream={name: sides.get(name, {}) for name in NAMES})


def upstreams(manager: str = "kubectl", operation: str = "Apply", **metadata: Any) -> FakeCluster:
    """A cluster with the objects of upstream's release."""
    cluster = FakeCluster()
    for manifest in OBJECTS:
        theirs = {**manifest, "metadata": {**manifest["metadata"], **metadata}}
        if key_of(manifest) == CONFIG:
            theirs["data"] = {"a": "theirs", "b": "gone"}
        cluster.put(theirs, manager, operation)
    return cluster


def managers(cluster: FakeCluster) -> set[str]:
    return {
        entry["manager"]
        for key, stored in cluster.objects.items()
        if key not in (RECORD, HOME) and key.kind != "Namespace"
        for entry in stored["metadata"]["managedFields"]
    }


def test_all_of_it_is_taken_over_with_two_writes_an_object() -> None:
    cluster = upstreams()
    result = ensure_present(cluster, release())
    assert {verb: len(names) for verb, names in result["actions"].items()} == {"adopt": len(OBJECTS)}
    assert managers(cluster) == {"conductor"}
    assert len(cluster.applies) == 2 * len(OBJECTS) + 1
    cluster.requests.clear()
    assert ensure_present(cluster, release())["changed"] is False
    assert cluster.writes == []


def test_the_names_change_first_and_our_apply_is_for_the_object_that_was_compared() -> None:
    cluster = upstreams()
    ensure_present(cluster, release())
    patch, apply = (request for request in cluster.writes if request.path.endswith("/configmaps/config"))
    [own] = next(op["value"] for op in patch.body if op["path"] == "/metadata/managedFields")
    assert (own["manager"], own["operation"]) == ("conductor", "Apply")
    # By then we own the field that the release no longer has: our apply deletes it.
    assert own["fieldsV1"]["f:data"] == {"f:a": {}, "f:b": {}}
    assert apply.query["force"] == "true"
    assert apply.body["metadata"]["resourceVersion"]


def test_check_mode_foretells_it_and_writes_nothing() -> None:
    cluster = upstreams()
    foretold = ensure_present(cluster, release(), check=True, with_diff=True)
    assert cluster.writes == []
    assert {**foretold, "elapsed": 0} == {**ensure_present(cluster, release(), with_diff=True), "elapsed": 0}
    config = [line for line in foretold["diff"]["before"].splitlines() if line.startswith("ConfigMap ops/config: data")]
    assert config == ["ConfigMap ops/config: data.a = theirs", "ConfigMap ops/config: data.b = gone"]


def test_it_is_ours_to_delete_but_for_namespaces() -> None:
    cluster = upstreams()
    ensure_present(cluster, release())
    entries = read_install_record(cluster, NAMESPACE).entries
    assert {key.kind for key, entry in entries.items() if not entry.created} == {"Namespace"}


@pytest.mark.parametrize("check", [True, False])
def test_an_edit_of_a_field_of_the_release_stops_it(check: bool) -> None:
    cluster = upstreams()
    cluster.objects[CONFIG]["data"]["a"] = "edited"
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, release(), check=check)
    assert cluster.writes == []
    assert caught.value.facts["conflicts"] == [
        {"object": str(CONFIG), "field": ".data.a", "owner": "kubectl", "live": '"edited"', "wanted": '"1"'}
    ]
    ensure_present(cluster, release(), force=True)
    assert cluster.objects[CONFIG]["data"]["a"] == "1"


def test_what_another_profile_has_is_no_edit() -> None:
    cluster = upstreams()
    assert ensure_present(cluster, release("fail_open"), profile="fail_open")["changed"]
    assert cluster.objects[VALIDATOR]["webhooks"][0]["failurePolicy"] == "Ignore"
    assert managers(cluster) == {"conductor"}


def test_an_interrupted_adoption_goes_on() -> None:
    cluster = upstreams()

    def hook(request: Request) -> None:
        if request.writes and isinstance(request.body, dict) and request.path.endswith("/deployments/manager"):
            raise failure(503, message="gone")

    cluster.hooks.append(hook)
    with pytest.raises(ApiError, match="gone"):
        ensure_present(cluster, release())
    cluster.hooks.clear()
    assert str(DEPLOYMENT) in ensure_present(cluster, release())["actions"]["update"]
    assert managers(cluster) == {"conductor"}
    assert ensure_present(cluster, release())["changed"] is False


@pytest.mark.parametrize("times", [1, 4, 99])
def test_an_object_that_changes_meanwhile_is_looked_at_again(times: int) -> None:
    cluster = upstreams()
    left = [1] * times

    def hook(request: Request) -> None:
        if isinstance(request.body, list) and request.path.endswith("/deployments/manager") and left:
            left.pop()
            cluster.objects[DEPLOYMENT]["metadata"]["resourceVersion"] += "0"

    cluster.hooks.append(hook)
    if times < 5:
        ensure_present(cluster, release())
        assert managers(cluster) == {"conductor"}
    else:
        with pytest.raises(ApiError, match="the object has been modified"):
            ensure_present(cluster, release())


def test_objects_not_of_upstream_keep_their_owner() -> None:
    cluster = upstreams()
    with pytest.raises(RefusedError, match="field manager kubectl"):
        ensure_present(cluster, bundle(upstream={name: {} for name in NAMES if "Deployment" not in name}))
    assert cluster.writes == []


def by_helm(**more: Any) -> FakeCluster:
    labels = {"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "trainer-1", "mine": "1"}
    return upstreams("helm", "Update", labels=labels, annotations={RELEASE_NAME: "trainer"}, **more)


@pytest.mark.parametrize("adopt", [(), ("argocd",), ("other",)])
def test_a_tool_that_is_not_named_stops_it(adopt: tuple[str, ...]) -> None:
    cluster = by_helm()
    with pytest.raises(RefusedError, match="Helm release trainer"):
        ensure_present(cluster, release(), adopt=adopt)
    assert cluster.writes == []


def test_a_named_tool_loses_its_marks_and_fields_and_is_reported() -> None:
    cluster = by_helm()
    cluster.objects[CONFIG]["data"]["a"] = "edited"
    foretold = ensure_present(cluster, release(), adopt=["helm"], check=True)
    assert cluster.writes == []
    result = ensure_present(cluster, release(), adopt=["helm"])
    assert foretold["actions"] == result["actions"]
    assert managers(cluster) == {"conductor"}
    assert cluster.objects[CONFIG]["data"]["a"] == "1"
    metadata = cluster.objects[DEPLOYMENT]["metadata"]
    assert metadata["labels"] == {"mine": "1", MANAGED_LABEL: "true"}
    assert metadata["annotations"] == {}
    told = [finding for finding in result["warnings_found"] if finding["code"] == "adopted_from_tool"]
    assert told
    assert "may revert the changes" in told[0]["cause"]
    assert ensure_present(cluster, release(), adopt=["helm"])["changed"] is False


def test_an_owner_that_deletes_what_it_owns_is_taken_off() -> None:
    cluster = upstreams("an-operator", ownerReferences=[{"kind": "Operator", "name": "it", "uid": "u"}])
    with pytest.raises(RefusedError, match="Operator it"):
        ensure_present(cluster, release())
    ensure_present(cluster, release(), adopt=["other"])
    assert "ownerReferences" not in cluster.objects[DEPLOYMENT]["metadata"]
    assert managers(cluster) == {"conductor"}


def test_what_a_tool_calls_otherwise_cannot_be_adopted() -> None:
    cluster = by_helm()
    cluster.put(webhooks("chart-validator", "webhook", ["trainer.kubeflow.org"]), "helm", "Update")
    with pytest.raises(RefusedError, match="chart-validator") as caught:
        ensure_present(cluster, release(), adopt=["helm"])
    assert "cannot be adopted" in str(caught.value)
    assert cluster.writes == []


def test_an_object_that_differs_too_much_has_a_next_step() -> None:
    cluster = by_helm()
    cluster.fail(422, path="/deployments/", message="field is immutable")
    with pytest.raises(ApiError, match=r"field is immutable\n.*delete this object alone"):
        ensure_present(cluster, release(), adopt=["helm"], check=True)


MIRROR = "mirror.example.com/manager:1"


def by_flux(image: str) -> FakeCluster:
    """A cluster to which Flux applied the release with another image."""
    cluster = upstreams("kustomize-controller")
    for stored in cluster.objects.values():
        if stored["kind"] == "Deployment":
            stored["spec"] = copy.deepcopy(stored["spec"])
            stored["spec"]["template"]["spec"]["containers"][0]["image"] = image
        if stored["kind"] != "Namespace":
            stored["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "x"}
    return cluster


def mirrored(image: str) -> Bundle:
    """The bundle with an option that changes the image."""
    draft = Draft(release())
    with draft.because("images"):
        draft.edit(DEPLOYMENT)["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return draft.finished()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("wanted", [release(), mirrored("other.example.com/manager:1")])
def test_an_image_of_a_mirror_is_never_replaced_silently(wanted: Bundle, check: bool) -> None:
    cluster = by_flux(MIRROR)
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, wanted, adopt=["flux"], check=check)
    assert cluster.writes == []
    [conflict] = caught.value.facts["conflicts"]
    assert conflict["object"] == str(DEPLOYMENT)
    assert conflict["field"] == '.spec.template.spec.containers[name="manager"].image'
    assert (conflict["owner"], conflict["live"]) == ("kustomize-controller", f'"{MIRROR}"')
    for name in ("`conductor_registries` or `conductor_images`", "force_conflicts"):
        assert name in str(caught.value)
    ensure_present(cluster, wanted, adopt=["flux"], force=True)
    assert managers(cluster) == {"conductor"}


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (MIRROR, mirrored(MIRROR)),
        # The image of the release was nobody's choice.
        ("registry.invalid/manager:1", mirrored(MIRROR)),
        ("registry.invalid/manager:1", release()),
        ("docker.io/library/manager:1", mirrored("manager:1")),
    ],
)
def test_the_same_image_and_that_of_the_release_are_adopted(there: str, wanted: Bundle) -> None:
    cluster = by_flux(there)
    ensure_present(cluster, wanted, adopt=["flux"])
    assert managers(cluster) == {"conductor"}


def test_with_options_an_edit_of_another_field_still_stops_it() -> None:
    options = mirrored(MIRROR)
    cluster = upstreams()
    assert ensure_present(cluster, options)["changed"]
    cluster = upstreams()
    cluster.objects[DEPLOYMENT]["spec"] = {**cluster.objects[DEPLOYMENT]["spec"], "replicas": 5}
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, options)
    assert [conflict["field"] for conflict in caught.value.facts["conflicts"]] == [".spec.replicas"]
    assert "`conductor_replicas`" in str(caught.value)


def test_with_options_an_edit_to_what_they_set_is_none() -> None:
    cluster = upstreams()
    spec = cluster.objects[DEPLOYMENT]["spec"] = copy.deepcopy(cluster.objects[DEPLOYMENT]["spec"])
    spec["template"]["spec"]["containers"][0]["image"] = MIRROR
    draft = Draft(mirrored(MIRROR))
    with draft.because("tolerations"):
        pod_of(draft.edit(DEPLOYMENT))["tolerations"] = [{"operator": "Exists"}]
    ensure_present(cluster, draft.finished())
    assert managers(cluster) == {"conductor"}
