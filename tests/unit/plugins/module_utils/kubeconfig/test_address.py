# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.address import address_of, is_loopback


@pytest.mark.parametrize(
    ("server", "url", "key"),
    [
        ("https://a.example", "https://a.example", "https://a.example:443"),
        ("a.example:6443", "https://a.example:6443", "https://a.example:6443"),
        ("HTTPS://A.Example/Path/", "https://a.example/Path", "https://a.example:443/Path"),
        ("http://127.0.0.1:8001/", "http://127.0.0.1:8001", "http://localhost:8001"),
        ("[::1]:6443", "https://[::1]:6443", "https://localhost:6443"),
        ("[2001:DB8::1]", "https://[2001:db8::1]", "https://2001:db8::1:443"),
        (" https://a.example. ", "https://a.example.", "https://a.example:443"),
    ],
)
def test_an_address_has_one_spelling(server: str, url: str, key: str) -> None:
    found = address_of(server, "host")
    assert (found.url, found.key) == (url, key)


@pytest.mark.parametrize(
    "server",
    ["", " ", "https://", "https:///x", "ftp://a", "file:///a", "https:/a", "a/b", "a:b:c", "https://a:99999", "https://a?x",
     "https://a#x", "https://a b", "https://[::1", "::1", "//a", "https://a\x00b", "https://a|b"],
)  # fmt: skip
def test_what_is_no_address_is_rejected(server: str) -> None:
    with pytest.raises(TargetError, match="host is not the URL of an API server") as caught:
        address_of(server, "host")
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True), ("LOCALHOST", True), ("localhost.", True), ("a.localhost", True), ("127.0.0.1", True),
        ("127.255.0.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::1%lo", True),
        ("localhost.example", False), ("127.0.0.1.example", False), ("0.0.0.1", False), ("10.0.0.1", False),
        ("128.0.0.1", False), ("::", False), ("::2", False), ("", False), ("localhost6", False), ("2130706433", False),
    ],
)  # fmt: skip
def test_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
