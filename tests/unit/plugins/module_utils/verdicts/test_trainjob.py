# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.jobs import trainjob_verdict
from tests.unit.plugins.helpers.builders import obj

WHEN = "2026-01-01T00:00:00Z"


def job(*true: str, suspend: bool = False, **false: str) -> dict[str, Any]:
    entries = [
        {"type": kind, "status": "True", "reason": f"{kind}Because", "message": "so", "lastTransitionTime": WHEN}
        for kind in true
    ]
    entries += [{"type": kind, "status": "False", "message": text} for kind, text in false.items()]
    return obj(
        "TrainJob",
        "mnist",
        "trainer.kubeflow.org/v1alpha1",
        "team",
        spec={"suspend": suspend},
        status={"conditions": entries},
    )


@pytest.mark.parametrize(
    ("item", "state", "evidence", "since"),
    [
        (None, "progressing", "missing", ""),
        (job(), "progressing", "it has not ended", ""),
        (job("Complete"), "ready", "CompleteBecause: so", WHEN),
        (job("Failed"), "failed", "FailedBecause: so", WHEN),
        (job("Complete", "Failed"), "failed", "FailedBecause: so", WHEN),
        (job(Complete="no", Failed="no"), "progressing", "it has not ended", ""),
        (job("Suspended", suspend=True), "progressing", "SuspendedBecause: so", WHEN),
        (job(suspend=True), "progressing", "spec.suspend is true", ""),
        # It was resumed, and its condition is not updated yet.
        (job("Suspended"), "progressing", "it has not ended", ""),
        ({"spec": {"suspend": "true"}}, "progressing", "it has not ended", ""),
        ({"status": {"conditions": [{"type": "Complete", "status": True}]}}, "progressing", "it has not ended", ""),
    ],
)
def test_verdict(item: dict[str, Any] | None, state: str, evidence: str, since: str) -> None:
    verdict = trainjob_verdict("mnist", item)
    assert (verdict.subject, verdict.rule) == ("TrainJob mnist", "complete")
    assert (verdict.state, verdict.evidence, verdict.since) == (state, evidence, since)
