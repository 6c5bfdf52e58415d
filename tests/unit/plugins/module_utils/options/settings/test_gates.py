# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feature gates go to the controller that has them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.names import CONFIG_HASH
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle, certificate_secrets
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE
from tests.unit.plugins.helpers.settings import REAL, part, rejected


def hashes(bundle: Bundle) -> list[str]:
    return [
        manifest["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH]
        for manifest in bundle.objects("Deployment")
    ]


@pytest.mark.parametrize(
    ("options", "trainer", "jobset"),
    [
        ({"feature_gates": {"TrainJobStatus": True}}, {"TrainJobStatus": True}, None),
        ({"feature_gates": {"ElasticJobSet": True}}, None, {"ElasticJobSet": True}),
        (
            {"feature_gates": {"TrainJobStatus": True, "RestartJob": True, "TLSOptions": False}},
            {"TrainJobStatus": True},
            {"RestartJob": True, "TLSOptions": False},
        ),
        ({"trainer_controller": {"feature_gates": {"TrainJobStatus": True}}}, {"TrainJobStatus": True}, None),
        (
            {
                "feature_gates": {"RestartJob": True, "ElasticJobSet": True},
                "jobset_controller": {"feature_gates": {"RestartJob": False, "ElasticJobSet": None}},
            },
            None,
            {"RestartJob": False},
        ),
        ({"trainer_controller": {"feature_gates": {"TrainJobStatus": None}}}, None, None),
    ],
)
def test_a_gate_goes_to_the_controller_that_has_it(options: dict[str, Any], trainer: Any, jobset: Any) -> None:
    assert part(options, "featureGates") == (trainer, jobset)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"feature_gates": {"TrainJobProgress": True}},
            "no controller of Trainer 2.3.0 has a feature gate TrainJobProgress",
        ),
        ({"feature_gates": {"elasticjobset": True}}, "elasticjobset; did you mean ElasticJobSet?"),
        (
            {"feature_gates": {"x": True}},
            "the gates are ElasticJobSet, InPlaceRestart, RestartJob, TLSOptions, TrainJobStatus",
        ),
        ({"feature_gates": {"AllAlpha": True}}, "no controller of Trainer 2.3.0 has a feature gate AllAlpha"),
        ({"feature_gates": {"TrainJobStatus": "true"}}, "TrainJobStatus is true, and must be true or false"),
        ({"feature_gates": {"TrainJobStatus": 1}}, "TrainJobStatus is 1, and must be true or false"),
        (
            {"trainer_controller": {"feature_gates": {"RestartJob": True}}},
            "`conductor_trainer_controller.feature_gates`: RestartJob is a feature gate of JobSet",
        ),
        (
            {"jobset_controller": {"feature_gates": {"TrainJobStatus": True}}},
            "move it to `conductor_trainer_controller.feature_gates` or to `conductor_feature_gates`",
        ),
        ({"jobset_controller": {"feature_gates": {"Restartjob": True}}}, "did you mean RestartJob?"),
    ],
)
def test_an_unusable_gate_is_rejected(options: dict[str, Any], words: str) -> None:
    assert words in rejected(options)


def test_pods_are_replaced_for_a_change_of_their_own_configuration_alone() -> None:
    before, after = hashes(REAL), hashes(with_options(REAL, {"feature_gates": {"TrainJobStatus": True}}))
    assert [old != new for old, new in zip(before, after, strict=True)].count(True) == 1
    assert hashes(with_options(REAL, {"feature_gates": {}})) == before


def test_jobs_get_the_authority_of_the_certificate_that_is_mounted() -> None:
    # With the feature gate TrainJobStatus, the manager reads the Secret of this name for every TrainJob.
    for certificates in ("generated", "external"):
        bundle = load_bundle(str(BUNDLE), certificates=certificates)
        [deployment] = [one for one in bundle.objects("Deployment") if "trainer" in one["metadata"]["name"]]
        [config] = [one for one in bundle.objects("ConfigMap") if one["metadata"]["name"] == "kubeflow-trainer-config"]
        named = yaml.safe_load(config["data"]["controller_manager_config.yaml"])["certManagement"]["webhookSecretName"]
        assert certificate_secrets(deployment) == [named]
