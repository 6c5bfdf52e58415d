# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from ansible_collections.conductor.trainer.plugins.module_utils.options.record import differences, recordable


def test_secrets_are_recorded_as_digests() -> None:
    def credentials(password: str) -> dict[str, object]:
        return {"image_pull_credentials": {"registry.example.com": {"username": "puller", "password": password}}}

    one, other = recordable(credentials("hunter2")), recordable(credentials("hunter3"))
    assert "hunter2" not in json.dumps(one)
    assert differences(one, recordable(credentials("hunter2"))) == []
    assert differences(one, other) == ["image_pull_credentials.registry.example.com.password.sha256"]


def test_differences_name_the_paths() -> None:
    recorded = {"registries": {"ghcr.io": "a", "docker.io": "b"}, "replicas": 2}
    given = {"registries": {"ghcr.io": "a"}, "tolerations": [{"key": "x"}]}
    assert differences(recorded, given) == ["registries.docker.io", "replicas", "tolerations"]
