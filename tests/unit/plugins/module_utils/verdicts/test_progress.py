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


def test_a_line_when_something_changes_and_none_when_nothing_does() -> None:
    assert said((0.0, [ROLLOUT]), (1.0, [ROLLOUT]), (2.0, BARE), (3.0, BARE), (4.0, [])) == [
        "0 s  manager: ContainerCreating",
        "2 s  webhooks have no certificate yet",
        "4 s  all of it serves",
    ]


def test_now_and_then_that_it_still_lasts() -> None:
    lines = said(*((number / 2, [PROBE]) for number in range(25)))
    assert lines == [f"{second} s  webhooks do not answer as they should yet" for second in (0, 5, 10)]


def test_what_changes_quickly_is_not_all_said() -> None:
    lines = said(*((number / 10, [ROLLOUT] if number % 2 else BARE) for number in range(20)))
    assert len(lines) == 4


def test_the_end_is_said_at_once() -> None:
    assert said((0.0, BARE), (0.1, []))[-1] == "0 s  all of it serves"


def test_what_is_there_already_is_nothing_to_say() -> None:
    assert said((0.0, [])) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("established", "CRDs are not served yet"),
        ("caBundle", "webhooks have no certificate yet"),
        ("certificate", "certificates are not in place yet"),
        ("leader", "no leader yet"),
        ("probe: mutated", "webhooks do not answer as they should yet"),
    ],
)
def test_many_that_wait_for_the_same_are_one_phrase(rule: str, words: str) -> None:
    assert (
        summary([Verdict(f"x {name}", rule, "progressing", name, is_probe="probe" in rule) for name in "abc"]) == words
    )


def test_while_a_controller_starts_nothing_is_said_of_its_endpoints() -> None:
    endpoints = Verdict("Service webhook", "endpoints", "progressing", "no ready endpoint")
    assert summary([ROLLOUT, endpoints]) == "manager: ContainerCreating"


def test_names_are_short() -> None:
    name = "kubeflow-trainer-controller-manager"
    assert (
        summary([Verdict(f"Deployment {name}", "rollout", "progressing", "it is not there", name=name)])
        == "trainer: it is not there"
    )


def test_others_are_said_by_name() -> None:
    assert summary([Verdict("Service webhook", "endpoints", "progressing", "no ready endpoint", name="webhook")]) == (
        "webhook: no ready endpoint"
    )
    assert summary([Verdict("Service webhook", "endpoints", "progressing", name="webhook")]) == "webhook: endpoints"


def test_no_phrase_hangs_on_the_words_of_a_verdict() -> None:
    reworded = replace(PROBE, subject="The hook of v", rule="asked", evidence="It answers; wrongly.")
    assert summary([reworded]) == summary([PROBE])
    reworded = replace(ROLLOUT, subject="manager does not run", evidence="Its pods: none are up")
    assert summary([reworded]) == summary([ROLLOUT])


def test_a_certificate_that_is_not_mounted_comes_first() -> None:
    assert summary([ROLLOUT], ["manager-1"]).startswith("certificate written, waiting for the kubelet to mount it; ")


def test_a_line_is_short() -> None:
    assert len(summary([Verdict("Deployment m", "rollout", "progressing", "x" * 500)])) == 150


def waiting(clock: Clock, **more: Any) -> dict[str, Any]:
    cluster = serving(bundle())
    edit(DEPLOYMENT, "status", "availableReplicas", to=0)(cluster)
    waiter = ControllersWait(cluster, bundle(), monotonic=clock.monotonic, **more)
    return waiter.run(60)


def test_a_wait_says_what_it_waits_for_and_keeps_it(clock: Clock, script: Script) -> None:
    script.append((7.0, good))
    lines: list[str] = []
    result = waiting(clock, say=lines.append)
    assert result["progress"] == lines
    assert lines[0].startswith("0 s  manager: 0 of 1 replicas available")
    assert lines[-1].endswith("all of it serves")
    assert len(lines) == 3


def test_silence_is_possible(clock: Clock, script: Script) -> None:
    script.append((7.0, good))
    result = waiting(clock)
    assert result["progress"] == []
