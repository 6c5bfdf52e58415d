# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controllers themselves read the configurations that we write, and refuse what we reject.

They read the file before they connect to anything, so no cluster is needed.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from conductor_cluster import catalogue
from conductor_cluster.build import go_programs
from conductor_cluster.console import Console
from conductor_cluster.paths import find_paths
from tests.unit.plugins.helpers.builders import BUNDLE
from tests.unit.plugins.helpers.settings import DURATIONS, ROWS, WRONG, nested

REAL = load_bundle(str(BUNDLE))
CONFIG_MAPS = {"trainer": "kubeflow-trainer-config", "jobset": "jobset-manager-config"}
# What the programs print when a file or its feature gates cannot be used.
REFUSALS = ("Unable to load", "Unable to set")
# No address of a server: having read their configuration, the programs end.
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "none", "cluster": {"server": "https://[none"}}],
    "users": [{"name": "none", "user": {"token": "none"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "current-context": "none",
}


class Programs:
    """Both controllers."""

    def __init__(self, folder: Path) -> None:
        paths = find_paths()
        self._folder = folder
        (folder / "kubeconfig").write_text(yaml.safe_dump(KUBECONFIG), encoding="utf-8")
        self._programs = {
            controller.program.partition("-")[0]: go_programs.build(
                paths, Console(), catalogue.family(paths, controller.family), controller
            )
            / controller.program
            for controller in catalogue.controllers(paths, REAL.release)
        }

    def refusal(self, component: str, text: str) -> str:
        """What a controller says against a configuration; empty if it takes it."""
        file = self._folder / "config.yaml"
        file.write_text(text, encoding="utf-8")
        command = [str(self._programs[component]), f"--config={file}"]
        environment = {"KUBECONFIG": str(self._folder / "kubeconfig"), "HOME": str(self._folder)}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # Another reason than the configuration ends a program that takes it.
        assert done.returncode == 1, done.stdout
        return "\n".join(line for line in done.stdout.splitlines() if any(words in line for words in REFUSALS))


@pytest.fixture(scope="session")
def controllers(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Both controllers, which are built once."""
    return Programs(tmp_path_factory.mktemp("controllers"))


def text_of(bundle: Bundle, component: str) -> str:
    [found] = [one for one in bundle.objects("ConfigMap") if one["metadata"]["name"] == CONFIG_MAPS[component]]
    return str(found["data"]["controller_manager_config.yaml"])


def with_value(component: str, key: str, value: Any) -> str:
    """The configuration of the release with a value that nothing has checked."""
    config = yaml.safe_load(text_of(REAL, component))
    for name, below in nested(key, value).items():
        both = isinstance(below, dict) and isinstance(config.get(name), dict)
        config[name] = {**config[name], **below} if both else below
    return str(yaml.safe_dump(config))


@pytest.mark.parametrize("certificates", ["generated", "external"])
@pytest.mark.parametrize("component", CONFIG_MAPS)
def test_the_controllers_take_all_settings_at_once(component: str, certificates: str, controllers: Programs) -> None:
    config: dict[str, Any] = {}
    for _component, key, value, words in ROWS:
        if component == _component and not words:
            section, _dot, name = key.partition(".")
            config.setdefault(section, {})[name] = value
    options = {
        f"{component}_controller": {"config": config},
        "feature_gates": {"TrainJobStatus": True, "RestartJob": True, "ElasticJobSet": True, "InPlaceRestart": True},
        "tls": {"min_version": "1.2", "cipher_suites": REAL.configurations[component]["cipher_suites"]},
    }
    laid = with_options(load_bundle(str(BUNDLE), certificates=certificates), options)
    assert controllers.refusal(component, text_of(laid, component)) == ""


@pytest.mark.parametrize("component", CONFIG_MAPS)
def test_the_controllers_refuse_what_is_rejected(component: str, controllers: Programs) -> None:
    taken = []
    for _component, key, value, _words in ROWS:
        if component == _component:
            wrong, _wanted = WRONG[REAL.configurations[component]["keys"][key]["type"]]
            taken += [
                f"{key}: {text!r}"
                for text in (with_value(component, key, wrong), with_value(component, f"{key}s", value))
                if not controllers.refusal(component, text)
            ]
    assert taken == []


@pytest.mark.parametrize("component", CONFIG_MAPS)
def test_the_controllers_take_the_shape_of_every_key(component: str, controllers: Programs) -> None:
    """The controllers accept every key of the tree, also those that no option may change."""
    for _component, key, value, _words in ROWS:
        if component == _component and key != "apiVersion":
            right = value if component == "trainer" or key != "tls.minVersion" else "VersionTLS12"
            right = {} if key == "featureGates" else right
            assert controllers.refusal(component, with_value(component, key, right)) == "", key


def test_the_controllers_refuse_another_controllers_gate(controllers: Programs) -> None:
    for component, gate in (("trainer", "RestartJob"), ("jobset", "TrainJobStatus")):
        assert gate in controllers.refusal(component, with_value(component, "featureGates", {gate: True}))


def test_the_controllers_read_durations_as_we_do(controllers: Programs) -> None:
    read = {
        text
        for text in DURATIONS
        if not controllers.refusal("trainer", with_value("trainer", "leaderElection.leaseDuration", text))
    }
    assert read == {text for text, number in DURATIONS.items() if number is not None}
