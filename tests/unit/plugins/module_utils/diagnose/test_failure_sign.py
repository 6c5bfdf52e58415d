# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the sign of a rejection must last until it is certain."""

from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_sign import rejection_sign
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import SLOW
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.rejection import Scene, rejection_of

POD = 'pods "manager-1" is forbidden: '


@pytest.mark.parametrize(
    ("message", "grace"),
    [
        (POD + "exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1", 45.0),
        (POD + "exceeded quota: a, requested: cpu=1,pods=1, used: cpu=0,pods=2, limited: cpu=500m,pods=9", 3.0),
        (POD + "exceeded quota: a, requested: memory=1Gi, used: memory=3Gi, limited: memory=4095Mi", 45.0),
        (POD + "exceeded quota: a, requested: memory=5Gi, used: memory=0, limited: memory=4095Mi", 3.0),
        (POD + "exceeded quota: a", 45.0),
        (POD + 'error looking up service account ops/m: serviceaccount "m" not found', 10.0),
        (POD + "unable to validate against any security context constraint: []", 10.0),
        (POD + "maximum cpu usage per Container is 100m, but limit is 500m", 3.0),
        ('admission webhook "a.example.io" denied the request: registry: i/o timeout', SLOW),
    ],
)
def test_how_long_a_rejection_must_last(message: str, grace: float) -> None:
    sign = rejection_sign(rejection_of(message), Scene("its pods", "ops"), "uid", message)
    assert (sign.signature.grace, sign.words, sign.passes) == (grace, message, grace == SLOW)
