# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.jobs import jobset_verdict
from tests.unit.plugins.helpers.builders import obj

WHEN = "2026-01-01T00:00:00Z"
NONE_YET = "JobSet has not created pods yet"


def job_set(*true: str) -> dict[str, Any]:
    entries = [{"type": kind, "status": "True", "message": kind.lower(), "lastTransitionTime": WHEN} for kind in true]
    return obj("JobSet", "mnist", "jobset.x-k8s.io/v1alpha2", "team", status={"conditions": entries})


@pytest.mark.parametrize(
    ("item", "state", "evidence", "since"),
    [
        (None, "progressing", "Trainer has not created its JobSet yet", ""),
        (job_set(), "progressing", NONE_YET, ""),
        ({}, "progressing", NONE_YET, ""),
        (job_set("Suspended"), "progressing", f"{NONE_YET}: suspended", ""),
        (job_set("Suspended", "Other"), "progressing", f"{NONE_YET}: suspended; other", ""),
        (job_set("Completed"), "ready", "completed", WHEN),
        (job_set("Failed"), "failed", "failed", WHEN),
        (job_set("Completed", "Failed"), "failed", "failed", WHEN),
    ],
)
def test_verdict(item: dict[str, Any] | None, state: str, evidence: str, since: str) -> None:
    verdict = jobset_verdict("mnist", item)
    assert (verdict.subject, verdict.rule) == ("JobSet mnist", "completed")
    assert (verdict.state, verdict.evidence, verdict.since) == (state, evidence, since)
