# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent in headers, and what cannot be."""

from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.headers import bearer, impersonated, utf8


@pytest.mark.parametrize("text", ["sesame", "a b", "kubeconfig-u:x.y_z~/+=", "sha256~abc"])
def test_a_token_stays_as_it_is(text: str) -> None:
    assert bearer(text, "x") == text


@pytest.mark.parametrize(
    "text", ["", "  ", "hush\n", "\nhush", "hu\rsh", "hu\tsh", "hush\0", "hush\x7f", "hush\u00e9", "\ufeffhush"]
)
def test_a_token_that_no_server_knows_is_an_error(text: str) -> None:
    with pytest.raises(TargetError, match=r"^x (is blank|has line breaks)") as caught:
        bearer(text, "x")
    assert "hush" not in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    "text", ["jane", "system:serviceaccount:a:b", "j\u00e4ne", "\u65e5\u672c", "\U0001f600", " a ", ""]
)
def test_names_are_sent_as_utf_8(text: str) -> None:
    assert impersonated(text, "x").encode("latin-1") == text.encode()


@pytest.mark.parametrize(
    "text", ["a\nb", "a\n b", "a\r\nImpersonate-Group: system:masters", "a\0", "a\x1b[0m", "a\x7f"]
)
def test_a_name_cannot_become_another_header(text: str) -> None:
    with pytest.raises(TargetError, match=r"^x: .* has line breaks or other control characters"):
        impersonated(text, "x")


def test_half_a_character_is_replaced() -> None:
    assert utf8("a\ud83d") == "a?"
