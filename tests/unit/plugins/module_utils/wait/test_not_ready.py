# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of a wait, in addition to the tests of the wait itself: they stay short."""

from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict
from ansible_collections.conductor.trainer.plugins.module_utils.wait.not_ready import NotReady
from ansible_collections.conductor.trainer.plugins.module_utils.wait.readiness import Readiness
from ansible_collections.conductor.trainer.plugins.module_utils.wait.timeline import Timeline
from tests.unit.plugins.helpers.builders import bundle, serving


def test_few_remedies_are_named_and_none_twice() -> None:
    cluster = serving(bundle())
    timeline = Timeline(0.0, None)
    waiting = [
        Verdict(f"Service {number}", "endpoints", "progressing", "none", f"do {number % 8}") for number in range(20)
    ]
    timeline.note(0.0, waiting)
    errors = NotReady(cluster, bundle(), Readiness(cluster, bundle(), None, with_secrets=False), timeline)
    error = errors.timed_out(waiting, [], 7.0, 7.0)
    assert error.next_step == "do 0; do 1; do 2; do 3; do 4"
    assert "Service 19: none (for 7 s)" in error.message
    assert error.facts["checks"][0] == waiting[0].row()


def test_a_row_holds_what_is_known() -> None:
    verdict = Verdict("Lease a", "leader", "ready", "held by b", since="2026-01-01T00:00:00Z")
    assert verdict.row() == {
        "subject": "Lease a",
        "rule": "leader",
        "state": "ready",
        "evidence": "held by b",
        "since": "2026-01-01T00:00:00Z",
    }
