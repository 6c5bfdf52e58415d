# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of the keys of both controllers' configurations, and what options make of these."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))

KEPT = "is not to be changed"
# A right value of each key, and the words of its rejection; none if the key may have it.
SHARED: dict[str, tuple[Any, str]] = {
    "apiVersion": ("v1", KEPT),
    "kind": ("Configuration", KEPT),
    "clientConnection.qps": (250.5, ""),
    "clientConnection.burst": (300, ""),
    "featureGates": ({"TrainJobStatus": True}, KEPT),
    "health.healthProbeBindAddress": (":8091", ""),
    "health.livenessEndpointName": ("alive", KEPT),
    "health.readinessEndpointName": ("ready", KEPT),
    "leaderElection.leaderElect": (False, ""),
    "leaderElection.leaseDuration": ("1m30s", ""),
    "leaderElection.renewDeadline": ("12s", ""),
    "leaderElection.retryPeriod": ("500ms", ""),
    "leaderElection.resourceLock": ("leases", ""),
    "leaderElection.resourceName": ("mine", KEPT),
    "leaderElection.resourceNamespace": ("mine", KEPT),
    "metrics.bindAddress": ("0", ""),
    "tls.cipherSuites": ([], KEPT),
    "tls.minVersion": ("1.0", KEPT),
    "webhook.host": ("::", ""),
    "webhook.port": (10250, ""),
}
OF_ONE: dict[str, dict[str, tuple[Any, str]]] = {
    "trainer": {
        "certManagement.enable": (False, KEPT),
        "certManagement.webhookSecretName": ("mine", KEPT),
        "certManagement.webhookServiceName": ("mine", KEPT),
        "controller.groupKindConcurrency": ({"TrainJob.trainer.kubeflow.org": 20}, ""),
        "metrics.secureServing": (False, ""),
        "statusServer.burst": (50, ""),
        "statusServer.port": (10444, KEPT),
        "statusServer.qps": (50, ""),
        "tls.nextProtos": (["h2"], KEPT),
    },
    "jobset": {
        "internalCertManagement.enable": (False, KEPT),
        "internalCertManagement.webhookSecretName": ("mine", KEPT),
        "internalCertManagement.webhookServiceName": ("mine", KEPT),
        "metrics.certDir": ("/certs", ""),
        "webhook.certDir": ("/certs", KEPT),
    },
}
WRONG = {
    "boolean": ("yes", "true or false"),
    "string": (5, "a text"),
    "integer": ("many", "a whole number"),
    "number": (True, "a number"),
    "duration": (15, "a duration like 15s"),
    "list of string": ("h2", "a list"),
    "map of integer": ([], "a mapping"),
    "map of boolean": ({"a": "yes"}, "true or false"),
}
# Texts in seconds, as Go reads them; None if it does not.
DURATIONS: dict[str, float | None] = {
    "15s": 15,
    "1m30s": 90,
    "1h": 3600,
    "1.5h": 5400,
    "2562047h": 9223369200,
    "2562048h": None,
    "-1s": -1,
    "250ms": 0.25,
    "1us": 0.000001,
    "1µs": 0.000001,
    "2ns": 0.000000002,
    ".5s": 0.5,
    "15": None,
    "": None,
    "s": None,
    "15 s": None,
    "15S": None,
    "1d": None,
    "٣s": None,
}
ROWS = [(component, key, *row) for component, own in OF_ONE.items() for key, row in sorted({**SHARED, **own}.items())]


def nested(key: str, value: Any) -> dict[str, Any]:
    for name in reversed(key.split(".")):
        value = {name: value}
    return dict(value)


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
