# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.conductor.trainer.plugins.lookup.customization import LookupModule
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CUSTOMIZE


def found(variables: dict[str, Any], **options: Any) -> Any:
    lookup = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=variables))
    return lookup.run([], variables, **options)


def test_variables_that_are_not_set_are_left_out() -> None:
    assert found({"conductor_context": "berlin", "conductor_replicas": None, "replicas": 2}) == [{}]


@pytest.mark.parametrize("name", CUSTOMIZE)
def test_every_option_has_a_variable(name: str) -> None:
    assert found({f"conductor_{name}": [name]}) == [{name: [name]}]


def test_paths_of_objects_are_replaced_by_the_objects_if_asked_for(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "quota.yml").write_text("kind: ResourceQuota")
    variables = {"conductor_extra_objects": ["quota.yml", {"kind": "A"}], "ansible_search_path": [str(tmp_path)]}
    assert found(variables) == [{"extra_objects": ["quota.yml", {"kind": "A"}]}]
    assert found(variables, read_files=True) == [{"extra_objects": [{"kind": "ResourceQuota"}, {"kind": "A"}]}]
    with pytest.raises(AnsibleActionFail, match=r"conductor_extra_objects: absent\.yml does not exist"):
        found({"conductor_extra_objects": ["absent.yml"]}, read_files=True)
