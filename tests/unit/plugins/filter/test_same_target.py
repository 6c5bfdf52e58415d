# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.filter.same_target import FilterModule, same_target

VARIABLES: dict[str, dict[str, Any]] = {
    "berlin": {"__conductor_target": "a"},
    "tokyo": {"__conductor_target": "b"},
    "lima": {"__conductor_target": "a"},
    # Has failed before, or belongs to a later batch.
    "oslo": {},
    "outside": {"__conductor_target": "b"},
}
PLAY = ["berlin", "tokyo", "oslo", "lima"]


@pytest.mark.parametrize("host", ["berlin", "lima"])
def test_each_of_two_hosts_of_one_cluster_gets_the_message(host: str) -> None:
    message = same_target(VARIABLES, PLAY, host)
    assert message.startswith("berlin and lima mean the same cluster.")
    assert "\nNext: set conductor_context " in message


def test_a_host_outside_the_play_does_not_count() -> None:
    assert same_target(VARIABLES, PLAY, "tokyo") == ""


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"same_target": same_target}
