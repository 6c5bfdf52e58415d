# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import (
    CONTROLLERS,
    CUSTOMIZE,
    OWN,
    SHARED,
    given_options,
)


@pytest.mark.parametrize(
    "nothing", [None, {}, {"replicas": None}, {"labels": {}, "patches": []}, {"priority_class": ""}]
)
def test_empty_options_count_as_not_set(nothing: object) -> None:
    assert given_options(nothing) == {}  # type: ignore[arg-type]


def test_an_exception_without_content_is_not_set() -> None:
    assert given_options({"trainer_controller": {"replicas": None, "tolerations": []}, "replicas": 0}) == {
        "replicas": 0
    }


def test_each_controller_has_the_common_options_and_its_own() -> None:
    for name in CONTROLLERS.values():
        assert CUSTOMIZE[name]["options"] == {**SHARED, **OWN}
    assert CUSTOMIZE.keys() >= SHARED.keys()
    assert not CUSTOMIZE.keys() & OWN.keys()
