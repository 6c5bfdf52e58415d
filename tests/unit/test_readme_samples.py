# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output that the pages show is what the playbooks print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.conductor.trainer.plugins.filter.findings import findings
from ansible_collections.conductor.trainer.plugins.filter.report import report
from ansible_collections.conductor.trainer.plugins.filter.screen import screen
from ansible_collections.conductor.trainer.plugins.filter.status import status
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import BY_CODE
from ansible_collections.conductor.trainer.plugins.module_utils.findings.judge import judge
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import facts_of
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.reads import Readings
from tests.unit.plugins.helpers.states import empty, installed, managed, page, release

CLONE = Path(__file__).resolve().parents[2]


def section(page: str, title: str) -> str:
    text = (CLONE / "docs" / f"{page}.md").read_text()
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def sample(page: str, title: str) -> str:
    """Return the one block of output that a section shows."""
    [found] = re.findall(r"(?<=\n\n)```\n(.*?)\n```", section(page, title), re.DOTALL)
    return str(found)


def report_of_an_install() -> str:
    """Return what the report says of an install of the release on a fresh cluster."""
    bundle = release()
    applied = {
        "release": bundle.release,
        "components": bundle.components,
        "namespace": bundle.namespace,
        "kubernetes": "1.35.8",
        "cluster_uid": "0f9c3c2e-6a52-4a2b-9d59-1f6f5f3f8f11/8d1f0a6c54b2e937",
        "actions": {"create": [str(key) for key in bundle.objects()]},
        "elapsed": 1.7,
    }
    controllers = sorted(item["metadata"]["name"] for item in bundle.objects("Deployment"))
    services = ("kubeflow-trainer-controller-manager", "jobset-webhook-service")
    runtimes = sorted(
        (item["metadata"] for item in bundle.objects("ClusterTrainingRuntime")), key=lambda it: it["name"]
    )
    waited = {
        "controllers": [{"name": name, "ready": "1/1", "status": "Running"} for name in controllers],
        "certificates": [
            {"service": service, "days_left": 364, "problem": "", "not_checked": ""} for service in services
        ],
        "runtimes": [
            {"name": item["name"], "framework": item["labels"]["trainer.kubeflow.org/framework"], "proven": True}
            for item in runtimes
        ],
        "elapsed": 4.0,
    }
    return report({"apply": applied, "wait": waited})


def test_install() -> None:
    blocks = re.findall(r"(?<=\n\n)```\n(.*?)\n```", section("install", "What a run prints"), re.DOTALL)
    assert blocks[0].partition("\n\nPLAY RECAP")[0] == report_of_an_install()


def test_the_readme_shortens_that_output() -> None:
    [shown] = re.findall(r"(?<=\n\n)```\n(.*?)\n```", (CLONE / "README.md").read_text(), re.DOTALL)
    lines = iter(report_of_an_install().splitlines())
    assert all(line in lines for line in shown.splitlines())


def looked(readings: Readings, **more: Any) -> dict[str, Any]:
    """What trainer_operator_info returns of these readings."""
    facts = facts_of("https://127.0.0.1:38111", release(), readings, "bundled")
    blockers, warnings = judge(facts)
    return {**facts, "blockers": blockers, "warnings_found": warnings, **more}


def test_preflight() -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    image = {"image": "registry.k8s.io/kueue/kueue:v0.17.0"}
    kueue = {"spec": {"template": {"spec": {"containers": [image]}}}}
    readings = empty(
        quotas=page([quota]), deployments=page([kueue]), groups={"kueue.x-k8s.io": frozenset()}, version="1.35.8"
    )
    assert sample("install", "Preflight") == findings(looked(readings))


def test_status() -> None:
    runtimes = [managed(item) for item in release().objects("ClusterTrainingRuntime")]
    uid = "d7a34029-73e1-4a4e-baf5-dbaac6cd444f"
    readings = installed(
        version="1.35.8",
        kube_system={"metadata": {"name": "kube-system", "uid": uid}},
        cluster_runtimes=page(runtimes),
    )
    names = sorted(item["metadata"]["name"] for item in release().webhook_configurations())
    rows = [
        {"configuration": name, "not_after": "2036-11-20T00:00:00Z", "days_left": 3649 + number}
        for number, name in enumerate(names)
    ]
    assert sample("verify", "Status") == screen(status(looked(readings, certificates=rows)))


def test_the_accepted_codes_of_the_page_are_warnings() -> None:
    accepted = re.findall(r"`conductor_accept: \[(\w+)\]`", section("install", "Preflight"))
    assert accepted
    assert {BY_CODE[code].severity for code in accepted} == {"warning"}
