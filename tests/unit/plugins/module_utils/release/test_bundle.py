# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import BundleError, InputError
from ansible_collections.conductor.trainer.plugins.module_utils.names import CONFIG_HASH, MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import canonical, digest
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES, phase_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle, parse_bundle
from tests.unit.plugins.helpers.builders import BUNDLE, bundle, content, real_content


def test_the_bundle_of_the_collection_loads() -> None:
    real = load_bundle(str(BUNDLE))
    assert [phase.name for phase in real.phases] == list(PHASES)
    assert real.release == BUNDLE.stem == real.components["trainer"]
    assert len({key_of(manifest) for manifest in real.objects()}) == len(real.objects())
    assert real.objects("Namespace")
    assert {real.namespace, real.probe_namespace} == set(real.names("Namespace"))
    assert len(real.names("Deployment")) == 2
    assert len(real.webhook_configurations()) == 4


def test_every_webhook_of_the_bundle_has_a_probe() -> None:
    real = load_bundle(str(BUNDLE))
    webhooks = {webhook["name"] for entry in real.webhook_configurations() for webhook in entry["webhooks"]}
    proven = {probe.webhook for probe in real.probes if probe.expect in ("denied", "mutated")}
    assert proven == webhooks
    for probe in real.probes:
        assert probe.configuration in {entry["metadata"]["name"] for entry in real.webhook_configurations()}
        assert probe.says if probe.expect == "denied" else not probe.says
        assert probe.adds if probe.expect == "mutated" else not probe.adds
        assert probe.manifest["metadata"].get("namespace", real.probe_namespace) == real.probe_namespace
        assert not probe.needs or probe.needs in real.names("ClusterTrainingRuntime")


@pytest.mark.parametrize("profile", ["default", "fail_open"])
def test_every_object_has_our_label_and_its_own_labels(profile: str) -> None:
    plain = {key_of(manifest): manifest for phase in real_content()["phases"] for manifest in phase["objects"]}
    for manifest in load_bundle(str(BUNDLE), profile).objects():
        labels = plain[key_of(manifest)]["metadata"].get("labels") or {}
        assert manifest["metadata"]["labels"] == {**labels, MANAGED_LABEL: "true"}


@pytest.mark.parametrize(("profile", "other"), [("default", "Ignore"), ("fail_open", "Fail")])
def test_variants_are_the_objects_of_the_other_profile(profile: str, other: str) -> None:
    real = load_bundle(str(BUNDLE), profile)
    configurations = {key_of(manifest) for manifest in real.webhook_configurations()}
    assert {key.kind for key in set(real.variants) - configurations} == {"ConfigMap", "Deployment"}
    for key in configurations:
        (manifest,) = real.variants[key]
        assert key_of(manifest) == key
        assert {webhook["failurePolicy"] for webhook in manifest["webhooks"]} == {other}
        assert manifest["metadata"]["labels"][MANAGED_LABEL] == "true"


@pytest.mark.parametrize(("profile", "policy"), [("default", "Fail"), ("fail_open", "Ignore")])
def test_a_profile_replaces_objects_and_adds_none(profile: str, policy: str) -> None:
    real = load_bundle(str(BUNDLE), profile)
    found = {hook["failurePolicy"] for entry in real.webhook_configurations() for hook in entry["webhooks"]}
    assert found == {policy}
    assert {key_of(m) for m in real.objects()} == {key_of(m) for m in load_bundle(str(BUNDLE)).objects()}


@pytest.mark.parametrize("damage", ["first", "middle", "last"])
def test_a_damaged_file_is_rejected(tmp_path: Path, damage: str) -> None:
    text = bytearray(BUNDLE.read_bytes().strip())
    position = {"first": 0, "middle": len(text) // 2, "last": len(text) - 1}[damage]
    text[position] = ord("0") if text[position] != ord("0") else ord("1")
    path = tmp_path / "bundle.json"
    path.write_bytes(text)
    with pytest.raises(BundleError, match=str(path)) as caught:
        load_bundle(str(path))
    assert caught.value.next_step == "reinstall the collection"


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b'{"format": 1'])
def test_a_file_that_is_not_json_is_an_error(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "bundle.json"
    path.write_bytes(text)
    with pytest.raises(BundleError, match="cannot be read"):
        load_bundle(str(path))


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"missing\.json cannot be read"):
        load_bundle(str(tmp_path / "missing.json"))


@pytest.mark.parametrize("value", [None, [], "x", {}, {"format": 2}, {"format": "1"}])
def test_another_format_is_rejected(value: Any) -> None:
    with pytest.raises(BundleError, match="format 1"):
        parse_bundle(value)


@pytest.mark.parametrize("change", [{"release": "1.0.0"}, {"added": 1}, {"sha256": "0" * 64}, {"sha256": None}])
def test_the_checksum_covers_everything(change: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="damaged"):
        parse_bundle({**content(), **change})


