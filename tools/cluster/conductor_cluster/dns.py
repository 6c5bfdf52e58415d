# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a DNS query over TCP from inside a node, to prove that CoreDNS answers through its Service and kube-proxy."""

from __future__ import annotations

import struct

from . import docker
from .errors import CommandFailed

NAME = "kubernetes.default.svc.cluster.local"
QUERY_ID = 0x1234
# bash opens the connection, so a node image needs no DNS tools. The answer's length and header are 14 bytes.
SCRIPT = 'exec 3<>"/dev/tcp/$1/53"; cat >&3; head --bytes=14 <&3'


def query(name: str) -> bytes:
    """Return a query for the IPv4 addresses of ``name``, in the format for TCP (RFC 1035, 4.1 and 4.2.2)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = struct.pack("!6H", QUERY_ID, 0x0100, 1, 0, 0, 0)
    message = header + labels + b"\0" + struct.pack("!2H", 1, 1)
    return struct.pack("!H", len(message)) + message


def is_answer(reply: bytes) -> bool:
    """Return whether the first 14 bytes of ``reply`` answer our query without error and with at least one record."""
    if len(reply) < 14:
        return False
    _, identity, flags, _, answers = struct.unpack("!5H", reply[:10])
    is_response, code = flags >> 15, flags & 0xF
    return bool(identity == QUERY_ID and is_response and code == 0 and answers > 0)


def answers(node: str, address: str, seconds: int = 1) -> bool:
    """Return whether the DNS server at ``address`` answers a query from inside ``node`` within ``seconds``."""
    command = ["timeout", str(seconds), "bash", "-c", SCRIPT, "bash", address]
    try:
        return is_answer(docker.execute(node, command, stdin=query(NAME), timeout=seconds + 10))
    except CommandFailed:
        return False
