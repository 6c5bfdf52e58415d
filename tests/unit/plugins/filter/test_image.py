# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.filter.image import FilterModule, image


@pytest.mark.parametrize(
    ("customize", "expected"),
    [
        ({}, "busybox:1"),
        ({"registries": {"docker.io": "m.io"}}, "m.io/library/busybox:1"),
        ({"images": {"busybox": "m.io/b:2"}, "registries": None}, "m.io/b:2"),
    ],
)
def test_the_image_that_is_used(customize: dict[str, object], expected: str) -> None:
    assert image("busybox:1", customize) == expected


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"image": image}
