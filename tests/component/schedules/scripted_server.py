# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API servers whose every answer is scripted: the one fake that is needed, for what a real one will not do on demand.

They stand behind one address, as behind a load balancer: each connection reaches one of them by chance. What is stored
is the same for all; when a webhook is called, and whether it can be, is each one's own affair.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES, Key, Resource
from tests.component.schedules.schedule import LATEST, Schedule
from tests.component.schedules.world import ANSWERS, GOOD, Event
from tests.unit.plugins.helpers.builders import DENIAL
from tests.unit.plugins.helpers.loopback import Loopback, answer_json

_KINDS = {resource: key_kind for key_kind, resource in RESOURCES.items()}
# Seconds between two looks whether the end has come.
_TICK = 0.05
_LINGER_NOT = struct.pack("ii", 1, 0)


class Asked(NamedTuple):
    """One request that was answered: when (seconds from the start), what, and by which server."""

    seconds: float
    method: str
    path: str
    replica: int


class ScriptedServer(Loopback):
    """Serves one schedule, which begins as the context opens."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.asked: list[Asked] = []
        self.faults: list[tuple[float, str]] = []
        self._connections = itertools.count()
        self._streams = itertools.count()
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._began = 0.0
        super().__init__(type("Handler", (_Handler,), {"owner": self}))

    @property
    def now(self) -> float:
        """Seconds since the schedule began."""
        return time.monotonic() - self._began

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        super().__exit__()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    # -- for the handler -----------------------------------------------------------------------------------------

    def connected(self, connection: socket.socket) -> random.Random:
        """Keeps a new connection, to end it in the end; its chance."""
        with self._lock:
            self._open.add(connection)
            return self.schedule.dice(f"connection {next(self._connections)}")

    def disconnected(self, connection: socket.socket) -> None:
        """Forgets a connection."""
        with self._lock:
            self._open.discard(connection)

    def fault(self, what: str) -> None:
        """Keeps what goes wrong."""
        self.faults.append((self.now, what))

    def listed(self, resource: Resource, namespace: str, query: dict[str, str]) -> tuple[list[dict[str, Any]], int]:
        """The objects of a type that selectors mean, and the resourceVersion of the list."""
        objects, version = self.schedule.world.objects(self.now)
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        label = query.get("labelSelector", "").partition("=")[0]
        found = [
            item
            for key, item in objects.items()
            if _KINDS[resource] == key[:2]
            and namespace in ("", key.namespace)
            and name in ("", key.name)
            and (not label or label in (item["metadata"].get("labels") or {}))
        ]
        return found, version

    def found(self, resource: Resource, namespace: str, name: str) -> dict[str, Any] | None:
        """One object."""
        api_version, kind = _KINDS[resource]
        return self.schedule.world.objects(self.now)[0].get(Key(api_version, kind, namespace, name))

    def admits(self, replica: int, body: dict[str, Any]) -> tuple[int, Any]:
        """What a server answers to a dry run that webhooks look at."""
        world, now = self.schedule.world, self.now
        mutates = body["metadata"]["name"] == "good"
        if world.state(f"{'mutates' if mutates else 'validates'} {replica}", now) != GOOD:
            # This server does not know yet that there is a webhook.
            return 201, body
        name = "mutate.defaulter" if mutates else "validate.validator"
        answers = world.state(ANSWERS, now)
        if world.state(f"reaches {replica}", now) != GOOD or answers == "fails":
            return 500, f'failed calling webhook "{name}": failed to call webhook: connect: connection refused'
        if answers != GOOD:
            return 400, f'admission webhook "{name}" denied the request: it refuses everything'
        return (201, {**body, "spec": {"defaulted": True}}) if mutates else (400, DENIAL)

    def stream(self, resource: Resource, namespace: str, since: int) -> Iterator[bytes | None]:
        """The lines of a watch, in time; None where the connection is to be cut off."""
        dice = self.schedule.dice(f"stream {next(self._streams)}")
        held: Event | None = None
        for event in self.schedule.world.events:
            if (
                event.version <= since
                or _KINDS[resource] != event.key[:2]
                or namespace not in ("", event.key.namespace)
            ):
                continue
            if not self._pause_until(event.seconds + dice.uniform(0, self.schedule.delay)):
                return
            fault = dice.choice(self.schedule.stream_faults) if dice.random() < self.schedule.share else ""
            if fault:
                self.fault(fault)
            if fault == "gone":
                status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                yield _line({"type": "ERROR", "object": status})
                return
            if fault == "silent":
                self._pause_until(float("inf"))
                return
            if fault == "closed":
                return
            if fault == "cut":
                yield _line(_told(event))[:-9]
                yield None
                return
            if fault == "swapped" and held is None:
                held = event
                continue
            if fault != "lost":
                yield _line(_told(event))
            if fault == "twice":
                yield _line(_told(event))
            if held:
                yield _line(_told(held))
                held = None
        if held:
            yield _line(_told(held))
        self._pause_until(float("inf"))

    def _pause_until(self, seconds: float) -> bool:
        """Whether that time comes before the end."""
        while (left := seconds - self.now) > 0:
            if self._ended.wait(min(left, _TICK)):
                return False
        return not self._ended.is_set()


class _Handler(BaseHTTPRequestHandler):
    owner: ScriptedServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._dice = self.owner.connected(self.connection)
        self._replica = self._dice.randrange(self.owner.schedule.world.replicas)

    def finish(self) -> None:
        self.owner.disconnected(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        # The client, or the end, may close a connection at any time.
        with contextlib.suppress(OSError):
            super().handle()

    def answer(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        owner = self.owner
        if owner.now < LATEST and self._dice.random() < owner.schedule.failing:
            self._fail()
            return
        if self.command == "POST":
            status, content = owner.admits(self._replica, json.loads(raw))
            self._send(status, content)
        elif self.command == "PATCH":
            self._send(200, {"metadata": {"name": "touched"}})
        else:
            self._get(url.path, query)
        owner.asked.append(Asked(owner.now, self.command, url.path, self._replica))

    do_GET = do_PATCH = do_POST = answer  # noqa: N815

    def _get(self, path: str, query: dict[str, str]) -> None:
        resource, namespace, name = _located(path)
        if query.get("watch"):
            self._watch(resource, namespace, int(query["resourceVersion"]))
        elif name:
            item = self.owner.found(resource, namespace, name)
            self._send(200, item) if item else self._send(404, f"{name} not found")
        else:
            items, version = self.owner.listed(resource, namespace, query)
            if "PartialObjectMetadata" in (self.headers.get("Accept") or ""):
                items = [{"metadata": item["metadata"]} for item in items]
            self._send(200, {"items": items, "metadata": {"resourceVersion": str(version)}})

    def _watch(self, resource: Resource, namespace: str, since: int) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        for line in self.owner.stream(resource, namespace, since):
            if line is None:
                self._reset()
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _fail(self) -> None:
        fault = self._dice.choice(("429", "503", "reset"))
        self.owner.fault(fault)
        if fault == "reset":
            self._reset()
        else:
            self._send(int(fault), "not now")

    def _reset(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.connection.close()

    def _send(self, status: int, content: Any) -> None:
        if isinstance(content, str):
            content = {"kind": "Status", "status": "Failure", "code": status, "message": content}
        answer_json(self, status, content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keeps the output of the tests clean."""


def _told(event: Event) -> dict[str, Any]:
    return {"type": event.kind, "object": event.item}


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _located(path: str) -> tuple[Resource, str, str]:
    """Which type, namespace and name a path means."""
    for resource in RESOURCES.values():
        if not path.startswith(f"{resource.root}/"):
            continue
        rest = path[len(resource.root) + 1 :].split("/")
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        if rest[0] == resource.plural and (resource.namespaced or not namespace):
            return resource, namespace, rest[1] if len(rest) > 1 else ""
    raise ValueError(path)
