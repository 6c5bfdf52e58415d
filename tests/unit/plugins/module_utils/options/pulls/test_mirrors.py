# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.pulls.mirrors import (
    lay_images,
    mirrored,
    with_images,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import without_jobset
from ansible_collections.conductor.trainer.plugins.module_utils.release.images import (
    FLUX_IMAGE,
    FLUX_VARIABLE,
    images_in,
    images_of,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.recognition import is_jobset, is_trainer
from tests.unit.plugins.helpers.states import release

ALL = {
    "ghcr.io": "harbor.corp/ghcr",
    "registry.k8s.io": "harbor.corp/k8s",
    "docker.io": "harbor.corp/hub",
    "nvcr.io": "harbor.corp/nvcr",
}
CONTROLLER = "ghcr.io/kubeflow/trainer/trainer-controller-manager"
DIGEST = f"@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("image", "registries", "expected"),
    [
        ("ghcr.io/a/b:v1", {"ghcr.io": "m.io/ghcr"}, "m.io/ghcr/a/b:v1"),
        (f"ghcr.io/a/b:v1{DIGEST}", {"ghcr.io": "m.io"}, f"m.io/a/b:v1{DIGEST}"),
        ("busybox:1", {"docker.io": "m.io/hub"}, "m.io/hub/library/busybox:1"),
        ("pytorch/pytorch", {"docker.io": "localhost:5000"}, "localhost:5000/pytorch/pytorch"),
        # The longest prefix at a border of words.
        ("ghcr.io/a/b", {"ghcr.io": "one.io", "ghcr.io/a": "two.io"}, "two.io/b"),
        ("ghcr.io/ab/b", {"ghcr.io": "one.io", "ghcr.io/a": "two.io"}, "one.io/ab/b"),
        ("ghcr.iox/a", {"ghcr.io": "one.io"}, "ghcr.iox/a"),
        ("ghcr.io/a/b:1", {"ghcr.io/a/b": "m.io/c"}, "m.io/c:1"),
        ("quay.io/a", {"ghcr.io": "one.io"}, "quay.io/a"),
        ("a/b", {"ghcr.io": "one.io"}, "a/b"),
        # All others.
        ("quay.io/a/b:1", {"*": "m.io/x"}, "m.io/x/a/b:1"),
        ("busybox", {"*": "m.io"}, "m.io/library/busybox"),
        ("ghcr.io/a", {"*": "m.io", "ghcr.io": "one.io"}, "one.io/a"),
        # What comes from a mirror stays.
        ("m.io/x/a/b:1", {"*": "m.io/x"}, "m.io/x/a/b:1"),
        ("docker.io/corp/a:1", {"docker.io": "docker.io/corp"}, "docker.io/corp/a:1"),
        ("docker.io/other/a:1", {"docker.io": "docker.io/corp"}, "docker.io/corp/other/a:1"),
        # A registry that replaces one and is replaced.
        ("a.io/x", {"a.io": "b.io", "b.io": "a.io"}, "b.io/x"),
    ],
)
def test_the_mirror_of_an_image(image: str, registries: dict[str, str], expected: str) -> None:
    assert mirrored(image, registries) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "busybox:1"),
        ({"images": {"busybox": "m.io/b:2"}}, "m.io/b:2"),
        ({"images": {"docker.io/library/busybox": "m.io/b:2"}}, "m.io/b:2"),
        # An image of its own is not looked for in a mirror.
        ({"images": {"busybox": "m.io/b:2"}, "registries": {"*": "x.io", "m.io": "y.io"}}, "m.io/b:2"),
        ({"images": {"other": "m.io/b:2"}, "registries": {"docker.io": "x.io"}}, "x.io/library/busybox:1"),
    ],
)
def test_one_image_with_options(options: dict[str, Any], expected: str) -> None:
    assert with_images("busybox:1", options) == expected


def test_a_mirror_reaches_every_image_of_the_release() -> None:
    laid = with_options(release(), {"registries": ALL})
    images = images_in(laid.objects())
    assert len(images) == 11
    assert {image.rpartition("/")[0].partition("/")[0] for image in images} == {"harbor.corp"}
    assert "harbor.corp/hub/mpioperator/mpi-pi:openmpi" in images
    assert {change.option for change in laid.changes} == {"registries"}
    untouched = {key_of(manifest) for manifest in release().objects()} - {change.key for change in laid.changes}
    assert [manifest for manifest in laid.objects() if key_of(manifest) in untouched] == [
        manifest for manifest in release().objects() if key_of(manifest) in untouched
    ]
    assert len(untouched) == len(release().objects()) - 11


def test_one_image_is_replaced_and_its_option_named() -> None:
    options = {"images": {CONTROLLER: f"harbor.corp/ml/trainer{DIGEST}"}, "registries": {"ghcr.io": "harbor.corp/ghcr"}}
    laid = with_options(release(), options)
    images = images_in(laid.objects())
    assert images[f"harbor.corp/ml/trainer{DIGEST}"] == ["kubeflow-trainer-controller-manager"]
    assert {change.key.name for change in laid.changes if change.option == "images"} == {
        "kubeflow-trainer-controller-manager"
    }
    assert not any(image.startswith("ghcr.io/") for image in images)


