# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison with upstream, put to the test: each mistake in a copy of our manifests is found and named."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bundle_generator.bundle import render_default
from bundle_generator.differences import compare, read_allowed, unexplained
from bundle_generator.documents import load_file
from bundle_generator.release import Release
from bundle_generator.sources import Programs

CLONE = Path(__file__).resolve().parents[3]
MANIFESTS = Path("roles/conductor/files/conductor")
RELEASE = "2.3.0"
TRAINER = "kubeflow-trainer-controller-manager"
CRD = "CustomResourceDefinition"


@dataclass(frozen=True)
class Mistake:
    """One edit of a manifest, and what the comparison has to say about it: kind, name and path of each line."""

    file: str
    old: str
    new: str
    found: tuple[str, ...]


CONTAINER = "/spec/template/spec/containers/0"
ANCESTOR = "                trainer.kubeflow.org/trainjob-ancestor-step: trainer\n"
MISTAKES = {
    "a verb of a Role": Mistake(
        "controllers/jobset/rbac.yaml",
        "        resources: [secrets]\n        verbs: [get, list, update, watch]",
        "        resources: [secrets]\n        verbs: [get, list, watch]",
        ("Role jobset-manager-secrets-role /rules/0/verbs",),
    ),
    "a rule of a ClusterRole": Mistake(
        "controllers/trainer/generated/cluster-role.yaml",
        "  - trainjobs/status\n",
        "",
        (f"ClusterRole {TRAINER} /rules/9/resources",),
    ),
    "the subject of a binding": Mistake(
        "controllers/trainer/rbac.yaml",
        'name: "system:authenticated"',
        'name: "system:unauthenticated"',
        ("RoleBinding kubeflow-trainer-public /subjects/0/name",),
    ),
    "an argument": Mistake(
        "controllers/trainer/deployment.yaml",
        "--zap-log-level=2",
        "--zap-log-level=5",
        (f"Deployment {TRAINER} {CONTAINER}/args/1",),
    ),
    "a label": Mistake(
        "controllers/jobset/webhook-service.yaml",
        "    app.kubernetes.io/component: webhook\n",
        "",
        ("Service jobset-webhook-service /metadata/labels/app.kubernetes.io~1component",),
    ),
    "a label that runtimes are found by": Mistake(
        "runtimes/torch-distributed.yaml",
        ANCESTOR,
        ANCESTOR.replace("trainer\n", "node\n"),
        (
            "ClusterTrainingRuntime torch-distributed /spec/template/spec/replicatedJobs/0/template/metadata/labels"
            "/trainer.kubeflow.org~1trainjob-ancestor-step",
        ),
    ),
    "a port": Mistake(
        "controllers/trainer/service.yaml",
        "port: 443,",
        "port: 8443,",
        (f"Service {TRAINER} /spec/ports/1/port",),
    ),
    "the selector of a Service": Mistake(
        "controllers/trainer/service.yaml",
        "    app.kubernetes.io/component: manager",
        "    app.kubernetes.io/component: controller",
        (f"Service {TRAINER} /spec/selector/app.kubernetes.io~1component",),
    ),
    "the failure policy of a webhook": Mistake(
        "controllers/trainer/generated/mutating-webhooks.yaml",
        "  failurePolicy: Fail\n  name: defaulter.trainjob.trainer.kubeflow.org",
        "  failurePolicy: Ignore\n  name: defaulter.trainjob.trainer.kubeflow.org",
        ("MutatingWebhookConfiguration defaulter.trainer.kubeflow.org /webhooks/0/failurePolicy",),
    ),
    "the selector of a webhook": Mistake(
        "controllers/trainer/webhook-selectors.yaml",
        "values: [disabled]",
        "values: [enabled]",
        tuple(
            f"ValidatingWebhookConfiguration validator.trainer.kubeflow.org /webhooks/{index}/objectSelector"
            "/matchExpressions/0/values/0"
            for index in (0, 1)
        ),
    ),
    "the image of a runtime": Mistake(
        "runtimes/torch-distributed.yaml",
        "pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime",
        "pytorch/pytorch:2.13.0-cuda13.0-cudnn9-devel",
        (
            "ClusterTrainingRuntime torch-distributed /spec/template/spec/replicatedJobs/0/template/spec/template/spec"
            "/containers/0/image",
        ),
    ),
    "a probe": Mistake(
        "controllers/trainer/deployment.yaml",
        "path: /healthz",
        "path: /readyz",
        (f"Deployment {TRAINER} {CONTAINER}/livenessProbe/httpGet/path",),
    ),
    "the mount of a certificate": Mistake(
        "controllers/jobset/deployment.yaml",
        "secretName: jobset-webhook-server-cert",
        "secretName: jobset-webhook-cert",
        ("Deployment jobset-controller-manager /spec/template/spec/volumes/1/secret/secretName",),
    ),
    "a setting in a listed text": Mistake(
        "controllers/trainer/config.yaml",
        "qps: 50,",
        "qps: 20,",
        (
            "ConfigMap kubeflow-trainer-config /data/controller_manager_config.yaml",
            # ... and the entry that allows another layout of this text does not hold any more.
            "ConfigMap/kubeflow-trainer-config /data/controller_manager_config.yaml changed",
        ),
    ),
    "a missing object": Mistake(
        "controllers/trainer/kustomization.yaml",
        "  - service.yaml\n",
        "",
        # What is listed about it is not so any more either.
        (f"Service {TRAINER} (whole object)", f"Service/{TRAINER} /metadata/labels added"),
    ),
    "a default of a CRD": Mistake(
        "crds/generated/jobset.x-k8s.io_jobsets.yaml",
        "default: Recreate",
        "default: BlockingRecreate",
        (
            f"{CRD} jobsets.jobset.x-k8s.io /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties"
            "/failurePolicy/properties/restartStrategy/default",
        ),
    ),
    "a subresource of a CRD": Mistake(
        "crds/generated/trainer.kubeflow.org_trainjobs.yaml",
        "    subresources:\n      status: {}\n",
        "",
        (f"{CRD} trainjobs.trainer.kubeflow.org /spec/versions/0/subresources",),
    ),
    "the service of a conversion": Mistake(
        "crds/jobset-conversion.yaml",
        "name: jobset-webhook-service",
        "name: jobset-webhook",
        (f"{CRD} jobsets.jobset.x-k8s.io /spec/conversion/webhook/clientConfig/service/name",),
    ),
}
# Entries of the list that are no longer so; each is named.
STALE = {
    "a difference that was taken back": Mistake(
        "controllers/trainer/deployment.yaml",
        "          resources:\n            requests: {cpu: 100m, memory: 128Mi}\n",
        "",
        (f"Deployment/{TRAINER} {CONTAINER}/resources added",),
    ),
    "an object that is not there": Mistake(
        "DIFFERENCES.yaml",
        "- objects: [Namespace/conductor-probe]",
        "- objects: [Namespace/conductor-probe, Namespace/conductor-probes]",
        ("Namespace/conductor-probes (whole object) added",),
    ),
    "another kind of change": Mistake(
        "DIFFERENCES.yaml",
        "  path: /spec/template/spec/containers/0/resources\n  change: added",
        "  path: /spec/template/spec/containers/0/resources\n  change: changed",
        (
            f"Deployment {TRAINER} {CONTAINER}/resources",
            f"Deployment/{TRAINER} {CONTAINER}/resources changed",
        ),
    ),
}


