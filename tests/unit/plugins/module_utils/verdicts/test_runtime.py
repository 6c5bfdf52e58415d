# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.probes.runtimes import runtime_info
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import parse_bundle
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.api import runtime_verdict
from tests.unit.plugins.helpers.builders import bundle, content, key, runtime, serving

WHEN = "2026-01-01T00:00:00Z"
TORCH = runtime("torch")
GOING = {**TORCH, "metadata": {"name": "torch", "deletionTimestamp": WHEN}}
HELD = {**TORCH, "metadata": {"name": "torch", "deletionTimestamp": WHEN, "finalizers": ["a/b", "c"]}}


@pytest.mark.parametrize(
    ("item", "refusal", "state", "evidence", "since"),
    [
        (TORCH, "", "ready", "a TrainJob may use it", ""),
        (TORCH, "no", "progressing", "no", ""),
        (TORCH, None, "unknown", "not tested whether a TrainJob may use it", ""),
        (None, "", "progressing", "missing", ""),
        (None, None, "progressing", "missing", ""),
        (GOING, "", "progressing", "Terminating", WHEN),
        (HELD, None, "progressing", "Terminating, held by a/b, c", WHEN),
    ],
)
def test_verdict(item: dict[str, Any] | None, refusal: str | None, state: str, evidence: str, since: str) -> None:
    verdict = runtime_verdict("torch", item, refusal)
    assert (verdict.subject, verdict.rule) == ("ClusterTrainingRuntime torch", "usable")
    assert (verdict.state, verdict.evidence, verdict.since) == (state, evidence, since)
    assert bool(verdict.next_step) is (item is None or bool(since))


@pytest.mark.parametrize("prove", [True, False])
def test_terminating_runtime_is_not_tested(prove: bool) -> None:
    release = parse_bundle(content(), "default")
    cluster = serving(bundle())
    cluster.hooks.clear()
    cluster.objects[key("ClusterTrainingRuntime", "torch", "trainer.kubeflow.org/v1alpha1")] = HELD
    rows = {row["name"]: row for row in runtime_info(cluster, release, prove=prove)["runtimes"]}
    assert rows["torch"]["message"] == "Terminating, held by a/b, c"
    assert rows["torch"]["proven"] is (False if prove else None)
    assert (rows["jax"]["message"], rows["jax"]["proven"]) == ("", True if prove else None)
