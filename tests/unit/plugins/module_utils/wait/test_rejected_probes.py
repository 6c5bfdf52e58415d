# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wait whose probes are rejected by others: it names them, and ends early if time does not change the answer."""

from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import NotReadyError
from tests.unit.plugins.helpers.builders import bundle, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster
from tests.unit.plugins.helpers.stepping import Script, waiting

MESH = (
    'Internal error occurred: failed calling webhook "inject.example.io": failed to call webhook: Post '
    '"https://mesh.mesh.svc:443/x?timeout=10s": '
)
POLICY = "ValidatingAdmissionPolicy 'labels' with binding 'all' denied request: needs a team"


def rejecting(message: str) -> FakeCluster:
    cluster = serving(bundle())
    cluster.hooks.clear()
    cluster.fail(500, method="POST", path="/trainjobs", message=message)
    return cluster


@pytest.mark.parametrize(
    ("message", "least", "most", "says", "next_step"),
    [
        (POLICY, 5.0, 7.0, "the ValidatingAdmissionPolicy labels", "exempt the namespace probe"),
        (MESH + 'service "mesh" not found', 30.0, 32.0, "the webhook inject.example.io", "repair Service mesh/mesh"),
    ],
)
def test_an_answer_that_does_not_change_ends_the_wait(
    clock: Clock, script: Script, message: str, least: float, most: float, says: str, next_step: str
) -> None:
    with pytest.raises(NotReadyError) as caught:
        waiting(rejecting(message), clock, 300)
    error = caught.value
    assert least <= error.facts["elapsed"] <= most
    assert says in error.message
    assert next_step in str(error.next_step)
    assert str(error.next_step).endswith("then run this again")
    # Our own webhooks are not accused.
    assert "validate.validator" not in str(error.next_step)


@pytest.mark.parametrize("how", ["connect: connection refused", "EOF", "context deadline exceeded"])
def test_a_webhook_of_others_may_come_back_until_the_deadline(clock: Clock, script: Script, how: str) -> None:
    with pytest.raises(NotReadyError, match="not ready after 60 s") as caught:
        waiting(rejecting(MESH + how), clock, 60)
    assert str(caught.value.next_step).startswith("repair Service mesh/mesh")
    assert "run the install" not in str(caught.value)


def test_when_it_answers_again_the_wait_goes_on(clock: Clock, script: Script) -> None:
    cluster = rejecting(MESH + "EOF")

    def recovered(one: FakeCluster) -> None:
        one.hooks[:] = serving(bundle()).hooks

    script.append((9.0, recovered))
    assert waiting(cluster, clock, 60)["elapsed"] >= 9.0
