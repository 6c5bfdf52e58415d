# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrors of every registry reach every image, whatever refers to it and in whatever order they are given."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft
from ansible_collections.conductor.trainer.plugins.module_utils.options.pulls.mirrors import lay_images, mirrored
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.images import images_in, reference_of
from tests.unit.plugins.helpers.states import release

HOSTS = ("docker.io", "ghcr.io", "nvcr.io", "registry.k8s.io")
WORDS = st.text("abc", min_size=1, max_size=3)
VERSIONS = st.sampled_from(["", ":v1", f"@sha256:{'0' * 64}", f":v1@sha256:{'0' * 64}"])
PATHS = st.lists(WORDS, min_size=1, max_size=3).map("/".join)
# Docker Hub is also meant by a name without a registry.
IMAGES = st.builds(
    lambda host, path, version: f"{host}{path}{version}",
    st.sampled_from(["", *[f"{host}/" for host in HOSTS]]),
    PATHS,
    VERSIONS,
)
MIRRORS = st.builds(lambda host, path: "/".join([f"{host}.corp", *path]), WORDS, st.lists(WORDS, max_size=2))
FOLDERS = st.builds(lambda host, word: f"{host}/{word}", st.sampled_from(HOSTS), WORDS)
EVERY = st.fixed_dictionaries(dict.fromkeys(HOSTS, MIRRORS))
RUNTIME = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "ClusterTrainingRuntime",
    "metadata": {"name": "x"},
}


def pods(images: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of any shape whose pods have these images."""
    holders = st.sampled_from(["containers", "initContainers", "ephemeralContainers"])

    def pod(holder: str) -> dict[str, Any]:
        volumes = [{"name": f"v{index}", "image": {"reference": image}} for index, image in enumerate(images)]
        env = [{"name": "CACHE_IMAGE", "value": image} for image in images]
        return {holder: [{"name": "c", "image": image, "env": env} for image in images], "volumes": volumes}

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(st.dictionaries(WORDS, inner, min_size=1, max_size=2), st.lists(inner, min_size=1, max_size=2))

    return st.recursive(holders.map(pod), nested, max_leaves=3).map(lambda spec: {**RUNTIME, "spec": spec})


def laid(manifest: dict[str, Any], registries: dict[str, str]) -> Bundle:
    draft = Draft(release())
    with draft.because("extra_objects"):
        draft.add("runtimes", manifest)
    lay_images(draft, {"registries": registries})
    return draft.finished()


@settings(max_examples=50, deadline=None)
@given(data=st.data(), images=st.lists(IMAGES, min_size=1, max_size=3), registries=EVERY)
def test_nothing_of_the_old_registries_is_left(
    data: st.DataObject, images: list[str], registries: dict[str, str]
) -> None:
    found = images_in(laid(data.draw(pods(images)), registries).objects())
    assert found
    for image in found:
        assert any(image.startswith(f"{mirror}/") for mirror in registries.values()), image


@settings(deadline=None)
@given(image=IMAGES, registries=EVERY)
def test_once_is_enough_and_only_the_registry_changes(image: str, registries: dict[str, str]) -> None:
    once = mirrored(image, registries)
    assert mirrored(once, registries) == once
    name, version = reference_of(image)
    host, _slash, path = name.partition("/")
    assert once == f"{registries[host]}/{path}{version}"


@settings(deadline=None)
@given(
    image=IMAGES,
    registries=st.dictionaries(
        st.one_of(
            st.sampled_from(["*", *HOSTS]),
            st.builds(lambda host, word: f"{host}/{word}", st.sampled_from(HOSTS), WORDS),
        ),
        MIRRORS,
        max_size=6,
    ),
)
def test_the_order_of_registries_does_not_matter(image: str, registries: dict[str, str]) -> None:
    assert mirrored(image, registries) == mirrored(image, dict(reversed(registries.items())))
    assert mirrored(image, {}) == image
