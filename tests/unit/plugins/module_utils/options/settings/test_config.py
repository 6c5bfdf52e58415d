# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key of both configurations: with a right value, with one of a wrong type, and misspelled."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import container_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.settings.keys import seconds
from ansible_collections.conductor.trainer.plugins.module_utils.options.settings.rules import GUARDED
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE
from tests.unit.plugins.helpers.settings import DURATIONS, KEPT, OF_ONE, ROWS, SHARED, WRONG, nested

REAL = load_bundle(str(BUNDLE))
EXTERNAL = load_bundle(str(BUNDLE), certificates="external")
CONFIG_MAPS = {"trainer": "kubeflow-trainer-config", "jobset": "jobset-manager-config"}


def configured(component: str, config: Any, bundle: Bundle = REAL, **others: Any) -> Bundle:
    return with_options(bundle, {f"{component}_controller": {"config": config}, **others})


def configuration(bundle: Bundle, component: str) -> dict[str, Any]:
    [found] = [one for one in bundle.objects("ConfigMap") if one["metadata"]["name"] == CONFIG_MAPS[component]]
    return dict(yaml.safe_load(found["data"]["controller_manager_config.yaml"]))


def rejected(component: str, config: Any, **others: Any) -> str:
    with pytest.raises(InputError) as caught:
        configured(component, config, **others)
    assert caught.value.next_step
    return str(caught.value)


@pytest.mark.parametrize("component", OF_ONE)
def test_the_table_has_every_key_of_the_release(component: str) -> None:
    assert {**SHARED, **OF_ONE[component]}.keys() == REAL.configurations[component]["keys"].keys()


@pytest.mark.parametrize("bundle", [REAL, EXTERNAL], ids=["generated", "external"])
@pytest.mark.parametrize(("component", "key", "value", "words"), ROWS)
def test_a_key_with_a_right_value(component: str, key: str, value: Any, words: str, bundle: Bundle) -> None:
    if words:
        assert f"`conductor_{component}_controller.config`: {key} {words}" in rejected(component, nested(key, value))
        return
    found: Any = configuration(configured(component, nested(key, value), bundle), component)
    *sections, name = key.split(".")
    before: Any = configuration(bundle, component)
    for section in sections:
        found, before = found[section], before.get(section, {})
    # Other items of a mapping stay.
    assert found[name] == ({**before[name], **value} if isinstance(value, dict) else value)
    assert {other: found[other] for other in before if other != name} == {
        other: before[other] for other in before if other != name
    }


@pytest.mark.parametrize(("component", "key", "value", "words"), ROWS)
def test_a_key_with_a_value_of_a_wrong_type(component: str, key: str, value: Any, words: str) -> None:
    wrong, wanted = WRONG[REAL.configurations[component]["keys"][key]["type"]]
    assert f"must be {wanted}" in rejected(component, nested(key, wrong))


@pytest.mark.parametrize(("component", "key", "value", "words"), ROWS)
def test_a_misspelled_key(component: str, key: str, value: Any, words: str) -> None:
    for misspelled in (f"{key}s", key.upper()):
        section, _dot, name = misspelled.rpartition(".")
        unknown = name if misspelled == f"{key}s" else misspelled.partition(".")[0]
        text = rejected(component, nested(misspelled, value))
        assert f"{unknown}, and would not start; did you mean {key.rpartition('.')[2] if section == '' else ''}" in text


@pytest.mark.parametrize(("component", "key", "value", "words"), ROWS)
def test_a_null(component: str, key: str, value: Any, words: str) -> None:
    if key in GUARDED:
        assert KEPT in rejected(component, nested(key, None))
    elif key == "leaderElection.leaderElect":
        assert "not to be removed" in rejected(component, nested(key, None))
    elif component == "trainer" and key.startswith("leaderElection.") and key != "leaderElection.resourceLock":
        # It has no times of its own.
        assert "do not fit together" in rejected(component, nested(key, None))
    else:
        section, _dot, name = key.rpartition(".")
        assert name not in configuration(configured(component, nested(key, None)), component).get(section, {})


def test_what_the_metrics_of_external_certificates_need_stays() -> None:
    with pytest.raises(InputError, match=r"metrics\.certDir is not to be removed"):
        configured("jobset", {"metrics": {"certDir": None}}, EXTERNAL)


