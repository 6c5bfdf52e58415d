# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))


def test_no_options_change_nothing() -> None:
    assert with_options(REAL, {}) is REAL


def test_only_the_objects_of_an_option_change() -> None:
    laid = with_options(REAL, {"tolerations": [{"operator": "Exists"}]})
    before = {key_of(manifest): manifest for manifest in REAL.objects()}
    assert {str(key_of(manifest)) for manifest in laid.objects() if manifest != before[key_of(manifest)]} == {
        "Deployment kubeflow-system/kubeflow-trainer-controller-manager",
        "Deployment kubeflow-system/jobset-controller-manager",
    }


@pytest.mark.parametrize(
    "options",
    [
        {"labels": {"a": "b"}, "tolerations": [{"key": "x"}]},
        {"disruption_budget": {"min_available": 1}, "spread": "zone", "host_network": True, "replicas": 2},
        {
            "trainer_controller": {
                "volume_mounts": [{"name": "ca", "mountPath": "/ca"}],
                "volumes": [{"name": "ca", "emptyDir": {}}],
                "resources": {"limits": {"cpu": 1}},
            },
            "resources": {"requests": {"cpu": "10m"}},
            "log_level": "debug",
        },
    ],
)
def test_the_order_of_options_does_not_matter(options: dict[str, Any]) -> None:
    assert with_options(REAL, options) == with_options(REAL, dict(reversed(options.items())))


def test_the_options_are_recorded() -> None:
    options = {"image_pull_credentials": {"r": {"username": "u", "password": "secret"}}, "tolerations": [{"key": "x"}]}
    laid = with_options(REAL, options)
    assert laid.options["tolerations"] == [{"key": "x"}]
    assert "secret" not in str(laid.options)
