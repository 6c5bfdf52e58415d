# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inspection says of every known state: whose Trainer and JobSet, how they are, what stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.reads import REQUEST_LIMIT
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.known_states import STATES
from tests.support.playing import play
from tests.support.states import States, grant


@dataclass(frozen=True)
class Said:
    """What is expected of an inspection, in the order of the facts."""

    # state, owner, release
    trainer: tuple[str, str, str] = ("absent", "none", "")
    # state, owner, version
    jobset: tuple[str, str, str] = ("absent", "none", "")
    # Whether they serve: Trainer, JobSet.
    healthy: tuple[bool | None, bool | None] = (None, None)
    blockers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def ours(state: str = "complete", **more: object) -> Said:
    jobset = ("bundled", "conductor", "0.12.0")
    return Said(**{"trainer": (state, "conductor", "2.3.0"), "jobset": jobset, "healthy": (False, False), **more})  # type: ignore[arg-type]


def theirs(owner: str, release: str = "2.3.0", jobset: str = "0.12.0", *, serves: bool = False) -> Said:
    """All of it in somebody else's hands."""
    return Said(
        ("complete", owner, release),
        ("bundled", owner, jobset),
        (serves, serves),
        ("trainer_other_owner", "jobset_other_owner"),
    )


def kubectls(release: str = "2.3.0", jobset: str = "0.12.0", *blockers: str, serves: bool = False) -> Said:
    """All of it as kubectl applied it out of upstream's kustomization: an install takes it over, if it is as old."""
    return replace(theirs("kubectl", release, jobset, serves=serves), blockers=blockers, warnings=("trainer_takeover",))


def remains(state: str, release: str, jobset: str, *blockers: str, half: bool = True) -> Said:
    """CRDs of upstream alone. A schema tells no more than the series; whose JobSet it was, nothing tells."""
    return Said(
        (state, "kubectl", release),
        ("crd_only", "kubectl", jobset),
        (False, False),
        (*blockers, "jobset_crd_only"),
        ("trainer_takeover", *(["trainer_incomplete"] if half else [])),
    )


def beside(
    version: str = "0.12.0",
    owner: str = "kubectl",
    state: str = "external",
    *,
    serves: bool | None = False,
) -> Said:
    """A JobSet of somebody else's, and no Trainer."""
    return Said(jobset=(state, owner, version), healthy=(None, serves), blockers=(f"jobset_{state}",))


SAID = {
    "ours": ours(),
    "ours-healthy": ours(healthy=(True, True)),
    "ours-without-controllers": ours(
        "incomplete", jobset=("bundled", "conductor", "0.12"), warnings=("trainer_incomplete",)
    ),
    "ours-without-webhooks": ours("incomplete", warnings=("trainer_incomplete",)),
    "ours-with-users": ours(warnings=("runtime_finalizers",)),
    "ours-with-a-crd-terminating": ours("terminating", blockers=("terminating",)),
    "upstream": kubectls(),
    "upstream-healthy": kubectls(serves=True),
    "upstream-2.1": kubectls("2.1.0", "0.10.1", "trainer_other_release"),
    "crds-alone": remains("incomplete", "2.3", "0.12"),
    "crds-2.1-alone": remains("incomplete", "2.1", "0.10", "trainer_other_release"),
    "crd-terminating": remains("terminating", "2.3", "0.12", "terminating", half=False),
    "helm": theirs("helm"),
    "helm-without-jobset": Said(
        ("complete", "helm", "2.3.0"), healthy=(False, None), blockers=("trainer_other_owner",)
    ),
    "argo-cd": theirs("argocd"),
    "flux": theirs("flux"),
    "olm": theirs("olm"),
    "juju": theirs("juju"),
    "jobset": beside(),
    "jobset-healthy": beside(serves=True),
    "jobset-old": beside("0.10.1"),
    "jobset-old-healthy": beside("0.10.1", serves=True),
    "jobset-crd-alone": Said(
        jobset=("crd_only", "kubectl", "0.12"), healthy=(None, False), blockers=("jobset_crd_only",)
    ),
    "jobset-split": beside(state="split"),
    "jobset-elsewhere": beside("0.12", state="unknown", serves=None),
    "jobset-openshift": beside(owner="olm"),
    "webhooks-to-nowhere": Said(
        ("incomplete", "kubectl", ""),
        ("split", "kubectl", ""),
        (False, False),
        ("trainer_other_namespace", "jobset_split"),
        ("trainer_takeover", "trainer_incomplete"),
    ),
    "namespace-terminating": Said(("terminating", "none", ""), blockers=("terminating",)),
    "kueue": Said(warnings=("kueue_mismatch",)),
    "training-operator": Said(warnings=("training_operator",)),
    "neighbours": Said(),
    # Twice: CPU and memory.
    "namespace-prepared": Said(blockers=("quota_exceeded", "quota_exceeded"), warnings=("default_deny",)),
    "node-without-room": Said(blockers=("insufficient_capacity",)),
}
READS = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]


