# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct

import pytest

from conductor_cluster import docker, lifecycle
from conductor_cluster.lifecycle import QUERY, dns_answers, node_problem
from conductor_cluster.process import CommandFailed


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        ("True kubelet is posting ready status", ""),
        ("True ", ""),
        ("False container runtime network not ready: cni plugin", "container runtime network not ready: cni plugin"),
        ("Unknown Kubelet stopped posting node status.", "Kubelet stopped posting node status."),
        ("Unknown ", "Unknown"),
        ("", "it has not registered"),
    ],
)
def test_what_is_wrong_with_a_node(ready: str, expected: str) -> None:
    assert node_problem(ready) == expected


@pytest.mark.parametrize(
    ("api", "ready", "dns", "expected"),
    [
        ("ok", "True x", True, ["", "", ""]),
        (None, "", True, ["connection refused", "unknown", "unknown"]),
        ("ok", "Unknown ", True, ["", "Unknown", ""]),
        ("ok", "True x", False, ["", "", "does not answer"]),
    ],
)
def test_all_parts_have_to_be_well(
    monkeypatch: pytest.MonkeyPatch, api: str | None, ready: str, dns: bool, expected: list[str]
) -> None:
    def kubectl(_name: str, *arguments: str, timeout: float = 0) -> bytes:
        if api is None:
            raise CommandFailed("kubectl", "E1130 retrying\nconnection refused\n")
        return ready.encode()

    monkeypatch.setattr(lifecycle, "kubectl", kubectl)
    monkeypatch.setattr(lifecycle, "dns_answers", lambda *_: dns)
    assert lifecycle.problems("a") == dict(zip(["API server", "node", "CoreDNS"], expected, strict=True))
    said = lifecycle.wait_until_healthy("a", -1)
    assert [problem for problem in expected if problem not in said] == []
    assert bool(said) is any(expected)


def _reply(flags: int = 0x8580, records: int = 1) -> bytes:
    return struct.pack("!7H", 100, 0x1234, flags, 1, records, 0, 0)


def test_the_question_is_what_rfc_1035_says() -> None:
    assert struct.unpack("!H", QUERY[:2])[0] == len(QUERY) - 2
    assert QUERY[2:14] == bytes.fromhex("1234 0100 0001 0000 0000 0000")
    labels = b"".join(bytes([len(label)]) + label for label in b"kubernetes.default.svc.cluster.local.".split(b"."))
    assert QUERY[14:] == labels + bytes.fromhex("0001 0001")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (_reply(), True),
        (_reply(records=256), True),
        (_reply(flags=0x8583), False),
        (_reply(flags=0x8182), False),
        (_reply(records=0), False),
        (_reply()[:13], False),
        (b"", False),
    ],
    ids=["answer", "many", "no such name", "failure", "no record", "cut off", "nothing"],
)
def test_an_answer_is_recognized(monkeypatch: pytest.MonkeyPatch, reply: bytes, expected: bool) -> None:
    monkeypatch.setattr(lifecycle, "kubectl", lambda *_: b"10.96.0.10")
    monkeypatch.setattr(docker, "execute", lambda *_, stdin: reply if stdin == QUERY else b"")
    assert dns_answers("a") is expected
