# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `up` has to do about a cluster, decided from what was seen of it."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from pathlib import Path


class Step(enum.Enum):
    """The next thing to do."""

    REUSE = "reuse"
    WAIT = "wait"
    START = "start"
    CREATE = "create"
    RECREATE = "recreate"


@dataclass(frozen=True)
class Seen:
    """What was seen of a cluster before anything was done."""

    exists: bool
    running: bool = False
    healthy: bool = False
    interrupted: bool = False
    """An earlier `up` began to create it and did not come to its end."""


def decide(seen: Seen) -> tuple[Step, str]:
    """The next step and the sentence that says why."""
    if not seen.exists:
        return Step.CREATE, "there is no such cluster yet"
    if seen.interrupted:
        return Step.RECREATE, "an earlier `up` of it was interrupted"
    if seen.healthy:
        return Step.REUSE, "it is healthy"
    if seen.running:
        return Step.WAIT, "its node runs but is not healthy"
    return Step.START, "its node is stopped"


def after_waiting(healthy: bool, address_then: str, address_now: str) -> tuple[Step, str]:
    """The next step for a node that was started again or waited for.

    etcd and the API server are bound to the address that the node had when it was made; Docker may have given it
    another one (both are empty texts where they are not known).
    """
    if address_then and address_now and address_then != address_now:
        return Step.RECREATE, f"its node came back with the address {address_now} instead of {address_then}"
    if healthy:
        return Step.REUSE, "it is healthy again"
    return Step.RECREATE, "its node does not become healthy"


@dataclass(frozen=True)
class Record:
    """What is remembered about a cluster that this clone made."""

    complete: bool
    """False while it is being created."""
    image: str
    kubernetes: str
    address: str = ""

    def write(self, file: Path) -> None:
        """Writes the record, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(file.name + ".partial")
        partial.write_text(json.dumps(self.__dict__, indent=1) + "\n")
        partial.replace(file)


def read_record(file: Path) -> Record | None:
    """The record in ``file``, or None where there is none that can be read."""
    try:
        data = json.loads(file.read_text())
        return Record(bool(data["complete"]), str(data["image"]), str(data["kubernetes"]), str(data["address"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