def said(facts: dict[str, object]) -> Said:
    """The same of a result."""

    def codes(name: str) -> tuple[str, ...]:
        return tuple(finding["code"] for finding in facts[name])  # type: ignore[attr-defined]

    trainer, jobset = (facts[name] for name in ("trainer", "jobset"))
    return Said(
        (trainer["state"], trainer["owner"]["kind"], trainer["release"]),  # type: ignore[index]
        (jobset["state"], jobset["owner"]["kind"], jobset["version"]),  # type: ignore[index]
        (trainer["healthy"], jobset["healthy"]),  # type: ignore[index]
        codes("blockers"),
        codes("warnings_found"),
    )


def test_every_state_is_looked_at() -> None:
    assert set(SAID) == {state.name for state in STATES}


def test_every_state_of_jobset_is_among_them() -> None:
    assert {expected.jobset[0] for expected in SAID.values()} == {
        "absent",
        "bundled",
        "external",
        "crd_only",
        "split",
        "unknown",
    }


@pytest.mark.parametrize("name", sorted(SAID))
def test_state(
    states: States, bundle: Bundle, name: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    plane = states.enter(name)
    mark = plane.now()
    facts = inspect(plane.client(), bundle)

    assert said(facts) == SAID[name]
    assert (
        facts["permissions"]["missing"]
        == facts["permissions"]["not_grantable"]
        == facts["permissions"]["unreadable"]
        == []
    )
    assert plane.writes_since(mark) == []
    assert facts["requests"] <= REQUEST_LIMIT
    record_testsuite_property(f"inspection of {name}", f"{facts['requests']} requests, {facts['elapsed']} s")


def test_an_empty_cluster(states: States, bundle: Bundle) -> None:
    assert said(inspect(states.enter(None).client(), bundle)) == Said()


def test_without_any_right_nothing_is_known_and_all_that_lacks_is_named(states: States, bundle: Bundle) -> None:
    plane = states.enter("ours-healthy").identity("nobody")
    mark = plane.now()
    facts = inspect(plane.client(), bundle)

    found = said(facts)
    # Trainer lets every authenticated user read its public ConfigMap.
    assert (found.trainer, found.jobset) == (("unknown", "none", "2.3.0"), ("unknown", "none", ""))
    assert found.healthy == (None, None)
    assert set(found.blockers) == {"trainer_unknown", "jobset_unknown", "permissions_missing", "role_not_grantable"}
    assert found.blockers.count("permissions_missing") == len(facts["permissions"]["missing"])
    assert set(found.warnings) == {"permissions_optional", "unreadable"}
    # Everybody's are discovery, the version, the public ConfigMap and three reviews; Deployments are listed twice.
    assert all(line.startswith(("get ", "list ")) for line in facts["permissions"]["unreadable"])
    assert len(facts["permissions"]["unreadable"]) == facts["requests"] - 7
    assert plane.writes_since(mark) == []
    assert facts["requests"] <= REQUEST_LIMIT


def test_who_may_only_read_sees_everything(states: States, bundle: Bundle) -> None:
    plane = grant(states.enter("ours-healthy"), "reader", READS)
    mark = plane.now()
    facts = inspect(plane.client(), bundle)

    assert said(facts) == ours(healthy=(True, True), warnings=("repair_not_permitted",))
    assert facts["permissions"]["unreadable"] == []
    assert plane.writes_since(mark) == []


def test_the_module_says_the_same(states: States, bundle: Bundle, tmp_path: Path) -> None:
    plane = states.enter("jobset-healthy")
    options = {**plane.options, "jobset": "external"}
    tasks = [
        {"conductor.trainer.trainer_operator_info": options, "register": "info"},
        {"ansible.builtin.copy": {"dest": str(tmp_path / "info.json"), "content": "{{ info | to_json }}"}},
    ]
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    mark = plane.now()
    played = play(path, {})

    assert played.code == 0, played.text
    assert played.recap["localhost"]["changed"] == 1, "the copy of the result alone"
    told = yaml.safe_load((tmp_path / "info.json").read_text())
    assert not told["changed"]
    facts = inspect(plane.client(), bundle, jobset_mode="external")
    # An external JobSet that serves is what was asked for.
    assert said(told) == said(facts) == Said(jobset=("external", "kubectl", "0.12.0"), healthy=(None, True))
    same = facts.keys() - {"elapsed", "requests"}
    assert {name: told[name] for name in same} == {name: facts[name] for name in same}
    assert plane.writes_since(mark) == []
