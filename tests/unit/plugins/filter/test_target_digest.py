# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.filter.target_digest import FilterModule, target_digest


@pytest.mark.parametrize(
    "hosts",
    [
        ["https://127.0.0.1:6443", "https://127.0.0.1:6443/", "https://localhost:6443", "HTTPS://LOCALHOST:6443//"],
        ["https://127.0.0.1:6443", "https://[::1]:6443", "127.0.0.1:6443", "https://127.1.2.3:6443", "localhost.:6443"],
        ["https://a.example", "https://A.example:443", "a.example", " https://a.example/ ", "https://a.example."],
        ["https://a.example/k8s/c-1", "https://a.example:443/k8s/c-1/"],
        ["http://a.example", "http://a.example:80/"],
    ],
)
def test_all_spellings_of_an_address_have_one_digest(hosts: list[str]) -> None:
    assert len({target_digest(["", "", host]) for host in hosts}) == 1


def test_other_targets_have_other_digests() -> None:
    targets: list[list[Any]] = [
        ["", "", "https://a.example"],
        ["", "", "http://a.example"],
        ["", "", "https://a.example:6443"],
        ["", "", "https://a.example/x"],
        ["", "", "https://b.example"],
        ["", "a", ""],
        ["config", "a", ""],
        ["config", "b", ""],
        [{"contexts": []}, "a", ""],
        ["", "", "https://["],
        ["", "", ""],
    ]
    assert len({target_digest(target) for target in targets}) == len(targets)


def test_all_spellings_of_a_path_have_one_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    paths = ["~/.kube/config", "/home/somebody/.kube/config", "/home/somebody/x/../.kube//config"]
    assert len({target_digest([path, "a", None]) for path in paths}) == 1


def test_a_digest_shows_nothing_of_a_kubeconfig() -> None:
    digest = target_digest([{"users": [{"user": {"token": "secret"}}]}, "", ""])
    assert len(digest) == 64
    assert "secret" not in digest


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"target_digest": target_digest}
