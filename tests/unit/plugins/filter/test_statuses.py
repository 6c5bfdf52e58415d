# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.filter.statuses import FilterModule, statuses

VARIABLES: dict[str, dict[str, Any]] = {
    "tokyo": {"__conductor_status_path": "all.json", "__conductor_status": {"health": "healthy"}},
    "berlin": {"__conductor_status_path": "all.json", "__conductor_status": {"health": "absent"}},
    "lima": {"__conductor_status_path": "lima.json", "__conductor_status": {"health": "unknown"}},
    # Belongs to a later batch.
    "oslo": {},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("all.json", [("tokyo", {"health": "healthy"}), ("berlin", {"health": "absent"})]),
        ("lima.json", [("lima", {"health": "unknown"})]),
        ("other.json", []),
    ],
)
def test_hosts_with_the_same_path_share_a_file_in_the_order_of_the_play(path: str, found: Any) -> None:
    assert list(statuses(VARIABLES, ["tokyo", "oslo", "lima", "berlin"], path).items()) == found


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"statuses": statuses}
