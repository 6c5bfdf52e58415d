# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands between a client and an API server, on the loopback interface: counts what passes, or makes the way longer."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_CHUNK = 65536
# Nothing else that passes looks like it: what is sent is JSON and YAML.
_REQUEST = re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE) /\S* HTTP/1\.1\r\n")
# Longer than the first line of any request.
_TAIL = 2048


@dataclass
class Counts:
    """What passed, in bytes of HTTP without TLS."""

    requests: int = 0
    sent: int = 0
    received: int = 0


class Relay:
    """One way to an API server.

    Args:
        port: where the server listens on this machine.
        tls: how to speak TLS with the server; clients then speak plain HTTP, and what passes can be counted. Without
            it everything passes as it is.
        round_trip: seconds it takes longer for a question to have its answer, and for a connection to be there.
    """

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, round_trip: float = 0.0) -> None:
        self.counts = Counts()
        self._port = port
        self._tls = tls
        self._delay = round_trip / 2
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def serving(self) -> Iterator[int]:
        """The port it listens on, while the context is open."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._connected, "127.0.0.1", 0), loop).result()
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(server), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _stop(self, server: asyncio.Server) -> None:
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Setting up a connection takes a round trip, which the loopback interface does not.
        await asyncio.sleep(2 * self._delay)
        name = "127.0.0.1" if self._tls else None
        there = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls, server_hostname=name)
        for source, sink, forth in ((reader, there[1], True), (there[0], writer, False)):
            task = asyncio.create_task(self._pour(source, sink, forth))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, forth: bool) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        later = asyncio.create_task(self._deliver(queue, sink))
        loop = asyncio.get_running_loop()
        tail = b""
        try:
            while data := await source.read(_CHUNK):
                if forth:
                    self.counts.sent += len(data)
                    matches = [match.end() for match in _REQUEST.finditer(tail + data)]
                    self.counts.requests += sum(end > len(tail) for end in matches)
                    tail = (tail + data)[-_TAIL:]
                else:
                    self.counts.received += len(data)
                queue.put_nowait((loop.time() + self._delay, data))
        except OSError:
            pass
        finally:
            queue.put_nowait((loop.time() + self._delay, b""))
            await later

    async def _deliver(self, queue: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                sink.close()
                return
            try:
                sink.write(data)
                await sink.drain()
            except OSError:
                return
