# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands at whatever place of whatever option: the outcome is a bundle or an error that names a variable."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import BUNDLE_ARG_SPEC
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed.recorded import lay_recorded
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import given_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.words import check_names
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.unit.plugins.helpers.states import release

VALIDATOR = ArgumentSpecValidator({"customize": BUNDLE_ARG_SPEC["customize"]})
POD = {"containers": [{"name": "c", "image": "busybox", "env": [{"name": "A", "value": "b"}]}], "volumes": []}
# One way to use each option.
USED: dict[str, Any] = {
    "registries": {"ghcr.io": "mirror.example.com/ghcr"},
    "images": {"pytorch/pytorch": "mirror.example.com/torch:1"},
    "image_pull_credentials": {"mirror.example.com": {"username": "me", "password": "word"}},
    "replicas": 2,
    "disruption_budget": {"max_unavailable": "50%"},
    "spread": [{"topologyKey": "rack", "labelSelector": {"matchLabels": {"a": "b"}}}],
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "node_selector": {"a": "b"},
    "affinity": {"podAntiAffinity": {}},
    "priority_class": "high",
    "resources": {"requests": {"cpu": "50m"}, "limits": {"memory": "1Gi"}},
    "host_network": True,
    "log_level": "debug",
    "feature_gates": {"TrainJobStatus": True},
    "tls": {"min_version": "1.2", "cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
    "image_pull_policy": "Always",
    "image_pull_secrets": ["ours"],
    "trainer_controller": {
        "pod_labels": {"a": "b"},
        "pod_annotations": {"a": "b"},
        "env": [{"name": "A", "value": "b"}],
        "env_from": [{"secretRef": {"name": "a"}}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "volume_mounts": [{"name": "v", "mountPath": "/v"}],
        "config": {"clientConnection": {"qps": 9}, "webhook": {"port": 9444}},
    },
    "labels": {"a": "b"},
    "annotations": {"a": "b"},
    "patches": [
        {"target": {"kind": "Deployment"}, "merge": {"spec": {"template": {"spec": {"volumes": [{"name": "v"}]}}}}},
        {"target": {"kind": "Deployment"}, "json": [{"op": "add", "path": "/spec/minReadySeconds", "value": 1}]},
    ],
    "extra_objects": [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": "b"}},
        {"apiVersion": "v1", "kind": "Pods", "metadata": {"name": "a", "namespace": "b"}, "spec": POD},
    ],
}
WORDS = st.sampled_from(
    ["", "a", "name", "value", "$patch", "/", "*", ":", "50%", "1.3", "kind", "{{ x }}", "\ud800", "ü"]
)
LEAVES = st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats() | WORDS
VALUES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=2) | st.dictionaries(WORDS, below, max_size=2), max_leaves=5
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping or list with a name or an index in it."""
    for name in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, name
        yield from places(value[name])


def changed(name: str, number: int, value: Any) -> dict[str, Any]:
    """One option, with another value at one of its places."""
    options = copy.deepcopy({name: USED[name]})
    found = list(places(options))
    where, below = found[number % len(found)]
    where[below] = value
    return options


def laid(options: dict[str, Any]) -> Bundle | InputError:
    """What a task makes of options; what Ansible's own validation rejects counts as no options."""
    try:
        check_names(options)
        validated = VALIDATOR.validate({"customize": options})
        accepted = None if validated.error_messages else validated.validated_parameters["customize"]
        return with_options(release(), given_options(accepted))
    except InputError as error:
        return error


OPTIONS = st.builds(changed, st.sampled_from(sorted(USED)), st.integers(0, 100), VALUES)


@settings(max_examples=300)
@given(OPTIONS)
@example({"extra_objects": [{**USED["extra_objects"][1], "spec": {"env": [{"name": {}}]}}], "labels": None})
@example({"patches": [{"target": {"name": "*"}, "merge": {"metadata": {"annotations": "a"}}}]})
def test_every_value_gives_a_bundle_or_an_error_that_names_a_variable(options: dict[str, Any]) -> None:
    # With a mirror, every image is looked at.
    outcome = laid({"registries": USED["registries"], **options})
    if isinstance(outcome, InputError):
        assert outcome.next_step
        assert "conductor_" in outcome.message or "there is no option" in outcome.message
    else:
        json.dumps(outcome.objects(), allow_nan=False, ensure_ascii=False).encode()
        assert lay_recorded(release(), json.loads(json.dumps(outcome.options))).options == outcome.options
