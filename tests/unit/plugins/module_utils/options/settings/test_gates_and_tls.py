# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feature gates and TLS: the same words for both controllers, in the spelling of each."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.names import CONFIG_HASH
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.settings import tls
from ansible_collections.conductor.trainer.plugins.module_utils.options.unused import without_effect
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle, certificate_secrets
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
SUITE = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"


def configurations(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The configuration of each controller."""
    texts = {
        manifest["metadata"]["name"].split("-")[-2]: manifest["data"]["controller_manager_config.yaml"]
        for manifest in with_options(REAL, options).objects("ConfigMap")
        if "controller_manager_config.yaml" in manifest["data"]
    }
    return {"trainer": yaml.safe_load(texts["trainer"]), "jobset": yaml.safe_load(texts["manager"])}


def part(options: dict[str, Any], key: str) -> tuple[Any, Any]:
    found = configurations(options)
    return found["trainer"].get(key), found["jobset"].get(key)


def rejected(options: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        with_options(REAL, options)
    assert caught.value.next_step
    return str(caught.value)


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


@pytest.mark.parametrize(
    ("options", "trainer", "jobset"),
    [
        ({"tls": {"min_version": "1.3"}}, {"minVersion": "1.3"}, {"minVersion": "VersionTLS13"}),
        # Without quotes, YAML reads a number.
        ({"tls": {"min_version": 1.2}}, {"minVersion": "1.2"}, {"minVersion": "VersionTLS12"}),
        ({"tls": {"cipher_suites": [SUITE]}}, {"cipherSuites": [SUITE]}, {"cipherSuites": [SUITE]}),
        ({"tls": {"next_protos": ["h2", "http/1.1"]}}, {"nextProtos": ["h2", "http/1.1"]}, None),
        (
            {"tls": {"min_version": "1.2"}, "jobset_controller": {"tls": {"min_version": "1.3"}}},
            {"minVersion": "1.2"},
            {"minVersion": "VersionTLS13"},
        ),
        (
            {"tls": {"min_version": "1.3"}, "trainer_controller": {"tls": {"min_version": None}}},
            None,
            {"minVersion": "VersionTLS13"},
        ),
        (
            {
                "tls": {"cipher_suites": [SUITE]},
                "trainer_controller": {"tls": {"min_version": "1.3", "cipher_suites": None}},
            },
            {"minVersion": "1.3"},
            {"cipherSuites": [SUITE]},
        ),
    ],
)
def test_tls_of_both_controllers(options: dict[str, Any], trainer: Any, jobset: Any) -> None:
    assert part(options, "tls") == (trainer, jobset)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tls": {"min_version": "1.1"}}, "`conductor_tls`: min_version is 1.1\nNext: use one of 1.2, 1.3"),
        ({"tls": {"min_version": "VersionTLS13"}}, "min_version is VersionTLS13"),
        ({"tls": {"minVersion": "1.3"}}, "`conductor_tls` has no option minVersion; did you mean min_version?"),
        ({"jobset_controller": {"tls": {"next_protos": ["h2"]}}}, "the options are min_version, cipher_suites"),
        ({"tls": {"next_protos": ["h3"]}}, "next_protos has h3"),
        ({"tls": {"cipher_suites": SUITE}}, "cipher_suites is " + SUITE + ", and must be a list"),
        ({"tls": {"cipher_suites": [SUITE.lower()]}}, f"did you mean {SUITE}?"),
        ({"tls": {"cipher_suites": [5]}}, "cipher_suites has 5"),
        ({"tls": {"min_version": "1.3", "cipher_suites": [SUITE]}}, "`conductor_tls`: TLS 1.3 has fixed cipher suites"),
        (
            {"tls": {"cipher_suites": [SUITE]}, "jobset_controller": {"tls": {"min_version": 1.3}}},
            "`conductor_jobset_controller.tls`: TLS 1.3 has fixed cipher suites",
        ),
        (
            {"tls": {"min_version": "1.3"}, "feature_gates": {"TLSOptions": False}},
            "`conductor_tls` has no effect on jobset: its feature gate TLSOptions is switched off",
        ),
    ],
)
def test_unusable_tls_is_rejected(options: dict[str, Any], words: str) -> None:
    assert words in rejected(options)


def test_the_suite_of_the_example_exists() -> None:
    for described in REAL.configurations.values():
        assert tls._SUITE in described["cipher_suites"]
        # Both controllers are checked against one list.
        assert described["cipher_suites"] == REAL.configurations["trainer"]["cipher_suites"]


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


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, []),
        ({"tolerations": [{"operator": "Exists"}]}, []),
        ({"labels": {"a": "b"}}, []),
        ({"trainer_controller": {"tolerations": [{"operator": "Exists"}]}}, []),
        (
            {"jobset_controller": {"tolerations": [{"operator": "Exists"}]}},
            ["conductor_jobset_controller.tolerations"],
        ),
        ({"feature_gates": {"RestartJob": True}}, ["conductor_feature_gates.RestartJob"]),
        (
            {"feature_gates": {"RestartJob": True, "TrainJobStatus": True}},
            ["conductor_feature_gates.RestartJob"],
        ),
        (
            {
                "jobset_controller": {
                    "feature_gates": {"RestartJob": True},
                    "config": {"clientConnection": {"qps": 5}},
                    "tls": {"min_version": "1.3"},
                }
            },
            [
                "conductor_jobset_controller.config",
                "conductor_jobset_controller.feature_gates.RestartJob",
                "conductor_jobset_controller.tls",
            ],
        ),
    ],
)
def test_options_without_effect_on_an_external_jobset(options: dict[str, Any], names: list[str]) -> None:
    assert without_effect(with_options(REAL, options)) == names
