# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.conductor.trainer.plugins.lookup.customization import LookupModule
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CUSTOMIZE


def found(variables: dict[str, Any]) -> Any:
    lookup = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=variables))
    return lookup.run([], variables)


def test_variables_that_are_not_set_are_left_out() -> None:
    assert found({"conductor_context": "berlin", "conductor_replicas": None, "replicas": 2}) == [{}]


@pytest.mark.parametrize("name", CUSTOMIZE)
def test_every_option_has_a_variable(name: str) -> None:
    assert found({f"conductor_{name}": [name]}) == [{name: [name]}]
