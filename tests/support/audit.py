# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds in an API server's audit log what a client wrote.

``python -m tests.support.audit CLUSTER --since TIME [--user NAME]`` prints a JSON list, one entry for each write.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

WRITING_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})
# "create" of these asks a question (may I?, who am I?) and stores nothing.
QUESTIONS = frozenset({"authorization.k8s.io", "authentication.k8s.io"})


def is_write(event: dict[str, Any]) -> bool:
    """Whether an audit event (audit.k8s.io/v1) is a request that was meant to store something; a dry run is not."""
    query = parse_qs(urlsplit(event["requestURI"]).query)
    return (
        event["verb"] in WRITING_VERBS
        and "dryRun" not in query
        and event.get("objectRef", {}).get("apiGroup", "") not in QUESTIONS
    )


def writes(log: Iterable[str], user: str, since: datetime) -> Iterator[dict[str, Any]]:
    """The writes of ``user`` that the server received at ``since`` or later, one entry a request.

    Raises:
        ValueError: a line is not an audit event.
    """
    for line in log:
        event = json.loads(line)
        # A request appears once for each stage; its last one is ResponseComplete, or Panic.
        if event["stage"] not in ("ResponseComplete", "Panic") or event["user"].get("username") != user:
            continue
        received = datetime.fromisoformat(event["requestReceivedTimestamp"])
        if received >= since and is_write(event):
            yield {
                "received": event["requestReceivedTimestamp"],
                "verb": event["verb"],
                "uri": event["requestURI"],
                "agent": event.get("userAgent", ""),
                "code": event.get("responseStatus", {}).get("code"),
            }


def main() -> int:
    """Print the writes; the exit code says only whether the log could be read."""
    parser = argparse.ArgumentParser(prog="audit", description=__doc__)
    parser.add_argument("cluster", help="the name that tools/cluster knows it by")
    parser.add_argument("--since", required=True, type=datetime.fromisoformat, help="ISO 8601 with a time zone")
    # kubeadm's administrator: the user in the kubeconfig of a kind cluster.
    parser.add_argument("--user", default="kubernetes-admin")
    arguments = parser.parse_args()
    tool = Path(__file__).resolve().parents[2] / "tools" / "cluster" / "cluster"
    log = subprocess.run([tool, "audit", arguments.cluster], check=True, stdout=subprocess.PIPE, text=True).stdout
    print(json.dumps(list(writes(log.splitlines(), arguments.user, arguments.since))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
