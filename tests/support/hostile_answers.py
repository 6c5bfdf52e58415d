# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong answers and what they are made of, for the behaviours of the hostile server (C(tests.support.hostile))."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.unit.plugins.helpers.server import plausible

# Seconds after which nothing more is sent.
LONGEST = 20.0
MIB = 1 << 20
_TICK = 0.1
# Set when the server ends.
ENDED = threading.Event()


class Asked(NamedTuple):
    """One request; C(path) is without the segment that names the behaviour."""

    method: str
    path: str
    query: str
    headers: str
    body: bytes

    @property
    def watches(self) -> bool:
        """Whether it asks for a stream."""
        return "watch=1" in self.query

    @property
    def answer(self) -> dict[str, Any]:
        """What an API server might answer."""
        return plausible(self.method, self.path, self.body)

    @property
    def lists(self) -> bool:
        """Whether it asks for a list."""
        return "items" in self.answer


# Sends an answer in pieces.
Behaviour = Callable[[Asked], Iterator[bytes]]
BEHAVIOURS: dict[str, Behaviour] = {}


def answered(name: str, answer: Callable[[Asked], bytes]) -> None:
    """An answer in one piece."""
    BEHAVIOURS[name] = lambda asked: iter([answer(asked)])


def head(status: str = "200 OK", headers: str = "", *, length: int | None = None) -> bytes:
    size = "" if length is None else f"Content-Length: {length}\r\n"
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{size}{headers}\r\n".encode("latin-1")


def whole(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return head(status, headers, length=len(body)) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


CHUNKED = head(headers="Transfer-Encoding: chunked\r\n")
# The metadata of an object.
STORED = {"name": "p", "namespace": "n", "uid": "1", "resourceVersion": "1"}


def fixed(name: str, body: bytes, status: str = "200 OK", headers: str = "") -> None:
    """The same answer to everything."""
    answered(name, lambda asked: whole(body, status, headers))


def raw(name: str, data: bytes) -> None:
    """The same bytes to everything, then the end of the connection."""
    answered(name, lambda asked: data)


def changed(name: str, change: Callable[[dict[str, Any], Asked], Any]) -> None:
    """A plausible answer with a change; on a stream an event with such an object."""

    def pieces(asked: Asked) -> Iterator[bytes]:
        if not asked.watches:
            yield whole(dumped(change(asked.answer, asked)))
            return
        item = {"kind": asked.answer["kind"].removesuffix("List"), "metadata": dict(STORED)}
        yield CHUNKED
        yield chunk(dumped({"type": "ADDED", "object": change(item, asked)}) + b"\n") + chunk(b"")

    BEHAVIOURS[name] = pieces


def dripped(begin: bytes, drop: bytes) -> Behaviour:
    def pieces(asked: Asked) -> Iterator[bytes]:
        yield begin
        while not ENDED.wait(_TICK):
            yield drop

    return pieces


def endless(begin: bytes, more: bytes) -> Behaviour:
    def pieces(asked: Asked) -> Iterator[bytes]:
        yield begin
        while True:
            yield more

    return pieces


def silent(asked: Asked) -> Iterator[bytes]:
    ENDED.wait(LONGEST)
    yield from ()


def once(make: Callable[[], Any]) -> Callable[[], Any]:
    """Make something large when it is first needed, also if several connections need it at once."""
    made: list[Any] = []
    making = threading.Lock()

    def get() -> Any:
        with making:
            if not made:
                made.append(make())
            return made[0]

    return get


def stuffed(name: str, stuffing: Callable[[], bytes]) -> None:
    """A plausible answer with something large in an unknown field."""
    stuff = once(stuffing)

    def pieces(asked: Asked) -> Iterator[bytes]:
        if asked.watches:
            yield CHUNKED + b"%x\r\n" % (64 * MIB)
        body = b'{"x":' + stuff() + b"," + dumped(asked.answer)[1:]
        yield body if asked.watches else whole(body)

    BEHAVIOURS[name] = pieces


def stored_items(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"metadata": {**STORED, "name": f"item-{first + number}"}} for number in range(count)]


def paged(asked: Asked, count: int, following: str) -> dict[str, Any]:
    answer = asked.answer
    if asked.lists and not asked.watches:
        return {**answer, "items": stored_items(count), "metadata": {**answer["metadata"], "continue": following}}
    return answer


def _metadata(answer: dict[str, Any], asked: Asked, **more: Any) -> dict[str, Any]:
    """The answer with other metadata of the object, of each item of a list, or of a document where it has none."""
    if "items" in answer:
        return {**answer, "items": [{"metadata": {**STORED, **more}}]}
    return {**answer, "gitVersion": 7, "kind": 7, "status": 7, "metadata": {**answer.get("metadata", {}), **more}} | (
        {"kind": answer["kind"]} if "metadata" in answer else {}
    )


def with_metadata(**more: Any) -> Callable[[dict[str, Any], Asked], Any]:
    return lambda answer, asked: _metadata(answer, asked, **more)


PAGE = b"<html><head><title>Login</title></head>\x1b[2J please log in </html>"
HTML = "Content-Type: text/html\r\n"


def page(name: str, status: str, body: bytes = PAGE, headers: str = HTML) -> None:
    """An answer of a proxy, gateway or virtual host."""
    start = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode("latin-1")
    raw(name, start + body)


def with_items(items: Any) -> Callable[[dict[str, Any], Asked], Any]:
    def change(answer: dict[str, Any], asked: Asked) -> Any:
        if asked.lists and not asked.watches:
            return {**answer, "items": items}
        return {**answer, "items": items, "metadata": {}, "kind": 7}

    return change


def without(field: str) -> Callable[[dict[str, Any], Asked], Any]:
    def change(answer: dict[str, Any], asked: Asked) -> Any:
        # The object of a dry run need not have them all.
        return _metadata(answer, asked, **{field: None, **({"finalizers": 7} if "dryRun" in asked.query else {})})

    return change


def echoed(name: str, answer: Callable[[str, Asked], bytes]) -> None:
    """Sends back what was sent."""

    def pieces(asked: Asked) -> Iterator[bytes]:
        line = next(line for line in asked.headers.splitlines() if line.lower().startswith("authorization:"))
        yield answer(line.partition(":")[2].strip(), asked)

    BEHAVIOURS[name] = pieces


def failure(message: str, **more: Any) -> bytes:
    return dumped({"kind": "Status", "status": "Failure", "message": message, **more})


def late(name: str, then: Behaviour) -> None:
    count = itertools.count()

    def pieces(asked: Asked) -> Iterator[bytes]:
        if next(count) >= 4:
            yield from then(asked)
        elif asked.watches:
            yield CHUNKED
            ENDED.wait(LONGEST)
        else:
            yield whole(dumped(asked.answer))

    BEHAVIOURS[name] = pieces
