# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rejects the probes is reported once, with its owner; our webhooks are not accused of it."""

from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.probes.culprits import (
    REJECTED,
    UNANSWERED,
    with_culprits,
)
from ansible_collections.conductor.trainer.plugins.module_utils.probes.probe import judge
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Probe
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import failure

JOB = obj("TrainJob", "probe", "trainer.kubeflow.org/v1alpha1", "probe")
RUNTIME = obj("ClusterTrainingRuntime", "conductor-probe", "trainer.kubeflow.org/v1alpha1")
PROBES = [
    Probe("a.trainer.kubeflow.org", "validator", "denied", JOB),
    Probe("b.trainer.kubeflow.org", "validator", "allowed", JOB),
    Probe("c.trainer.kubeflow.org", "validator", "allowed", RUNTIME),
]
GONE = (
    'Internal error occurred: failed calling webhook "inject.example.io": failed to call webhook: Post '
    '"https://mesh.mesh.svc:443/x?timeout=10s": service "mesh" not found'
)
POLICY = "ValidatingAdmissionPolicy 'labels' with binding 'all' denied request: needs a team"


def configuration(name: str, webhook: str, service: str, **metadata: Any) -> dict[str, Any]:
    client = {"service": {"namespace": "mesh", "name": service}}
    return {"metadata": {"name": name, **metadata}, "webhooks": [{"name": webhook, "clientConfig": client}]}


BY_HELM = {"annotations": {"meta.helm.sh/release-name": "mesh"}}
CONFIGURATIONS = [
    configuration("namesake", "inject.example.io", "another"),
    configuration("mesh-injector", "inject.example.io", "mesh", **BY_HELM),
]


def judged(message: str, *probes: Probe) -> list[Verdict]:
    return [judge(probe, failure(500, message=message)) for probe in probes or PROBES]


def test_a_webhook_of_others_is_named_once_with_its_owner() -> None:
    (verdict,) = with_culprits(judged(GONE), CONFIGURATIONS)
    assert (verdict.subject, verdict.rule, verdict.state) == ("probes of 3 webhooks", UNANSWERED, "failed")
    assert "trainer.kubeflow.org" not in str(verdict)
    assert "(webhook configuration mesh-injector of Helm release mesh)" in verdict.evidence
    assert verdict.evidence.endswith(GONE)
    assert verdict.next_step == (
        "repair Service mesh/mesh, which the webhook inject.example.io calls, or exempt the namespace probe and "
        "ClusterTrainingRuntime conductor-probe from it; if its program was removed, delete its webhook configuration, "
        "too"
    )


def test_without_its_configuration_it_is_named_without_an_owner() -> None:
    (verdict,) = with_culprits(judged(GONE), [])
    assert "(webhook configuration" not in verdict.evidence


def test_a_policy_in_a_namespace_and_a_policy_for_all() -> None:
    (namespaced,) = with_culprits(judged(POLICY, *PROBES[:2]), [])
    assert namespaced.rule == REJECTED
    assert "exempt the namespace probe from" in namespaced.next_step
    (everywhere,) = with_culprits(judged(POLICY, PROBES[2]), [])
    assert everywhere.subject == "probe of the webhook c.trainer.kubeflow.org"
    assert "exempt ClusterTrainingRuntime conductor-probe from" in everywhere.next_step
    assert "namespace" not in everywhere.next_step


def test_each_culprit_and_our_own_faults_are_reported() -> None:
    own = Verdict("certificate", "certificate", "progressing", "no certificate yet")
    verdicts = [own, *judged(GONE, PROBES[0]), *judged(POLICY, PROBES[1]), judge(PROBES[2], {})]
    assert [verdict.rule for verdict in with_culprits(verdicts, [])] == [
        "certificate",
        "probe: allowed",
        UNANSWERED,
        REJECTED,
    ]


def test_verdicts_without_a_culprit_stay() -> None:
    verdicts = [judge(probe, {}) for probe in PROBES]
    assert with_culprits(verdicts, CONFIGURATIONS) == verdicts
