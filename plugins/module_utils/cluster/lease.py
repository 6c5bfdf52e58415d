# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serialise runs that write to one cluster, with a Lease in the operator's namespace (coordination.k8s.io/v1).

A Lease that is not renewed expires. As in client-go's leader election, clocks of two machines are never compared: the
Lease has expired if it did not change for its own duration while this process watched it. If the holder was a process
of this machine that has ended, the Lease is free at once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ..errors import ApiError, ConductorError, NotReadyError
from ..names import INSTALL_LEASE, MANAGED_LABEL
from ..objects.fields import part, text, whole_number
from ..objects.resources import Key, path_of, resource_of
from .client import Cluster

# Seconds. Three renewals may fail before the lease ends.
DURATION = 15
_RENEW = 4.0
_STEP = "wait for other runs"
# Seconds for a request that renews the lease: later it would have expired.
_RENEWAL = 10.0
# So many rounds shorter than this many seconds are not delayed; then there are pauses, doubled up to the longest.
_RACES, _QUICK = 3, 1.0
_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
# Longer durations, in seconds, are not believed.
_LONGEST_DURATION = 3600
_RESOURCE = resource_of("coordination.k8s.io/v1", "Lease")


class Lease:
    """Hold the install lease while a C(with) block runs. A thread renews it; the end of the block releases it.

    Args:
        namespace: the operator's namespace; it must exist.
        patience: seconds to wait for another run to end.
        hopeful: try to create the Lease before reading it, because the namespace is new and probably has none.
        monotonic, identity: injected by tests.

    Raises, on entering:
        NotReadyError: another run holds the lease for longer than C(patience).
        ApiError, UnreachableError: the server failed.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        *,
        patience: float,
        hopeful: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        identity: str = "",
    ) -> None:
        # The holder that this run waited for, empty if there was none; and the error of the release.
        self.waited_for = ""
        self.not_released = ""
        # Whether this run created the Lease, so that no other run can have held it before.
        self.is_new = False
        self._uid = ""
        self._cluster = cluster
        self._key = Key("coordination.k8s.io/v1", "Lease", namespace, INSTALL_LEASE)
        self._patience = patience
        self._hopeful = hopeful
        self._monotonic = monotonic
        self._identity = identity or f"{this_process()} {secrets.token_hex(4)}"
        self._version = ""
        self._ended = threading.Event()
        self._lost = ""
        self._thread = threading.Thread(target=self._keep, name="renew lease", daemon=True)

    def __enter__(self) -> Lease:
        self._acquire()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._lost:
            return
        try:
            self._write({"holderIdentity": ""})
        except ConductorError as error:
            # The work is done; the Lease expires by itself, or was deleted with its namespace.
            if not (isinstance(error, ApiError) and error.status == 404):
                self.not_released = str(error)

    @property
    def lost(self) -> bool:
        """Return whether another run holds the lease now."""
        return bool(self._lost)

    @property
    def as_owner(self) -> dict[str, str]:
        """Return the owner reference to the Lease. An uninstall deletes it, and the server then what it owns."""
        return {
            "apiVersion": self._key.api_version,
            "kind": self._key.kind,
            "name": self._key.name,
            "uid": self._uid,
        }

    def require(self) -> None:
        """Fail if another run took the lease while this one was delayed.

        Raises:
            NotReadyError: names the other run.
        """
        if self._lost:
            raise NotReadyError(
                f"another run took the install lease: {self._lost}",
                step="hold the lease",
                subject=str(self._key),
                next_step="run this again when the other run has ended",
            )

    def _acquire(self) -> None:
        began = seen_since = self._monotonic()
        seen = ""
        if self._hopeful and self._created():
            return
        quick = 0
        while True:
            looked = self._monotonic()
            lease = self._cluster.find(path_of(self._key))
            now = self._monotonic()
            if lease is None:
                if self._created():
                    return
            else:
                self._version = text(lease, "metadata", "resourceVersion")
                if self._version != seen:
                    seen, seen_since = self._version, now
                ends = seen_since + _duration(lease)
                if now >= ends or is_free(lease):
                    if self._taken(lease):
                        return
                elif now >= began + self._patience:
                    raise self._held_up(lease)
                else:
                    self.waited_for = text(lease, "spec", "holderIdentity")
                    self._wait_for_change(min(ends, began + self._patience) - now)
            # Other runs may be quicker than this one, or a watch may end at once: again and again is no race any more.
            quick = 0 if self._monotonic() - looked >= _QUICK else quick + 1
            if quick > _RACES:
                if now >= began + self._patience:
                    raise self._held_up(lease or {})
                self._ended.wait(min(_PAUSE * 2 ** min(quick - _RACES, 10), _LONGEST_PAUSE))

    def _created(self) -> bool:
        manifest = {
            "apiVersion": self._key.api_version,
            "kind": self._key.kind,
            "metadata": {
                "name": INSTALL_LEASE,
                "namespace": self._key.namespace,
                "labels": {MANAGED_LABEL: "true"},
                "annotations": {"conductor.trainer/purpose": "one run of Conductor at a time"},
            },
            "spec": self._spec(),
        }
        try:
            self._note(self._cluster.create(manifest, step="take the lease"))
        except ApiError as error:
            if error.status == 409:
                return False
            raise
        self.is_new = True
        return True

    def _taken(self, lease: Mapping[str, Any]) -> bool:
        transitions = part(lease, "spec").get("leaseTransitions")
        count = transitions if isinstance(transitions, int) else 0
        try:
            self._write({**self._spec(), "leaseTransitions": count + 1})
        except ApiError as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    def _spec(self) -> dict[str, Any]:
        now = _now()
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION,
            "acquireTime": now,
            "renewTime": now,
        }

    def _write(self, spec: Mapping[str, Any]) -> None:
        """Change the Lease. Raise ApiError (409) if it changed since it was last read or written."""
        patch = [{"op": "replace", "path": "/metadata/resourceVersion", "value": self._version}]
        patch += [{"op": "add", "path": f"/spec/{name}", "value": value} for name, value in spec.items()]
        self._note(self._cluster.hurried(_RENEWAL).patch(self._key, patch, step="hold the lease"))

    def _note(self, written: Mapping[str, Any]) -> None:
        self._version, self._uid = (text(written, "metadata", name) for name in ("resourceVersion", "uid"))

    def _keep(self) -> None:
        """Renew the lease until the block ends. Retry after errors, except if another run took it."""
        while not self._ended.wait(_RENEW):
            try:
                self._write({"renewTime": _now()})
            except ApiError as error:
                if error.status in (404, 409):
                    self._lost = self._holder() or "its lease was deleted"
                    return
            except ConductorError:
                continue

    def _holder(self) -> str:
        try:
            return text(self._cluster.find(path_of(self._key)), "spec", "holderIdentity")
        except ConductorError as error:
            return str(error)

    def _wait_for_change(self, seconds: float) -> None:
        events = self._cluster.watch(
            _RESOURCE, self._key.namespace, self._version, max(1.0, seconds), metadata_only=True, name=INSTALL_LEASE
        )
        try:
            for event in events:
                if event.get("type") != "BOOKMARK":
                    return
        except ApiError as error:
            # 410 Gone: the version is too old to watch from. The caller reads the Lease again.
            if error.status != 410:
                raise

    def _held_up(self, lease: Mapping[str, Any]) -> NotReadyError:
        return NotReadyError(
            f"another run holds the install lease: {text(lease, 'spec', 'holderIdentity') or 'an unknown one'}, since "
            f"{text(lease, 'spec', 'acquireTime') or 'an unknown time'}; waited {self._patience:.0f} s",
            step=_STEP,
            subject=str(self._key),
            next_step=f"run this again when it has ended; the lease of a killed run expires after {DURATION} s",
        )


def is_free(lease: Mapping[str, Any]) -> bool:
    """Return whether nobody holds a Lease: it was released, or its holder is an ended process of this machine."""
    holder = text(lease, "spec", "holderIdentity")
    if not holder:
        return True
    where, _space, rest = holder.partition(" pid ")
    number = whole_number(rest.split(" ")[0])
    return where == _machine() and number is not None and not _runs(number)


def _duration(lease: Mapping[str, Any]) -> float:
    """Return the seconds after which a Lease expires."""
    seconds = part(lease, "spec").get("leaseDurationSeconds")
    return seconds if isinstance(seconds, int) and 0 < seconds <= _LONGEST_DURATION else DURATION


def this_process() -> str:
    """Return machine and process, for people to read and for C(is_free) to compare."""
    return f"{_machine()} pid {os.getpid()}"


def _machine() -> str:
    """Return a name for this machine and PID namespace: process ids are only comparable within one."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            space = stream.read() + os.readlink("/proc/self/ns/pid")
    except OSError:
        # Not Linux: the holder cannot be checked, so every run waits for the expiry.
        space = secrets.token_hex(16)
    return f"{socket.gethostname()}/{hashlib.sha256(space.encode()).hexdigest()[:8]}"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _now() -> str:
    """Return the current time in the format of a Lease (MicroTime)."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