def test_the_controllers_are_recognised_whatever_their_images() -> None:
    images = {CONTROLLER: f"harbor.corp/a{DIGEST}", "registry.k8s.io/jobset/jobset": "harbor.corp/b:latest"}
    trainer, jobset = sorted(
        with_options(release(), {"images": images}).objects("Deployment"), key=lambda item: not is_trainer(item)
    )
    assert (is_trainer(trainer), is_jobset(trainer)) == (True, False)
    assert (is_trainer(jobset), is_jobset(jobset)) == (False, True)


# -- what Trainer starts itself ----------------------------------------------------------------------------------------


def flux(**container: Any) -> dict[str, Any]:
    """A runtime of Flux."""
    node = {"name": "node", "image": "ghcr.io/a/flux:1", **container}
    template = {"metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}}}
    job = {"name": "node", "template": {**template, "spec": {"template": {"spec": {"containers": [node]}}}}}
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "ClusterTrainingRuntime",
        "metadata": {"name": "flux"},
        "spec": {"mlPolicy": {"flux": {}}, "template": {"spec": {"replicatedJobs": [job]}}},
    }


def laid_flux(runtime: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The container of a runtime that was added before the images."""
    draft = Draft(release())
    with draft.because("extra_objects"):
        key = draft.add("runtimes", runtime)
    lay_images(draft, options)
    [job] = draft.look(key)["spec"]["template"]["spec"]["replicatedJobs"]
    [container] = job["template"]["spec"]["template"]["spec"]["containers"]
    return dict(container)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"registries": ALL}, "harbor.corp/ghcr/converged-computing/flux-view-ubuntu:tag-jammy"),
        ({"images": {FLUX_IMAGE.rpartition(":")[0]: "harbor.corp/view:1"}}, "harbor.corp/view:1"),
    ],
)
def test_the_image_that_trainer_starts_for_flux_is_replaced(options: dict[str, Any], expected: str) -> None:
    assert laid_flux(flux(), options)["env"] == [{"name": FLUX_VARIABLE, "value": expected}]
    other = {"name": "A", "value": "b"}
    assert laid_flux(flux(env=[other]), options)["env"] == [other, {"name": FLUX_VARIABLE, "value": expected}]


def test_an_image_of_ones_own_for_flux_stays_but_for_its_registry() -> None:
    own = flux(env=[{"name": FLUX_VARIABLE, "value": "ghcr.io/me/view:1"}])
    assert laid_flux(own, {"registries": ALL})["env"] == [
        {"name": FLUX_VARIABLE, "value": "harbor.corp/ghcr/me/view:1"}
    ]


@pytest.mark.parametrize("policy", [{}, {"torch": {}}, {"flux": None}])
def test_other_runtimes_get_no_variable(policy: dict[str, Any]) -> None:
    runtime = flux()
    runtime["spec"]["mlPolicy"] = policy
    assert "env" not in laid_flux(runtime, {"registries": ALL})


def test_no_variable_if_its_image_is_not_replaced() -> None:
    assert "env" not in laid_flux(flux(), {"registries": {"nvcr.io": "m.io"}})


def test_the_cache_image_is_replaced() -> None:
    cache = flux(env=[{"name": "CACHE_IMAGE", "value": "ghcr.io/kubeflow/trainer/data-cache:v2.3.0"}])
    value = laid_flux(cache, {"registries": ALL})["env"][0]["value"]
    assert value == "harbor.corp/ghcr/kubeflow/trainer/data-cache:v2.3.0"


# -- what cannot be used -----------------------------------------------------------------------------------------------


def test_a_fleet_has_registries_that_this_cluster_does_not_need() -> None:
    narrowed = without_jobset(release().with_runtimes([]))
    laid = with_options(release().with_runtimes([]), {"registries": ALL})
    assert len(images_in(laid.objects())) == 2
    assert len(images_of(narrowed)) == 3
    # So are images of runtimes that are not selected.
    with_options(release().with_runtimes(["torch-distributed"]), {"images": {"nvcr.io/nvidia/jax": "m.io/jax:1"}})
    with_options(release(), {"images": {"busybox": "m.io/busybox:1"}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"registries": {"ghcr.io": value}},
            f"`conductor_registries`: {value} is no registry\n"
            "Next: write host and path alone, e.g. harbor.example.com/ghcr",
        )
        for value in (
            "https://harbor.corp/ghcr",
            "harbor.corp/ghcr:v1",
            f"harbor.corp/ghcr{DIGEST}",
            "harbor.corp:v1",
            "harbor",
            "harbor/ghcr",
            "harbor.corp/",
            "harbor.corp//ghcr",
            "harbor.corp/GHCR",
            "user:word@harbor.corp",
            " harbor.corp",
            "",
            "*",
            None,
            5,
        )
    ],
)
def test_what_is_no_registry(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        with_options(release(), options)


@pytest.mark.parametrize(
    "registry",
    ["harbor.corp", "harbor.corp:5000/x", "mirror:5000", "localhost", "[fd00::1]:5000/a_b/c-d.e", "10.0.0.1"],
)
def test_registries(registry: str) -> None:
    laid = with_options(release(), {"registries": {"*": registry}})
    assert all(image.startswith(f"{registry}/") for image in images_in(laid.objects()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"registries": {"gcr.io": "harbor.corp"}},
            "`conductor_registries`: no image of this release comes from gcr.io\n"
            "Next: its registries are docker.io, ghcr.io, nvcr.io, registry.k8s.io",
        ),
        (
            {"registries": {"ghcr.io/kube": "harbor.corp"}},
            "`conductor_registries`: no image of this release comes from ghcr.io/kube\n"
            "Next: its registries are docker.io, ghcr.io, nvcr.io, registry.k8s.io",
        ),
        (
            {"registries": {"https://ghcr.io": "harbor.corp"}},
            "`conductor_registries`: https://ghcr.io is no registry\n",
        ),
        (
            {"images": {"ghcr.io/kubeflow/trainer/manager": "m.io/a:1"}},
            "`conductor_images`: this release has no image ghcr.io/kubeflow/trainer/manager; did you mean "
            "ghcr.io/kubeflow/trainer/trainer-controller-manager?\n",
        ),
        (
            {"images": {f"{CONTROLLER}:v2.3.0": "m.io/a:1"}},
            f"`conductor_images`: this release has no image {CONTROLLER}:v2.3.0; did you mean {CONTROLLER}?\n"
            "Next: name a repository without its tag",
        ),
        (
            {"images": {"docker.io/jobsets": "m.io/a:1"}},
            "`conductor_images`: this release has no image docker.io/jobsets; did you mean "
            "registry.k8s.io/jobset/jobset?\n",
        ),
        # Of two similar ones, the more similar.
        (
            {"images": {"ghcr.io/model-initializers": "m.io/a:1"}},
            "`conductor_images`: this release has no image ghcr.io/model-initializers; did you mean "
            "ghcr.io/kubeflow/trainer/model-initializer?\n",
        ),
        # Which runtime is meant, nobody knows.
        (
            {"images": {"ghcr.io/runtime": "m.io/a:1"}},
            "`conductor_images`: this release has no image ghcr.io/runtime\n",
        ),
        ({"images": {"nothing": "m.io/a:1"}}, "`conductor_images`: this release has no image nothing\nNext: "),
        (
            {"images": {CONTROLLER: "harbor.corp/ml/trainer"}},
            "`conductor_images`: harbor.corp/ml/trainer has neither tag nor digest, so nobody could say what runs\n"
            "Next: add one",
        ),
        (
            {"images": {CONTROLLER: "https://harbor.corp/trainer:1"}},
            "`conductor_images`: https://harbor.corp/trainer:1 ",
        ),
        (
            {"images": {CONTROLLER: "harbor.corp/trainer:1 "}},
            "`conductor_images`: harbor.corp/trainer:1  is no image\n",
        ),
        (
            {"images": {CONTROLLER: f"harbor.corp/trainer@sha256:{'a' * 20}"}},
            "`conductor_images`: harbor.corp/trainer@",
        ),
        ({"images": {CONTROLLER: None}}, "`conductor_images`: None is no image"),
    ],
)
def test_what_cannot_be_used(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        with_options(release(), options)
    assert str(caught.value).startswith(message)


def test_the_images_of_other_objects_can_be_replaced() -> None:
    runtime = flux()
    runtime["spec"]["mlPolicy"] = {}
    assert laid_flux(runtime, {"images": {"ghcr.io/a/flux": "m.io/flux:2"}})["image"] == "m.io/flux:2"


def test_only_the_container_that_trainer_reads_gets_the_variable_and_keeps_its_own() -> None:
    runtime = flux()
    [job] = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    containers = job["template"]["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "sidecar", "image": "a/b:1"})
    other = {"name": "launcher", "template": {"metadata": {"labels": {}}, "spec": job["template"]["spec"]}}
    own = flux(env=[{"name": FLUX_VARIABLE, "value": "m.io/view:1"}])
    runtime["spec"]["template"]["spec"]["replicatedJobs"] += [
        other,
        *own["spec"]["template"]["spec"]["replicatedJobs"],
    ]
    draft = Draft(release())
    with draft.because("extra_objects"):
        key = draft.add("runtimes", runtime)
    lay_images(draft, {"registries": ALL})
    jobs = draft.look(key)["spec"]["template"]["spec"]["replicatedJobs"]
    variables = [
        [container.get("env") for container in job["template"]["spec"]["template"]["spec"]["containers"]]
        for job in jobs
    ]
    view = "harbor.corp/ghcr/converged-computing/flux-view-ubuntu:tag-jammy"
    assert variables == [
        [[{"name": FLUX_VARIABLE, "value": view}], None],
        [None, None],
        [[{"name": FLUX_VARIABLE, "value": "m.io/view:1"}]],
    ]