def test_an_unknown_profile_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="'loud'") as caught:
        parse_bundle(content(), "loud")
    assert caught.value.next_step == "set `conductor_profile` to one of default, fail_open"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["all"], ["jax", "torch"]),
        (["all", "jax"], ["jax", "torch"]),
        (["jax"], ["jax"]),
        ([], []),
    ],
)
def test_runtimes_are_selected_by_name(wanted: list[str], found: list[str]) -> None:
    whole = bundle()
    chosen = whole.with_runtimes(wanted)
    assert chosen.names("ClusterTrainingRuntime") == found
    assert len(whole.objects()) - len(chosen.objects()) == 2 - len(found)
    assert chosen.sha256 == whole.sha256


@pytest.mark.parametrize("wanted", [["nope"], ["all", "nope"], ["jax", "nope"]])
def test_an_unknown_runtime_is_an_error_that_lists_the_known_ones(wanted: list[str]) -> None:
    with pytest.raises(InputError, match="has no runtime nope") as caught:
        bundle().with_runtimes(wanted)
    assert caught.value.next_step == "set `conductor_runtimes` to all or to some of jax, torch"


def test_a_file_with_a_kind_that_is_not_known_is_rejected() -> None:
    changed = content()
    changed["phases"][0]["objects"].append(
        {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}}
    )
    del changed["sha256"]
    changed["sha256"] = hashlib.sha256(canonical(changed)).hexdigest()
    with pytest.raises(BundleError, match=r"Widget of example\.com/v1"):
        parse_bundle(changed)


@pytest.mark.parametrize(
    ("api_version", "kind", "phase"),
    [
        ("v1", "Service", "access"),
        ("scheduling.k8s.io/v1", "PriorityClass", "foundation"),
        ("apps/v1", "Deployment", "controllers"),
        ("batch/v1", "CronJob", "controllers"),
        ("example.com/v1", "Widget", "controllers"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "foundation"),
        ("trainer.kubeflow.org/v1alpha1", "TrainingRuntime", "runtimes"),
    ],
)
def test_each_kind_has_a_phase(api_version: str, kind: str, phase: str) -> None:
    assert phase_of(api_version, kind) == phase


def test_every_object_of_the_release_is_in_the_phase_of_its_kind() -> None:
    for phase in load_bundle(str(BUNDLE)).phases:
        assert {phase_of(manifest["apiVersion"], manifest["kind"]) for manifest in phase.objects} == {phase.name}


def test_bytes_do_not_depend_on_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})
    assert len(digest({})) == 16
    assert json.loads(canonical(content())) == content()


@pytest.mark.parametrize("profile", ["default", "fail_open"])
def test_external_certificates_change_only_the_controllers(profile: str) -> None:
    plain, external = (load_bundle(str(BUNDLE), profile, certificates) for certificates in ("generated", "external"))
    assert (plain.certificates, external.certificates) == ("generated", "external")
    before, after = ({key_of(manifest): manifest for manifest in real.objects()} for real in (plain, external))
    assert before.keys() == after.keys()
    changed = {key for key in before if before[key] != after[key]}
    assert {(key.kind, key.name) for key in changed} == {
        (kind, name)
        for kind, names in {
            "ConfigMap": ("jobset-manager-config", "kubeflow-trainer-config"),
            "Deployment": ("jobset-controller-manager", "kubeflow-trainer-controller-manager"),
        }.items()
        for name in names
    }
    for key in changed:
        # Objects of another profile may be taken over from kubectl as well.
        assert before[key] in external.variants[key]
        assert after[key] in plain.variants[key]
    assert {key: variants for key, variants in plain.variants.items() if key not in changed} == {
        key: variants for key, variants in external.variants.items() if key not in changed
    }


def test_external_certificates_change_the_digest_of_the_configuration() -> None:
    plain, external = (load_bundle(str(BUNDLE), "default", certificates) for certificates in ("generated", "external"))
    switches = {
        "kubeflow-trainer-config": (
            "  enable: true\n"
            "  webhookServiceName: kubeflow-trainer-controller-manager\n"
            "  webhookSecretName: kubeflow-trainer-webhook-cert\n",
            "  enable: false\n"
            "  webhookServiceName: kubeflow-trainer-controller-manager\n"
            "  # With the feature gate TrainJobStatus, TrainJobs get the ca.crt of this Secret.\n"
            "  webhookSecretName: kubeflow-trainer-webhook-tls\n",
        ),
        "jobset-manager-config": (
            "internalCertManagement: {enable: true}\n",
            "internalCertManagement: {enable: false}\n"
            "# Otherwise its metrics wait for files in a directory of their own.\n"
            "metrics: {certDir: /tmp/k8s-webhook-server/serving-certs}\n",
        ),
    }
    for before, after in zip(plain.objects("ConfigMap"), external.objects("ConfigMap"), strict=True):
        if before["metadata"]["name"] in switches:
            (old,), (new,) = before["data"].values(), after["data"].values()
            on, off = switches[before["metadata"]["name"]]
            assert old.count(on) == 1
            assert new == old.replace(on, off)
    hashes = [
        {item["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH] for item in real.objects("Deployment")}
        for real in (plain, external)
    ]
    assert len(hashes[0] | hashes[1]) == 4


def test_external_certificates_are_not_a_profile() -> None:
    with pytest.raises(InputError, match="unknown profile"):
        load_bundle(str(BUNDLE), "external_certificates")
