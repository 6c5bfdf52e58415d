# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.ownership.admission import origin_of
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.rejection import rejection_of


def configuration(name: str, service: str, **metadata: Any) -> dict[str, Any]:
    client = {"service": {"namespace": "mesh", "name": service}}
    return {"metadata": {"name": name, **metadata}, "webhooks": [{"name": "vpod.kb.io", "clientConfig": client}]}


CONFIGURATIONS = [
    {},
    {"webhooks": [None, {"name": "vpod.kb.io"}], "metadata": {"name": "empty"}},
    configuration("first", "one", managedFields=[{"manager": "kubectl"}]),
    configuration("second", "two", labels={"helm.toolkit.fluxcd.io/name": "mesh"}),
]
CALL = 'failed calling webhook "vpod.kb.io": failed to call webhook: Post "https://{}.mesh.svc:443/x": EOF'


@pytest.mark.parametrize(
    ("message", "origin"),
    [
        (CALL.format("one"), "webhook configuration first of field manager kubectl"),
        (CALL.format("two"), "webhook configuration second of Flux HelmRelease"),
        (CALL.format("three"), ""),
        ('admission webhook "vpod.kb.io" denied the request: no', "webhook configuration empty of an unknown owner"),
        ('admission webhook "other" denied the request: no', ""),
        ("ValidatingAdmissionPolicy 'vpod.kb.io' denied request: no", ""),
    ],
)
def test_the_configuration_and_its_owner(message: str, origin: str) -> None:
    found = origin_of(rejection_of(message), CONFIGURATIONS)
    assert found.startswith(origin)
    assert bool(found) is bool(origin)
