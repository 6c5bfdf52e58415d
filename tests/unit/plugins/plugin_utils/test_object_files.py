# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.conductor.trainer.plugins.plugin_utils.object_files import with_files


def read(items: Any, folder: Path) -> Any:
    def find(name: str) -> str | None:
        return str(folder / name) if (folder / name).exists() else None

    return with_files(items, find, lambda path: path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.yml").write_text("kind: A\n---\n---\nkind: B\n")
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "b.json").write_text('{"kind": "D"}')
    (tmp_path / "many" / "a.yaml").write_text("kind: C")
    (tmp_path / "many" / "readme.md").write_text("no object")
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing.yml").write_text("# nothing\n")
    (tmp_path / "twice.yml").write_text("password: hunter2\npassword: hunter3\n")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00\xd8\x00")
    return tmp_path


def test_paths_are_replaced_by_the_objects_in_order(folder: Path) -> None:
    found = read([{"kind": "first"}, "one.yml", "many", {"kind": "last"}], folder)
    assert [item["kind"] for item in found] == ["first", "A", "B", "C", "D", "last"]


@pytest.mark.parametrize("text", ["one.yml,many", " one.yml, many ,"])
def test_a_text_is_a_list_of_paths(folder: Path, text: str) -> None:
    assert [item["kind"] for item in read(text, folder)] == ["A", "B", "C", "D"]


@pytest.mark.parametrize("other", [None, {"kind": "A"}, 3])
def test_what_is_no_list_is_left_to_validation(folder: Path, other: Any) -> None:
    assert read(other, folder) == other


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent.yml", "conductor_extra_objects: absent.yml does not exist on the control node"),
        ("empty", "conductor_extra_objects: the folder empty holds no file"),
        ("nothing.yml", "conductor_extra_objects: nothing.yml cannot be used: it holds nothing"),
        ("twice.yml", "conductor_extra_objects: twice.yml cannot be used: .* is there twice"),
        ("binary.yml", "conductor_extra_objects: binary.yml cannot be used: it "),
    ],
)
def test_what_cannot_be_read(folder: Path, path: str, message: str) -> None:
    with pytest.raises(AnsibleActionFail, match=message) as caught:
        read([path], folder)
    assert "\nNext: " in str(caught.value)
    assert "hunter" not in str(caught.value)
