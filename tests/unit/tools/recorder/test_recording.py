# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from conductor_recorder.recording import Recording, trimmed

METADATA = {"name": "a", "resourceVersion": "7", "managedFields": [{}], "uid": "u", "annotations": {"k": "v"}}


def test_a_version_that_differs_in_nothing_that_counts_is_left_out() -> None:
    recording = Recording()
    assert recording.take(0.123, "Pod", "ADDED", {"metadata": METADATA, "status": {"phase": "Pending"}})
    assert not recording.take(
        1, "Pod", "MODIFIED", {"metadata": {**METADATA, "resourceVersion": "8"}, "status": {"phase": "Pending"}}
    )
    assert recording.take(2, "Pod", "MODIFIED", {"metadata": METADATA, "status": {"phase": "Running"}})
    assert recording.take(3, "Pod", "DELETED", {"metadata": METADATA, "status": {"phase": "Running"}})
    assert [(entry["seconds"], entry["object"] and entry["object"]["status"]) for entry in recording.entries] == [
        (0.12, {"phase": "Pending"}),
        (2, {"phase": "Running"}),
        (3, None),
    ]


def test_nothing_secret_is_kept() -> None:
    secret = {"metadata": METADATA, "data": {"tls.key": "hush"}, "stringData": {"a": "hush"}}
    pod = {"metadata": METADATA, "spec": {"nodeName": "n", "containers": [{"env": [{"value": "hush"}]}]}}
    configuration = {"webhooks": [{"name": "w", "clientConfig": {"caBundle": "hush", "service": {"name": "s"}}}]}
    for kind, item in (("Secret", secret), ("Pod", pod), ("MutatingWebhookConfiguration", configuration)):
        assert "hush" not in json.dumps(trimmed(kind, item))


def test_what_verdicts_read_is_kept() -> None:
    crd = {"spec": {"group": "g", "versions": [{"name": "v1", "schema": {"much": 1}}]}, "status": {"conditions": []}}
    assert trimmed("CustomResourceDefinition", crd) == {
        "metadata": {},
        "spec": {"group": "g", "versions": [{"name": "v1"}]},
        "status": {"conditions": []},
    }
    webhook = {"name": "w", "clientConfig": {"caBundle": "YQ==", "service": {"name": "s"}}, "rules": [1]}
    kept = trimmed("ValidatingWebhookConfiguration", {"webhooks": [webhook]})["webhooks"][0]
    assert kept["clientConfig"]["caBundle"]
    assert kept["clientConfig"]["service"] == {"name": "s"}
    assert "rules" not in kept
