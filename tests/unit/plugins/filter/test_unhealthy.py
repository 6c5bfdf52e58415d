# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.filter.status import status
from ansible_collections.conductor.trainer.plugins.filter.unhealthy import FilterModule, unhealthy
from tests.unit.plugins.filter.test_status import changed, healthy


def test_a_healthy_installation_is_no_message() -> None:
    assert unhealthy(status(healthy())) == ""


@pytest.mark.parametrize(
    ("health", "begin"),
    [
        ("unhealthy", "the installation is unhealthy: "),
        ("absent", "the installation is absent: "),
        ("unknown", "the health of the installation is unknown: "),
    ],
)
def test_the_message_has_the_health_and_all_reasons(health: str, begin: str) -> None:
    assert unhealthy({"health": health, "reasons": ["one", "two"]}) == (
        f"{begin}one; two.\nNext: run the install playbook, or follow the reasons"
    )


def test_a_missing_runtime_is_a_reason() -> None:
    assert "jax" in unhealthy(status(changed(built_in_runtimes={"missing": ["jax"]})))


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"unhealthy": unhealthy}
