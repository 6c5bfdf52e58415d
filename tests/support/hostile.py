# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers in every wrong way: slowly, without end, with something else than was asked for.

The first segment of a path chooses the behaviour, so one server, in a process of its own, has all of them. What it
sends is bounded, too: nothing goes on after C(LONGEST) seconds or C(_MOST) bytes.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

from tests.support.hostile_answers import (
    BEHAVIOURS,
    CHUNKED,
    ENDED,
    HTML,
    LONGEST,
    MIB,
    PAGE,
    STORED,
    Asked,
    answered,
    changed,
    chunk,
    dripped,
    dumped,
    echoed,
    endless,
    failure,
    fixed,
    head,
    late,
    once,
    page,
    paged,
    raw,
    silent,
    stored_items,
    stuffed,
    whole,
    with_items,
    with_metadata,
    without,
)

TOKEN = "planted-bearer-token-0123456789"  # noqa: S105
_MOST = 320 << 20
_NO_LINGER = struct.pack("ii", 1, 0)
_CONTROLS = "\x1b[2J\x1b]0;owned\x07\r\nok: [localhost] => forged \x9b1m\u202e\x00\x7f"


# -- slow, and without end -------------------------------------------------------------------------------------------

_PLENTY = b" " * 65536

BEHAVIOURS["silent"] = silent
BEHAVIOURS["slow status"] = dripped(b"HTTP/1.1 200 ", b"O")
BEHAVIOURS["slow headers"] = dripped(b"HTTP/1.1 200 OK\r\nX-A: ", b"a")
BEHAVIOURS["slow header lines"] = dripped(b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n")
BEHAVIOURS["slow body"] = dripped(head(length=100_000), b" ")
BEHAVIOURS["slow chunks"] = dripped(CHUNKED, b"1\r\n \r\n")
BEHAVIOURS["slow chunk size"] = dripped(CHUNKED, b"0")
BEHAVIOURS["slow chunk extension"] = dripped(CHUNKED + b"1;", b"x")
BEHAVIOURS["slow trailer"] = dripped(CHUNKED + chunk(b"{}") + b"0\r\n", b"T: t\r\n")
BEHAVIOURS["slow body until the end"] = dripped(head(), b" ")
BEHAVIOURS["slow failure"] = dripped(head("403 Forbidden", length=100_000), b" ")
BEHAVIOURS["slow informational"] = dripped(b"", b"HTTP/1.1 100 Continue\r\n\r\n")
BEHAVIOURS["endless informational"] = endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
BEHAVIOURS["endless processing"] = endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)
BEHAVIOURS["endless header"] = endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 65536)
BEHAVIOURS["endless headers"] = endless(b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n" * 1000)
BEHAVIOURS["endless status"] = endless(b"HTTP/1.1 200 ", b"O" * 65536)
BEHAVIOURS["endless chunk extension"] = endless(CHUNKED + b"1;", b"x" * 65536)
BEHAVIOURS["endless chunk extensions"] = endless(CHUNKED, (b"1;" + b"x" * 9000 + b"\r\n \r\n") * 8)
BEHAVIOURS["endless trailer"] = endless(CHUNKED + chunk(b"{}") + b"0\r\nT: ", b"t" * 65536)
BEHAVIOURS["endless trailers"] = endless(CHUNKED + chunk(b"{}") + b"0\r\n", b"T: t\r\n" * 1000)
BEHAVIOURS["endless small chunks"] = endless(CHUNKED, b"1\r\n \r\n" * 1000)
answered("1000 headers", lambda asked: whole(dumped(asked.answer), headers="X-A: a\r\n" * 1000))

# -- large -----------------------------------------------------------------------------------------------------------

LARGE = [
    "blanks in chunks",
    "blanks",
    "blanks until the end",
    "gzip bomb",
    "gzip in gzip",
    "large failure",
    "gzip bomb as failure",
    "many objects",
    "many items",
    "many numbers",
    "many keys",
    "wide characters",
    "endless pages",
    "endless empty pages",
    "endless events",
    "endless event",
    "long names",
    "long messages",
    "long status",
    "long texts",
]

BEHAVIOURS["blanks in chunks"] = endless(CHUNKED, chunk(_PLENTY))
BEHAVIOURS["blanks"] = endless(head(length=300 * MIB), _PLENTY)
BEHAVIOURS["blanks until the end"] = endless(head(), _PLENTY)
BEHAVIOURS["large failure"] = endless(head("403 Forbidden", length=300 * MIB), _PLENTY)
_GZIP = "Content-Encoding: gzip\r\n"


def _zipped_blanks() -> bytes:
    packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    pieces = [packer.compress(b'{"a":"'), *(packer.compress(b" " * MIB) for _number in range(300)), packer.flush()]
    return b"".join(pieces)


_bomb = once(_zipped_blanks)


answered("gzip bomb", lambda asked: whole(_bomb(), headers=_GZIP))
answered("gzip in gzip", lambda asked: whole(gzip.compress(_bomb()), headers="Content-Encoding: gzip, gzip\r\n"))
answered("gzip bomb as failure", lambda asked: whole(_bomb(), "403 Forbidden", _GZIP))


stuffed("many objects", lambda: b"[" + b"{}," * (7 * MIB) + b"{}]")
stuffed("many numbers", lambda: b"[" + b"1000," * (5 * MIB) + b"1]")
stuffed("many keys", lambda: b"{" + b",".join(b'"%d":0' % number for number in range(1_500_000)) + b"}")
stuffed("wide characters", lambda: b'["' + "\U0001f600".encode() * (7 * MIB) + b'"]')
stuffed("long texts", lambda: b'["' + b"x" * (6 * MIB) + b'"]')


_many = once(lambda: stored_items(200_000))
changed("many items", lambda answer, asked: {**answer, "items": _many()} if asked.lists else 1)


_counter = iter(range(10**9))
changed("endless pages", lambda answer, asked: paged(asked, 500, f"page-{next(_counter)}") if asked.lists else 1)
changed("endless empty pages", lambda answer, asked: paged(asked, 0, f"page-{next(_counter)}") if asked.lists else 1)
changed("repeating pages", lambda answer, asked: paged(asked, 5, "same") if asked.lists else 1)


def _endless_events(asked: Asked) -> Iterator[bytes]:
    if not asked.watches:
        yield whole(b"7")
        return
    yield CHUNKED
    for number in range(10**9):
        metadata = {**STORED, "name": f"p{number}", "uid": str(number), "annotations": {"a": "x" * 2000}}
        line = dumped({"type": "ADDED", "object": {"kind": "Pod", "metadata": metadata}}) + b"\n"
        yield chunk(line)


BEHAVIOURS["endless events"] = _endless_events
BEHAVIOURS["endless event"] = endless(CHUNKED, chunk(b'{"type":"ADDED","object":{"a":"' + b"x" * 65536))


changed("long names", with_metadata(name="n" * 10_000_000))
fixed("long messages", failure("m" * 10_000_000), "403 Forbidden")
fixed("long status", failure("m" * 10_000_000, code=200))

# -- broken connections ----------------------------------------------------------------------------------------------

raw("nothing", b"")
raw("half a status line", b"HTTP/1.1 20")
raw("no status line", b"\x00\x01\x02 garbage \xff\r\n\r\n")
raw("HTTP/0.9", b"<html>hello</html>")
raw("HTTP/9.9", b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}")
raw("status 999", whole(b"{}", "999 Odd"))
raw("status 000", whole(b"{}", "000 Odd"))
raw("status without number", whole(b"{}", "OK"))
raw("SSH", b"SSH-2.0-OpenSSH_9.2\r\n")
raw("cut in headers", b"HTTP/1.1 200 OK\r\nContent-Ty")
raw("cut in body", head(length=1000) + b'{"kind":')
raw("cut in chunk", CHUNKED + b"100\r\n{")
raw("chunk size is none", CHUNKED + b"zz\r\n{}\r\n")
raw("negative chunk size", CHUNKED + b"-1\r\n{}\r\n")
raw("reset", b"RESET")
BEHAVIOURS["long Content-Length"] = lambda asked: iter([head(length=10_000) + dumped(asked.answer), b"", b"WAIT"])
answered("short Content-Length", lambda asked: head(length=9) + dumped(asked.answer))
raw("negative Content-Length", head(length=-5) + b"{")
raw("odd Content-Length", head(headers="Content-Length: \xb2\r\n") + b"{")
raw("two Content-Lengths", head(headers="Content-Length: 2\r\nContent-Length: 5\r\n") + b"{}{}{")
raw("early hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole(b"7"))
raw("switching protocols", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")

# -- a proxy, a gateway or another program ----------------------------------------------------------------------------

for _status in ("200 OK", "400 Bad", "401 No", "403 No", "404 No", "405 No", "407 Proxy", "409 No", "410 Gone"):
    page(f"page {_status[:3]}", _status)
for _status in ("422 No", "429 Slow", "500 No", "502 Bad", "503 No", "504 Late", "511 Login"):
    page(f"page {_status[:3]}", _status)
page("text 404", "404 Not Found", b"404 page not found\n", "Content-Type: text/plain\r\n")
page("empty 404", "404 Not Found", b"")
page("kong 404", "404 Not Found", b'{"message":"no Route matched with those values"}', "")
page("spring 404", "404 Not Found", b'{"status":404,"error":"Not Found","path":"/x"}', "")
page("grpc 404", "404 Not Found", b'{"code":5,"message":"Not Found","details":[]}', "")
page("rancher 404", "404 Not Found", b'{"type":"error","status":"404","code":"NotFound"}', "")
page("404 Status of nothing", "404 Not Found", b'{"kind":"Status"}', "")
page("null 404", "404 Not Found", b"null", "")
page("contradicting 404", "404 Not Found", b'{"kind":"Status","status":"Success","code":200}', "")
page("forbidden as 404", "404 Not Found", b'{"kind":"Status","status":"Failure","code":403}', "")
page("page 404 with an audit id", "404 Not Found", PAGE, HTML + "Audit-Id: 1\r\n")
for _status in (
    "300 Multiple",
    "301 Moved",
    "302 Found",
    "303 Other",
    "304 Same",
    "305 Proxy",
    "307 Moved",
    "308 Moved",
):
    fixed(f"redirect {_status[:3]}", b"{}", _status, "Location: /elsewhere\r\n")
fixed("redirect without Location", b"{}", "302 Found")
answered("redirect with an answer", lambda asked: whole(dumped(asked.answer), "302 Found"))
raw("no content", b"HTTP/1.1 204 No Content\r\n\r\n")
raw("reset content", b"HTTP/1.1 205 Reset Content\r\n\r\n")
answered("partial content", lambda asked: whole(dumped(asked.answer), "206 Partial"))
answered("not authoritative", lambda asked: whole(dumped(asked.answer), "203 Other"))

# -- no JSON ---------------------------------------------------------------------------------------------------------

for _name, _body in {
    "empty": b"",
    "blank": b"   \n",
    "null": b"null",
    "number": b"7",
    "text": b'"text"',
    "list": b"[]",
    "true": b"true",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "large exponent": b'{"a":1e999}',
    "long number": b'{"a":' + b"9" * 1_000_000 + b"}",
    "same key": b'{"kind":"A","kind":"B"}',
    "UTF-8": b'{"a":"\xff\xfe"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "BOM": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "cut off": b'{"kind":"PodList","items":[{"metadata":{"na',
    "two documents": b'{"a":1}{"b":2}',
    "two lines": b'{"a":1}\n{"b":2}\n',
    "garbage behind": b'{"a":1} trailing',
    "single quotes": b"{'a': 1}",
    "comment": b'{"a":1 /* x */}',
    "YAML": b"kind: Pod\nmetadata: {}\n",
    "raw control character": b'{"a":"\x1b[2J"}',
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "300 levels": b'{"a":' * 300 + b"1" + b"}" * 300,
}.items():
    fixed(_name, _body)
fixed("lone surrogate", b'{"kind":"\\ud800"}')
fixed("gzip that is none", b'{"a":1}', headers=_GZIP)
fixed("cut off gzip", gzip.compress(b'{"a":1}' * 100)[:-12], headers=_GZIP)
fixed("gzip and garbage", gzip.compress(b'{"a":1}') + b"garbage", headers=_GZIP)
for _encoding in ("br", "deflate", "zstd", "compress", "\x1b[2J"):
    fixed(f"encoding {_encoding!r}", b"{}", headers=f"Content-Encoding: {_encoding}\r\n")

# -- another shape ---------------------------------------------------------------------------------------------------

changed("empty object", lambda answer, asked: {"a": 1})
changed("Status of failure", lambda answer, asked: {"kind": "Status", "status": "Failure", "code": 404, "reason": "x"})
changed("Status without status", lambda answer, asked: {"kind": "Status", "apiVersion": "v1"})
changed("Status of odd types", lambda answer, asked: {"kind": "Status", "status": 7, "message": [], "details": 1})
changed("kind is a list", lambda answer, asked: {**answer, "kind": ["Pod"], "gitVersion": 1})
changed("another kind", lambda answer, asked: {**answer, "kind": "Sheep", "gitVersion": None})
changed("metadata 7", lambda answer, asked: {**answer, "metadata": 7, "gitVersion": 7, "kind": 7})


_ODD_ITEMS: list[Any] = [1, {}, "text", True, [1], [None], [[]], [{}], [{"metadata": {}}], [{"metadata": {"name": 1}}]]
for _odd in _ODD_ITEMS:
    changed(f"items {json.dumps(_odd)}", with_items(_odd))


for _field, _value in {
    "name": 7,
    "uid": {},
    "namespace": [],
    "resourceVersion": 7,
    "labels": [],
    "annotations": {"a": 1},
    "ownerReferences": {},
    "managedFields": [1],
    "finalizers": "x",
    "deletionTimestamp": 1,
    "creationTimestamp": {},
}.items():
    changed(f"{_field} {json.dumps(_value)}", with_metadata(**{_field: _value}))
for _field in ("uid", "resourceVersion", "namespace", "name"):
    changed(f"no {_field}", without(_field))
changed("empty name", with_metadata(name=""))
changed("another namespace", with_metadata(namespace="elsewhere"))
changed("another name", with_metadata(name="else", uid=7))

# -- when to come again, and what was sent ---------------------------------------------------------------------------

for _name in ("\xb2", "1000000000", "-1", "1.5", "1e3", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 400, " ", "0", "\x00"):
    page(f"Retry-After {_name[:12]!r}", "429 Slow", PAGE, f"Retry-After: {_name}\r\n")
_ODD_SECONDS: list[Any] = ["x", True, -1, 10**30, 1.5, [], {}]
for _seconds in _ODD_SECONDS:
    _busy = {"kind": "Status", "status": "Failure", "message": "busy", "details": {"retryAfterSeconds": _seconds}}
    fixed(f"retryAfterSeconds {str(_seconds)[:8]}", dumped(_busy), "503 Busy")
_ODD_DETAILS: list[Any] = [1, "x", [], {"causes": 1}, {"causes": [1, {"message": 7}]}]
for _odd_details in _ODD_DETAILS:
    _refused = {"kind": "Status", "status": "Failure", "message": None, "reason": [], "details": _odd_details}
    fixed(f"details {json.dumps(_odd_details)}", dumped(_refused), "422 No")


echoed("echo in a Status", lambda sent, asked: whole(failure(f"no {sent}", reason=sent), "403 Forbidden"))
echoed(
    "echo in causes",
    lambda sent, asked: whole(failure("no", details={"causes": [{"message": sent, "field": sent}]}), "409 Conflict"),
)
echoed("echo in a page", lambda sent, asked: whole(b"<html>" + sent.encode(), "403 Forbidden"))
echoed("echo behind much", lambda sent, asked: whole(b"x" * 85 + sent.encode()))
echoed("echo in JSON", lambda sent, asked: whole(dumped({"kind": sent, "metadata": sent, "items": sent})))
echoed(
    "echo with escapes",
    lambda sent, asked: whole(
        b'{"kind":"Status","message":"' + "".join(f"\\u{ord(one):04x}" for one in sent).encode() + b'"}',
        "403 Forbidden",
    ),
)
echoed("echo in the status line", lambda sent, asked: f"HTTP/1.1 {sent}\r\n\r\n".encode())
echoed("echo as status line", lambda sent, asked: f"{sent}\r\n\r\n".encode())
echoed("echo as encoding", lambda sent, asked: whole(b"{}", headers=f"Content-Encoding: {sent}\r\n"))
echoed("echo as Retry-After", lambda sent, asked: whole(b"{}", "429 Slow", f"Retry-After: {sent}\r\n"))
echoed("echo as Location", lambda sent, asked: whole(b"{}", "302 Found", f"Location: https://{sent}/\r\n"))
echoed("echo as chunk size", lambda sent, asked: CHUNKED + f"{sent}\r\n".encode())
fixed("controls in a Status", failure(_CONTROLS, reason=_CONTROLS), "403 Forbidden")
fixed("controls in a page", _CONTROLS.encode(), "502 Bad")
changed("controls in a kind", lambda answer, asked: {"kind": _CONTROLS, "metadata": _CONTROLS, "items": _CONTROLS})
raw("controls as status line", _CONTROLS.encode() + b"\r\n\r\n")


# -- right at first --------------------------------------------------------------------------------------------------

# One for each module, because they count.
LATE = [f"{what} from the fifth answer on {number}" for what in ("slow", "silent", "page") for number in range(8)]


for _name in LATE:
    _kind = _name.partition(" ")[0]
    late(_name, BEHAVIOURS[{"slow": "slow body", "silent": "silent", "page": "page 502"}[_kind]])


# -- the server ------------------------------------------------------------------------------------------------------


def _asked(stream: Any) -> tuple[str, Asked] | None:
    line = stream.readline(1 << 20).decode("latin-1")
    if not line:
        return None
    headers = b""
    while (one := stream.readline(1 << 20)) not in (b"\r\n", b""):
        headers += one
    shown = headers.decode("latin-1")
    length = next(
        (int(one.partition(":")[2]) for one in shown.splitlines() if one.lower().startswith("content-length:")), 0
    )
    method, target, _version = line.split(" ", 2)
    path, _question, query = target.partition("?")
    number, _slash, rest = path.lstrip("/").partition("/")
    return list(BEHAVIOURS)[int(number)], Asked(method, f"/{rest}", query, shown, stream.read(length))


def _serve(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as stream:
        try:
            while found := _asked(stream):
                if not _send(connection, *found):
                    return
        except OSError:
            # The client has enough.
            return


def _send(connection: socket.socket, name: str, asked: Asked) -> bool:
    """Send an answer; return whether the connection stays open."""
    began, sent = time.monotonic(), 0
    for piece in BEHAVIOURS[name](asked):
        if piece == b"RESET":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            return False
        if piece == b"WAIT":
            ENDED.wait(LONGEST)
            return False
        connection.sendall(piece)
        sent += len(piece)
        if time.monotonic() - began > LONGEST or sent > _MOST:
            return False
    # Changed answers are well-formed HTTP, so that a client may go on, e.g. with the next page.
    return "page" in name


def number_of(name: str) -> int:
    """The first segment of the path of a behaviour."""
    return list(BEHAVIOURS).index(name)


def main() -> None:
    """Serve until standard input ends; the first line of the output is the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    ENDED.set()


if __name__ == "__main__":
    main()
