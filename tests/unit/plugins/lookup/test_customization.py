# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
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


def test_files_of_objects_are_read_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text("{kind: A}\n---\n{kind: B}\n")
    variables = {"conductor_extra_objects": [str(tmp_path), {"kind": "C"}]}
    assert found(variables) == [{"extra_objects": variables["conductor_extra_objects"]}]
    assert found(variables, read_files=True) == [{"extra_objects": [{"kind": "A"}, {"kind": "B"}, {"kind": "C"}]}]
    with pytest.raises(AnsibleLookupError, match=r"absent.yml does not exist on the control node\nNext: write an"):
        found({"conductor_extra_objects": [str(tmp_path / "absent.yml")]}, read_files=True)


def test_files_that_had_to_be_decrypted_do_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.yml"
    plain = tmp_path / "plain.yml"
    secret.write_text("$ANSIBLE_VAULT;1.1;AES256\n")

    def decrypt(_loader: DataLoader, path: str) -> str:
        assert path == str(secret)
        plain.write_text("{kind: Secret}\n")
        return str(plain)

    monkeypatch.setattr(DataLoader, "get_real_file", decrypt)
    monkeypatch.setattr(DataLoader, "cleanup_tmp_file", lambda _loader, path: Path(path).unlink())
    assert found({"conductor_extra_objects": [str(secret)]}, read_files=True) == [
        {"extra_objects": [{"kind": "Secret"}]}
    ]
    assert not plain.exists()
