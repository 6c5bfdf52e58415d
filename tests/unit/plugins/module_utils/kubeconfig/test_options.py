# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.options import given_login, has_credentials
from tests.unit.plugins.helpers.certificates import Authority

PAIR = Authority("ours").client("somebody")


def login(**settings: Any) -> Any:
    return given_login(settings, lambda secrets: None)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    contents = {"certificate": PAIR.certificate, "key": PAIR.key, "both": PAIR.certificate + PAIR.key}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in contents}


def test_each_kind_of_credentials(files: dict[str, str]) -> None:
    assert login() is None
    assert login(username="u") is None
    assert login(api_key="t").token() == "t"
    # A token wins over a password, as in clusters that know both.
    assert login(api_key="t", username="u", password="p")[1:3] == ("", "")  # noqa: S106
    assert login(username="u", password="p")[1:3] == ("u", "p")  # noqa: S106
    for found in (
        login(client_cert=files["certificate"], client_key=files["key"]),
        login(client_cert=files["both"]),
    ):
        assert (found.certificate, found.key.endswith(PAIR.key)) == (PAIR.certificate, True)
    assert not has_credentials({"client_cert": "x"})


def test_what_cannot_be_sent_is_rejected(files: dict[str, str]) -> None:
    for token in ("a\nb", "a\r", "\x1b", "ü"):
        with pytest.raises(TargetError, match="api_key has line breaks"):
            login(api_key=token)
    for certificate, key, words in (
        (files["key"], files["key"], "client_cert holds a private key"),
        (files["certificate"], files["certificate"], "client_key holds a certificate"),
        (files["certificate"], None, "client_key holds a certificate"),
        (None, files["key"], "client_cert is empty"),
    ):
        with pytest.raises(TargetError, match=words):
            login(client_cert=certificate, client_key=key)
