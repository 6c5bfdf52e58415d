# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs with images from mirrors and with credentials for them, on a real API server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.credentials import docker_config
from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.names import INSTALL_RECORD, PULL_SECRET
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.images import images_in
from tests.support.control_plane import ControlPlane
from tests.support.playing import CLONE, play
from tests.support.states import apply
from tests.unit.plugins.helpers.installing import ensure_present

MIRRORS = {
    "ghcr.io": "harbor.corp/ghcr",
    "registry.k8s.io": "harbor.corp/k8s",
    "docker.io": "harbor.corp/hub",
    "nvcr.io": "harbor.corp/nvcr",
}
JOBSET = {"registry.k8s.io/jobset/jobset": "harbor.corp/ml/jobset:v0.12.0-corp"}
PASSWORD = "swordfish-7"  # noqa: S105 - of nobody
SECRET = f"Secret kubeflow-system/{PULL_SECRET}"
DEPLOYMENTS = [
    "Deployment kubeflow-system/jobset-controller-manager",
    "Deployment kubeflow-system/kubeflow-trainer-controller-manager",
]


def credentials(password: str = PASSWORD) -> dict[str, Any]:
    return {"image_pull_credentials": {"harbor.corp": {"username": "puller", "password": password}}}


def live(plane: ControlPlane, bundle: Bundle) -> list[dict[str, Any]]:
    """The objects of a bundle that have pods, as the server has them."""
    kinds = ("Deployment", "ClusterTrainingRuntime")
    keys = [key_of(manifest) for manifest in bundle.objects() if manifest["kind"] in kinds]
    return [plane.client().get(path_of(key)) for key in keys]


def written(result: dict[str, Any]) -> list[str]:
    """The objects that an install wrote, or would."""
    return sorted(name for names in result["actions"].values() for name in names)


def test_a_mirror_for_all_then_one_image_then_none(plane: ControlPlane, bundle: Bundle) -> None:
    mirrored = with_options(bundle, {"registries": MIRRORS})
    ensure_present(plane.client(), mirrored)
    images = images_in(live(plane, bundle))
    assert len(images) == 11
    assert all(image.startswith("harbor.corp/") for image in images)

    mark = plane.now()
    assert not ensure_present(plane.client(), mirrored)["changed"]
    assert plane.writes_since(mark) == []

    # The controllers are still known by what they are.
    looked = inspect(plane.client(), mirrored)
    assert (looked["trainer"]["state"], looked["jobset"]["state"]) == ("complete", "bundled")
    assert (looked["trainer"]["release"], looked["jobset"]["version"]) == ("2.3.0", "0.12.0")

    one = with_options(bundle, {"registries": MIRRORS, "images": JOBSET})
    done = ensure_present(plane.client(), one, with_diff=True)
    assert written(done) == [DEPLOYMENTS[0]]
    assert "harbor.corp/ml/jobset:v0.12.0-corp" in done["diff"]["after"]

    done = ensure_present(plane.client(), bundle)
    assert len(written(done)) == len({change.key for change in mirrored.changes})
    assert images_in(live(plane, bundle)) == images_in(bundle.objects())


@pytest.mark.parametrize("forgotten", [False, True])
def test_the_release_does_not_depend_on_the_tags_of_ones_own_images(
    plane: ControlPlane, bundle: Bundle, forgotten: bool
) -> None:
    images = {
        "ghcr.io/kubeflow/trainer/trainer-controller-manager": "harbor.corp/ml/trainer-controller-manager:v9.9.9",
        "registry.k8s.io/jobset/jobset": "harbor.corp/ml/jobset:0.0.1",
    }
    own = with_options(bundle, {"images": images})
    ensure_present(plane.client(), own)
    # The record has them, too.
    looked = inspect(plane.client(), bundle if forgotten else own)
    assert (looked["trainer"]["release"], looked["jobset"]["version"]) == ("2.3.0", "0.12")
    assert looked["trainer"]["sources_agree"] is True
    assert looked["blockers"] == []


