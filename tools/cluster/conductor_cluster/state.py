# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what `up` must do about a cluster, and remember what it did."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass
from pathlib import Path


class Step(enum.Enum):
    """The next step."""

    REUSE = "reuse"
    WAIT = "wait"
    START = "start"
    CREATE = "create"
    RECREATE = "recreate"


@dataclass(frozen=True)
class Seen:
    """The state of a cluster before any change."""

    exists: bool
    running: bool = False
    healthy: bool = False
    interrupted: bool = False
    """An earlier `up` began to create it and did not finish."""


def decide(seen: Seen) -> tuple[Step, str]:
    """Return the next step and the reason."""
    if not seen.exists:
        return Step.CREATE, "the cluster does not exist"
    if seen.interrupted:
        return Step.RECREATE, "an earlier `up` was interrupted"
    if seen.healthy:
        return Step.REUSE, "the cluster is healthy"
    if seen.running:
        return Step.WAIT, "its node is running but not healthy"
    return Step.START, "its node is stopped"


def after_waiting(healthy: bool, address_then: str, address_now: str) -> tuple[Step, str]:
    """Return the next step for a node that was restarted or waited for, and the reason.

    etcd and the API server are bound to the address that the node had when it was created. Docker may have assigned
    another one. Both addresses are empty if unknown.
    """
    if address_then and address_now and address_then != address_now:
        return Step.RECREATE, f"its node came back with the address {address_now} instead of {address_then}"
    if healthy:
        return Step.REUSE, "the cluster is healthy again"
    return Step.RECREATE, "its node does not become healthy"


@dataclass(frozen=True)
class Record:
    """The record of a cluster that this clone created."""

    complete: bool
    """False while the cluster is being created."""
    image: str
    kubernetes: str
    address: str = ""

    def write(self, file: Path) -> None:
        """Write the record atomically."""
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(file.name + ".partial")
        partial.write_text(json.dumps(asdict(self), indent=1) + "\n")
        partial.replace(file)


def read_record(file: Path) -> Record | None:
    """Return the record in ``file``, or None if it is missing or invalid."""
    try:
        data = json.loads(file.read_text())
        return Record(bool(data["complete"]), str(data["image"]), str(data["kubernetes"]), str(data["address"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
