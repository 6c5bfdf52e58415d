# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.install.conflicts import value_at
from ansible_collections.conductor.trainer.plugins.module_utils.objects.containers import container_images
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE


def test_every_container_of_the_release_is_found_by_a_path_that_leads_to_its_image() -> None:
    found = {}
    for manifest in load_bundle(str(BUNDLE)).objects():
        if manifest["kind"] != "CustomResourceDefinition":
            images = container_images(manifest)
            assert {path: value_at(manifest, path) for path in images} == images
            found[manifest["metadata"]["name"]] = images
    assert list(found["jobset-controller-manager"]) == ['.spec.template.spec.containers[name="manager"].image']
    assert sum(map(len, found.values())) == 20


def test_init_containers_count_and_containers_without_an_image_do_not() -> None:
    pod = {
        "initContainers": [{"name": "a", "image": "i:1"}],
        "containers": [{"name": "b"}, {"name": "c", "image": "i:2"}],
    }
    assert container_images({"spec": pod}) == {
        '.spec.initContainers[name="a"].image': "i:1",
        '.spec.containers[name="c"].image': "i:2",
    }


@pytest.mark.parametrize("odd", [None, 1, "x", [], {"spec": None}, {"containers": {"image": "x"}}, {"containers": [1]}])
def test_other_values_have_none(odd: Any) -> None:
    assert container_images(odd) == {}
