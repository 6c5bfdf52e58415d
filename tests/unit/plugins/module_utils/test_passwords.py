# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.passwords import is_secret_name, passwords_in


@pytest.mark.parametrize(
    "name", ["PASSWORD", "db_password", "HF_TOKEN", "api-key", "AWS_SECRET_ACCESS_KEY", "GIT_PASS"]
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["TOKEN_FILE", "AWS_ACCESS_KEY_ID", "HTTPS_PROXY", "COMPASS", "MONKEY", "", None, 5, ["PASSWORD"]]
)
def test_names_of_other_variables(name: object) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("http://user:hunter2@proxy:3128", [("", "hunter2")]),
        ("http://user:p%40ss@proxy", [("", "p%40ss"), ("", "p@ss")]),
        ("http://user:$(PASSWORD)@proxy", []),
        ("http://user@proxy:3128/path", []),
        ("http://proxy:3128/a@b", []),
        ([{"name": "HF_TOKEN", "value": "abc"}], [("[0].value", "abc")]),
        ([{"name": "HF_TOKEN", "value": "$(OTHER)"}], []),
        ([{"name": "HF_TOKEN", "value": "false"}, {"name": "HF_TOKEN", "valueFrom": {}}], []),
        ({"env": [{"name": "A", "value": "x://u:secret@h"}]}, [("env[0].value", "secret")]),
        (None, []),
        (5, []),
    ],
)
def test_passwords_are_found_with_their_place(value: Any, found: list[tuple[str, str]]) -> None:
    assert list(passwords_in(value)) == found


def test_what_is_nested_without_end_ends() -> None:
    deep: Any = "http://u:secret@h"
    for _level in range(500):
        deep = [deep]
    assert list(passwords_in(deep)) == []