def test_a_null_for_a_section_removes_what_the_release_sets_there() -> None:
    assert "clientConnection" in configuration(REAL, "trainer")
    assert not configuration(configured("trainer", {"clientConnection": None}), "trainer")["clientConnection"]
    assert "leaderElection.leaderElect is not to be removed" in rejected("trainer", {"leaderElection": None})
    assert configured("jobset", {"clientConnection": None}).changes == ()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"qps": 5}, "did you mean clientConnection.qps or statusServer.qps?"),
        ({"clientConnection.qps": 5}, "did you mean {clientConnection: {qps: ...}}?"),
        ({"clientConnection": {"qpss": 5}}, "Trainer 2.3.0 has no key clientConnection.qpss, and would not start"),
        ({"clientConnection": {"qpss": 5}}, "the keys of clientConnection are burst, qps"),
        ({"ClientConnection": {}}, "did you mean clientConnection?"),
        ({"webhook": {"certDir": "/x"}}, "no key webhook.certDir"),
        ({1: 2}, "no key 1, and would not start\nNext"),
        ({"webhook": 5}, "webhook is 5, and must be a mapping"),
        ([1], "the value is a list, and must be a mapping"),
        ({"clientConnection": {"qps": float("nan")}}, "NaN or infinity"),
        ({"clientConnection": {"qps": float("inf")}}, "NaN or infinity"),
        ({"clientConnection": {"burst": 2**31}}, "must be a whole number"),
        ({"clientConnection": {"burst": 1.5}}, "must be a whole number"),
        ({"clientConnection": {"burst": "1.5"}}, "must be a whole number"),
        ({"clientConnection": {"burst": -1}}, "clientConnection.burst is -1, and must not be negative"),
        ({"webhook": {"port": 1023}}, "webhook.port is 1023, and no port"),
        ({"webhook": {"port": 65536}}, "webhook.port is 65536, and no port"),
        ({"webhook": {"host": "localhost"}}, "an address that the pod may not have"),
        ({"metrics": {"bindAddress": "8443"}}, "metrics.bindAddress is 8443, and no address"),
        ({"metrics": {"bindAddress": ":x"}}, "and no address"),
        ({"metrics": {"bindAddress": ":1023"}}, "and no address"),
        ({"metrics": {"bindAddress": ":65536"}}, "and no address"),
        ({"metrics": {"bindAddress": ":009000"}}, "and no address"),
        ({"metrics": {"bindAddress": ":٩٠٠٠"}}, "and no address"),
        # Go wants an IPv6 address in brackets.
        ({"metrics": {"bindAddress": ":::9000"}}, "an address that the pod may not have"),
        ({"metrics": {"bindAddress": "::1:9000"}}, "an address that the pod may not have"),
        ({"metrics": {"bindAddress": "[]:9000"}}, "an address that the pod may not have"),
        ({"metrics": {"bindAddress": "10.0.0.1:8443"}}, "an address that the pod may not have"),
        ({"metrics": {"bindAddress": 0}}, "write a text there, in quotes"),
        ({"metrics": {"bindAddress": ":9443"}}, "metrics.bindAddress and webhook.port both use port 9443"),
        ({"health": {"healthProbeBindAddress": "127.0.0.1:8081"}}, "an address that the pod may not have"),
        ({"health": {"healthProbeBindAddress": "0"}}, "and no address"),
        ({"leaderElection": {"resourceLock": "configmaps"}}, "set it to leases"),
        ({"leaderElection": {"leaseDuration": "5s"}}, "leaseDuration is 5s, renewDeadline is 10s, retryPeriod is 2s"),
        ({"leaderElection": {"retryPeriod": "9s"}}, "do not fit together"),
        ({"leaderElection": {"retryPeriod": "0"}}, "do not fit together"),
        ({"leaderElection": {"renewDeadline": "-1s"}}, "do not fit together"),
        (
            {"leaderElection": {"leaseDuration": "900ms", "renewDeadline": "500ms", "retryPeriod": "100ms"}},
            "do not fit together",
        ),
        ({"controller": {"groupKindConcurrency": {"Trainjob.trainer.kubeflow.org": 2}}}, "did you mean TrainJob."),
        ({"controller": {"groupKindConcurrency": {"TrainJob.trainer.kubeflow.org": 0}}}, "write 1 or more"),
    ],
)
def test_what_would_stop_the_controller_is_rejected(config: Any, words: str) -> None:
    assert words in rejected("trainer", config)


