# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.progress import Progress, summary
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.unit.plugins.helpers.builders import DEPLOYMENT, bundle, serving
from tests.unit.plugins.helpers.fakes import Clock
from tests.unit.plugins.helpers.stepping import Script, edit, good

ROLLOUT = Verdict(
    "Deployment manager",
    "rollout",
    "progressing",
    "0 of 1 replicas available, 1 of 1 updated; pod manager-5489fc9c66-jf9zw: ContainerCreating",
    name="manager",
    brief="ContainerCreating",
)
BARE = [Verdict(f"webhook configuration {name}", "caBundle", "progressing", f"no caBundle on {name}") for name in "ab"]
PROBE = Verdict(
    "webhook v", "probe: denied", "progressing", "it accepted an invalid object: not active yet", is_probe=True
)


def said(*looks: tuple[float, list[Verdict]]) -> list[str]:
    lines: list[str] = []
    progress = Progress(lines.append)
    for seconds, waiting in looks:
        progress.look(seconds, waiting)
    assert progress.lines == lines
    return lines


def test_line_is_reported_only_on_changes() -> None:
    assert said((0.0, [ROLLOUT]), (1.0, [ROLLOUT]), (2.0, BARE), (3.0, BARE), (4.0, [])) == [
        "0 s  manager: ContainerCreating",
        "2 s  webhooks have no certificate yet",
        "4 s  all components ready",
    ]


def test_unchanged_line_is_repeated_after_a_while() -> None:
    lines = said(*((number / 2, [PROBE]) for number in range(25)))
    assert lines == [f"{second} s  webhooks do not answer correctly yet" for second in (0, 5, 10)]


def test_quick_changes_are_not_all_reported() -> None:
    lines = said(*((number / 10, [ROLLOUT] if number % 2 else BARE) for number in range(20)))
    assert len(lines) == 4


def test_a_crd_that_can_never_be_served_is_not_only_slow() -> None:
    crd = Verdict("CustomResourceDefinition c", "established", "progressing", "not NamesAccepted", name="c")
    assert summary([crd]) == "CRDs are not served yet"
    assert summary([replace(crd, state="failed", evidence="its names are taken")]) == "c: its names are taken"


def test_end_is_reported_immediately() -> None:
    assert said((0.0, BARE), (0.1, []))[-1] == "0 s  all components ready"


def test_nothing_is_reported_if_already_ready() -> None:
    assert said((0.0, [])) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("established", "CRDs are not served yet"),
        ("caBundle", "webhooks have no certificate yet"),
        ("certificate", "certificates are not valid yet"),
        ("leader", "no leader yet"),
        ("probe: mutated", "webhooks do not answer correctly yet"),
    ],
)
def test_equal_reasons_are_one_phrase(rule: str, words: str) -> None:
    assert (
        summary([Verdict(f"x {name}", rule, "progressing", name, is_probe="probe" in rule) for name in "abc"]) == words
    )


def test_endpoints_are_not_reported_while_a_controller_starts() -> None:
    endpoints = Verdict("Service webhook", "endpoints", "progressing", "no ready endpoint")
    assert summary([ROLLOUT, endpoints]) == "manager: ContainerCreating"


def test_names_are_short() -> None:
    name = "kubeflow-trainer-controller-manager"
    assert (
        summary([Verdict(f"Deployment {name}", "rollout", "progressing", "missing", name=name)]) == "trainer: missing"
    )


def test_other_verdicts_are_reported_by_name() -> None:
    assert summary([Verdict("Service webhook", "endpoints", "progressing", "no ready endpoint", name="webhook")]) == (
        "webhook: no ready endpoint"
    )
    assert summary([Verdict("Service webhook", "endpoints", "progressing", name="webhook")]) == "webhook: endpoints"


def test_no_phrase_depends_on_the_text_of_a_verdict() -> None:
    reworded = replace(PROBE, subject="The hook of v", rule="asked", evidence="It answers; wrongly.")
    assert summary([reworded]) == summary([PROBE])
    reworded = replace(ROLLOUT, subject="manager does not run", evidence="Its pods: none are up")
    assert summary([reworded]) == summary([ROLLOUT])


def test_a_certificate_that_is_not_mounted_comes_first() -> None:
    assert summary([ROLLOUT], ["manager-1"]).startswith("certificate written, waiting for the kubelet to mount it; ")


def test_a_line_is_whole() -> None:
    assert summary([Verdict("Deployment m", "rollout", "progressing", "x" * 500)]).endswith("x" * 500)


def test_a_huge_line_is_cut_and_says_so() -> None:
    line = summary([Verdict("Deployment m", "rollout", "progressing", "x" * 10_000_000)])
    assert len(line) <= 1000
    assert "characters, cut here" in line


def test_a_line_is_one_line_without_control_characters() -> None:
    lines: list[str] = []
    evidence = "waiting\r\nok: [berlin] => {}\x1b[2J\u202e\u2028x"
    Progress(lines.append).look(1, [Verdict("Deployment m", "rollout", "progressing", evidence)])
    assert lines == ["1 s  Deployment m: waiting ok: [berlin] => {}\\x1b[2J\\u202e\\u2028x"]


def waiting(clock: Clock, **more: Any) -> dict[str, Any]:
    cluster = serving(bundle())
    edit(DEPLOYMENT, "status", "availableReplicas", to=0)(cluster)
    waiter = ControllersWait(cluster, bundle(), monotonic=clock.monotonic, **more)
    return waiter.run(60)


def test_wait_reports_and_returns_its_progress(clock: Clock, script: Script) -> None:
    script.append((7.0, good))
    lines: list[str] = []
    result = waiting(clock, say=lines.append)
    assert result["progress"] == lines
    assert lines[0].startswith("0 s  manager: 0 of 1 replicas available")
    assert lines[-1].endswith("all components ready")
    assert len(lines) == 3


def test_progress_without_output(clock: Clock, script: Script) -> None:
    script.append((7.0, good))
    result = waiting(clock)
    assert result["progress"] == []