def test_credentials_are_a_secret_that_nothing_shows(plane: ControlPlane, bundle: Bundle) -> None:
    with_secret = with_options(bundle, credentials())
    foretold = ensure_present(plane.client(), with_secret, check=True, with_diff=True)
    done = ensure_present(plane.client(), with_secret, with_diff=True)
    assert written(foretold) == written(done)
    assert SECRET in written(done)
    [key] = with_secret.extras
    stored = plane.client().get(path_of(key))
    login = json.loads(base64.b64decode(stored["data"][".dockerconfigjson"]))["auths"]["harbor.corp"]
    assert (login["username"], login["password"]) == ("puller", PASSWORD)
    for item in live(plane, bundle)[:2]:
        assert item["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": PULL_SECRET}]

    mark = plane.now()
    assert not ensure_present(plane.client(), with_secret)["changed"]
    assert plane.writes_since(mark) == []

    changed = with_options(bundle, credentials("swordfish-8"))
    again = ensure_present(plane.client(), changed, with_diff=True)
    assert written(again) == [SECRET]
    assert "(not shown)" in again["diff"]["after"]

    # Nobody who reads records can try passwords quickly, and nothing shows one.
    record = plane.kubectl("get", "configmap", "--namespace", "kubeflow-system", INSTALL_RECORD, "--output", "json")
    whole = json.dumps([foretold, done, again, str(record)])
    config = stored["data"][".dockerconfigjson"]
    assert not [word for word in (PASSWORD, "swordfish-8", login["auth"], config) if word in whole]


def test_recorded_options_leave_the_secret_as_it_is(plane: ControlPlane, bundle: Bundle) -> None:
    ensure_present(plane.client(), with_options(bundle, credentials()))
    recorded = with_options(bundle, read_install_record(plane.client(), "kubeflow-system").options, recorded=True)
    mark = plane.now()
    compared = ensure_present(plane.client(), recorded, check=True)
    assert (compared["actions"], compared["changed"]) == ({}, False)
    assert plane.writes_since(mark) == []


def test_without_the_credentials_the_secret_goes(plane: ControlPlane, bundle: Bundle) -> None:
    with_secret = with_options(bundle, credentials())
    ensure_present(plane.client(), with_secret)
    done = ensure_present(plane.client(), bundle)
    assert done["actions"] == {"update": DEPLOYMENTS, "prune": [SECRET]}
    [key] = with_secret.extras
    assert plane.client().find(path_of(key)) is None
    assert not ensure_present(plane.client(), bundle)["changed"]


def test_a_secret_of_another_owner_stops_before_a_write(plane: ControlPlane, bundle: Bundle) -> None:
    apply(plane, [namespace(), secret(PULL_SECRET)])
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), with_options(bundle, credentials()))
    assert SECRET in str(caught.value)
    assert plane.writes_since(mark) == []


def namespace() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubeflow-system"}}


def secret(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "kubeflow-system"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"a": "Yg=="}}


def test_a_named_secret_has_to_be_there(plane: ControlPlane, bundle: Bundle) -> None:
    pulling = with_options(bundle, {"image_pull_secrets": ["mirror"]})
    looked = inspect(plane.client(), pulling)
    assert looked["blockers"] == []
    assert [finding["code"] for finding in looked["warnings_found"]] == ["pull_secret_expected"]

    apply(plane, [namespace()])
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), pulling)
    assert [finding["code"] for finding in caught.value.facts["blockers"]] == ["pull_secret_missing"]
    assert "Secret kubeflow-system/mirror" in str(caught.value)
    assert plane.writes_since(mark) == []

    apply(plane, [secret("mirror")])
    assert ensure_present(plane.client(), pulling)["changed"]
    assert inspect(plane.client(), pulling)["blockers"] == []
    assert live(plane, bundle)[0]["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "mirror"}]


@pytest.mark.parametrize("in_process", [True, False])
def test_no_output_of_a_run_has_the_password(plane: ControlPlane, in_process: bool) -> None:
    variables = {
        **plane.variables,
        "conductor_image_pull_credentials": credentials()["image_pull_credentials"],
        "ansible_conductor_in_process": in_process,
    }
    done = play(CLONE / "playbooks" / "install.yml", variables, "--check", "--diff", "-vvv")
    assert done.code == 0, done.text
    assert SECRET in done.text
    login = base64.b64encode(f"puller:{PASSWORD}".encode()).decode()
    whole = docker_config(credentials()["image_pull_credentials"])
    assert not [word for word in (PASSWORD, login, whole) if word in done.output + done.errors]
