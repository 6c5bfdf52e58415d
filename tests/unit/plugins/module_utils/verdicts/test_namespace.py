# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.api import namespace_verdict
from tests.unit.plugins.helpers.builders import obj

WHEN = "2026-01-01T00:00:00Z"
LEFT = {
    "phase": "Terminating",
    "conditions": [
        {"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances"},
        {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content deleted"},
    ],
}


@pytest.mark.parametrize(
    ("namespace", "state", "evidence", "since"),
    [
        (obj("Namespace", "n", status={"phase": "Active"}), "ready", "", ""),
        (None, "progressing", "missing", ""),
        (obj("Namespace", "n"), "unknown", "its phase is unknown", ""),
        (obj("Namespace", "n", status={"phase": "Odd"}), "unknown", "its phase is Odd", ""),
        (obj("Namespace", "n", status={"phase": ["Active"]}), "unknown", "its phase is ['Active']", ""),
        (obj("Namespace", "n", status={"phase": "Terminating"}), "progressing", "Terminating", ""),
        (
            obj("Namespace", "n", metadata={"deletionTimestamp": WHEN}, status={"phase": "Active"}),
            "progressing",
            "Terminating",
            WHEN,
        ),
        (
            obj("Namespace", "n", metadata={"deletionTimestamp": WHEN}, status=LEFT),
            "progressing",
            "Terminating; pods. has 1 resource instances",
            WHEN,
        ),
    ],
)
def test_verdict(namespace: dict[str, Any] | None, state: str, evidence: str, since: str) -> None:
    verdict = namespace_verdict("n", namespace)
    assert (verdict.subject, verdict.rule) == ("Namespace n", "active")
    assert (verdict.state, verdict.evidence, verdict.since) == (state, evidence, since)
    assert bool(verdict.next_step) is evidence.startswith("Terminating")
