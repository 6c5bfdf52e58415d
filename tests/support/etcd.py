# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an etcd holds, taken and put back as a whole, by its JSON gateway (etcd.io/docs, gRPC gateway)."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = b"/registry/"
# Outside of what the API server looks at.
_LATER = b"/conductor/later"
# Written again and again by whoever is alive; neither kept nor put back.
_ALIVE = (b"/registry/leases/kube-", b"/registry/masterleases/", b"/registry/events/")
_PODS = b"/registry/pods/"
# They go before their pods when they are taken away, so that none makes new ones.
_OWNERS = (b"/registry/replicasets/", b"/registry/deployments/")


@dataclass(frozen=True)
class Snapshot:
    """Keys and values, as they were at one revision."""

    values: Mapping[bytes, bytes]


class Etcd:
    """One etcd on this machine, without TLS."""

    def __init__(self, port: int) -> None:
        self._port = port

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._ask("GET", "/health").get("health") == "true"
        except OSError:
            return False

    def snapshot(self) -> Snapshot:
        """Everything below C(PREFIX) but what changes all the time."""
        answer = self._ask("POST", "/v3/kv/range", {"key": _text(PREFIX), "range_end": _text(_after(PREFIX))})
        found = {
            base64.b64decode(pair["key"]): base64.b64decode(pair.get("value", "")) for pair in answer.get("kvs", [])
        }
        return Snapshot({key: value for key, value in found.items() if not key.startswith(_ALIVE)})

    def restore(self, wanted: Snapshot) -> list[bytes]:
        """Makes everything be as it was; the keys that were not so.

        The API server sees every change as a watch event, as it would see those of a second API server.
        """
        present = self.snapshot().values
        gone = [key for key in present if key not in wanted.values]
        put = [key for key, value in wanted.values.items() if present.get(key) != value]
        for owner in reversed(_OWNERS):
            self._transact(_deletions(key for key in gone if key.startswith(owner)))
        # Pods and their owners at once: the garbage collector takes a pod away whose owner it does not find, and a
        # ReplicaSet without its pods makes new ones. It takes the newest away again when it sees too many.
        for together in (False, True):
            self._transact(
                [
                    *_puts(wanted, (key for key in put if key.startswith((_PODS, *_OWNERS)) is together)),
                    *_deletions(
                        key for key in gone if key.startswith(_PODS) is together and not key.startswith(_OWNERS)
                    ),
                ]
            )
        # The server takes the events of one revision one after the other, and a read that begins meanwhile may see some
        # of them; a read after a later revision sees all.
        self._transact([{"requestPut": {"key": _text(_LATER), "value": ""}}])
        return gone + put

    def _transact(self, operations: list[dict[str, Any]]) -> None:
        if operations:
            self._ask("POST", "/v3/kv/txn", {"success": operations})

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise OSError(f"etcd answers {path} with {response.status}: {text.decode(errors='replace')[:500]}")
        answer: dict[str, Any] = json.loads(text)
        return answer


def _deletions(keys: Iterable[bytes]) -> list[dict[str, Any]]:
    return [{"requestDeleteRange": {"key": _text(key)}} for key in keys]


def _puts(wanted: Snapshot, keys: Iterable[bytes]) -> list[dict[str, Any]]:
    return [{"requestPut": {"key": _text(key), "value": _text(wanted.values[key])}} for key in keys]


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _after(prefix: bytes) -> bytes:
    return prefix[:-1] + bytes([prefix[-1] + 1])
