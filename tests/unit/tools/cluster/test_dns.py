# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct

import pytest

from conductor_cluster import dns


def _reply(identity: int = dns.QUERY_ID, flags: int = 0x8580, answers: int = 1) -> bytes:
    return struct.pack("!7H", 100, identity, flags, 1, answers, 0, 0)


def test_the_question_is_what_rfc_1035_says() -> None:
    message = dns.query("ab.c")
    assert struct.unpack("!H", message[:2])[0] == len(message) - 2
    assert message[2:14] == bytes.fromhex("1234 0100 0001 0000 0000 0000")
    assert message[14:] == b"\x02ab\x01c\x00" + bytes.fromhex("0001 0001")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (_reply(), True),
        (_reply(flags=0x8583), False),
        (_reply(flags=0x8182), False),
        (_reply(flags=0x0100), False),
        (_reply(answers=0), False),
        (_reply(identity=1), False),
        (_reply()[:13], False),
        (b"", False),
    ],
    ids=["answer", "no such name", "server failure", "a question", "no record", "another's", "cut off", "nothing"],
)
def test_an_answer_is_recognized(reply: bytes, expected: bool) -> None:
    assert dns.is_answer(reply) is expected
