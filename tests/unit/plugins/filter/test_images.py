# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.conductor.trainer.plugins.filter.images import FilterModule, images


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 13),
        ({"runtimes": ["torch-distributed"]}, 5),
        ({"runtimes": [], "jobset": "external"}, 3),
        ({"runtimes": [], "jobset": "auto"}, 4),
        ({"runtimes": [], "smoke_image": ""}, 3),
    ],
)
def test_the_images_of_an_installation(options: dict[str, Any], count: int) -> None:
    assert len(images({}, "2.3.0", **options)) == count


def test_options_that_are_empty_are_none() -> None:
    assert images({"registries": None, "images": {}}, "2.3.0") == images({}, "2.3.0")


@pytest.mark.parametrize(
    ("customize", "release", "message"),
    [
        ({}, "1.0", "there is no bundle of release '1.0'\nNext: use one of: 2.3.0"),
        ({"registries": {"ghcr.io": "https://m.io"}}, "2.3.0", "`conductor_registries`: https://m.io is no registry"),
        ({"registry": {}}, "2.3.0", "there is no option registry"),
    ],
)
def test_what_cannot_be_used(customize: dict[str, Any], release: str, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        images(customize, release)
    assert message in str(caught.value)


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"images": images}