Judge = Callable[[Mistake | None], list[str]]


@pytest.fixture
def judge(programs: Programs, release: Release, upstreams: list[dict[str, Any]], tmp_path: Path) -> Judge:
    """What the comparison says of our manifests with one mistake in them, or none."""

    def lines(mistake: Mistake | None) -> list[str]:
        shutil.copytree(CLONE / MANIFESTS, tmp_path / MANIFESTS)
        if mistake:
            file = tmp_path / MANIFESTS / mistake.file
            text = file.read_text(encoding="utf-8")
            assert text.count(mistake.old) == 1, f"{mistake.file} holds this {text.count(mistake.old)} times"
            file.write_text(text.replace(mistake.old, mistake.new), encoding="utf-8")
        found = compare(render_default(programs, tmp_path, release), upstreams)
        return unexplained(found.differences, read_allowed(load_file(tmp_path / release.differences)))

    return lines


def named(lines: list[str]) -> list[str]:
    """The places in the lines of a comparison, without what they say of the values."""
    return [line.partition(": ")[2].partition(": ")[0] for line in lines]


def test_nothing_differs_but_what_is_listed(record_testsuite_property: Callable[[str, object], None]) -> None:
    tool = CLONE / "tools" / "bundles" / "generate"
    answer = subprocess.run([tool, "--compare"], stdout=subprocess.PIPE, text=True, timeout=600, check=False)
    counts, verdict = answer.stdout.splitlines()
    assert (answer.returncode, verdict) == (0, "every difference is listed with its reason")
    release, _, numbers = counts.partition(": ")
    assert release == RELEASE
    record_testsuite_property(f"Trainer {RELEASE}", numbers)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_found_and_named(judge: Judge, mistake: Mistake) -> None:
    assert named(judge(mistake)) == list(mistake.found)


@pytest.mark.parametrize("mistake", STALE.values(), ids=STALE.keys())
def test_an_entry_that_is_not_so_any_more_is_found_and_named(judge: Judge, mistake: Mistake) -> None:
    assert named(judge(mistake)) == list(mistake.found)


def test_a_listed_difference_that_upstream_adopts_is_found_and_named(
    programs: Programs, release: Release, upstreams: list[dict[str, Any]]
) -> None:
    ours = render_default(programs, CLONE, release)
    (probe,) = (obj for obj in ours if obj["kind"] == "Namespace" and obj["metadata"]["name"] == "conductor-probe")
    found = compare(ours, [*upstreams, probe])
    lines = unexplained(found.differences, read_allowed(load_file(CLONE / release.differences)))
    assert lines == ["listed, but not found: Namespace/conductor-probe (whole object) added"]