@pytest.mark.parametrize(
    "config",
    [
        # A template within a mapping yields a text, before ansible-core 2.19.
        {"clientConnection": {"qps": "50.5", "burst": "100"}},
        {"clientConnection": {"qps": 50, "burst": 0}},
        {"metrics": {"bindAddress": "[::]:1024"}, "webhook": {"port": 65535}},
        {"metrics": {"bindAddress": ":65535"}, "webhook": {"port": 1024}},
        {"metrics": {"bindAddress": "127.0.0.1:9000"}},
        {"metrics": {"bindAddress": "[::1]:9000"}},
        {"health": {"healthProbeBindAddress": "0.0.0.0:9000"}},
        {"leaderElection": {"leaseDuration": "1s", "renewDeadline": "600ms", "retryPeriod": "100ms"}},
        # Nobody waits for anybody.
        {"leaderElection": {"leaderElect": False, "leaseDuration": "1s"}},
        {"controller": {"groupKindConcurrency": {"TrainJob.trainer.kubeflow.org": None}}},
        # Not twice the same port: the metrics are off.
        {"metrics": {"bindAddress": "0"}, "webhook": {"port": 8443}},
    ],
)
def test_what_the_controller_takes_is_accepted(config: Any) -> None:
    assert len(configured("trainer", config).changes) >= 2


def test_numbers_in_texts_become_numbers() -> None:
    found = configuration(configured("trainer", {"clientConnection": {"qps": "50.5", "burst": "100"}}), "trainer")
    assert found["clientConnection"] == {"qps": 50.5, "burst": 100}


def test_an_item_of_a_mapping_is_removed_by_null() -> None:
    config = {"controller": {"groupKindConcurrency": {"TrainJob.trainer.kubeflow.org": None}}}
    [left] = configuration(configured("trainer", config), "trainer")["controller"].values()
    assert left == {"TrainingRuntime.trainer.kubeflow.org": 1, "ClusterTrainingRuntime.trainer.kubeflow.org": 1}


def test_replicas_need_leader_election() -> None:
    off = {"leaderElection": {"leaderElect": False}}
    assert configured("trainer", off, replicas=1).changes
    assert "without leader election" in rejected("trainer", off, replicas=2)


@pytest.mark.parametrize("component", OF_ONE)
@pytest.mark.parametrize("seed", range(20))
def test_settings_change_the_configuration_and_its_pods_alone(component: str, seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - not a secret
    right = [(key, value) for one, key, value, words in ROWS if one == component and not words]
    config: dict[str, Any] = {}
    for key, value in chosen.sample(right, 4):
        section, _dot, name = key.partition(".")
        config.setdefault(section, {})[name] = value
    laid = configured(component, config)
    kinds = {change.key.kind for change in laid.changes} - {"Service"}
    assert kinds in (set(), {"ConfigMap", "Deployment"})
    # In any order, and again: the same.
    backwards = {section: dict(reversed(keys.items())) for section, keys in reversed(config.items())}
    assert configured(component, backwards).phases == laid.phases
    assert len({key_of(manifest) for manifest in laid.objects()}) == len(REAL.objects())


@pytest.mark.parametrize(("text", "expected"), DURATIONS.items())
def test_durations_are_those_of_go(text: str, expected: float | None) -> None:
    found = seconds(text)
    assert (found if found is None else float(found)) == expected


def test_the_container_and_the_services_follow_a_port() -> None:
    laid = configured("jobset", {"webhook": {"port": 10250}})
    [deployment] = [one for one in laid.objects("Deployment") if one["metadata"]["name"] == "jobset-controller-manager"]
    assert {"name": "webhook-server", "containerPort": 10250, "protocol": "TCP"} in container_of(deployment)["ports"]
    [service] = [one for one in laid.objects("Service") if one["metadata"]["name"] == "jobset-webhook-service"]
    assert service["spec"]["ports"][0]["targetPort"] == "webhook-server"
