# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the example project over two clusters, run as AWX runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.awx import SURVEY, Job
from tests.support.fleet import Fleet, ServiceAccount

# Puts a service account where a pod has it; only the processes of the job see that.
_PLACE = "/run/secrets/kubernetes.io/serviceaccount"
_BECOME_POD = f'mount -t tmpfs none /run; mkdir -p {_PLACE}; cp "$0"/* {_PLACE}; exec "$@"'
POD = ("unshare", "--mount", "--map-root-user", "sh", "-ceu", _BECOME_POD)


@pytest.fixture
def credential(healed: Fleet, tmp_path: Path) -> dict[str, str]:
    """What the example's credential type injects."""
    return {"K8S_AUTH_KUBECONFIG": str(healed.kubeconfig(tmp_path))}


def test_install_on_both(healed: Fleet, collections: Path, credential: dict[str, str], tmp_path: Path) -> None:
    job = Job(tmp_path / "job", collections, healed.contexts, SURVEY, credential, ("--forks", "2"))
    ran = job.run("install.yml")
    assert (ran.code, ran.status) == (0, "successful"), ran.text
    assert ran.count("failures") == ran.count("dark") == {"good": 0, "bad": 0}
    assert {host: report["verified"] for host, report in ran.reports.items()} == {"good": True, "bad": True}
    assert not ran.reports["good"]["changed"]


def test_a_check_of_one_cluster_touches_no_other_and_writes_nothing(
    healed: Fleet, collections: Path, credential: dict[str, str], tmp_path: Path
) -> None:
    for cluster in (healed.good, healed.bad):
        cluster.kubectl("delete", "clustertrainingruntime", "torch-distributed", "--ignore-not-found")
    limited = ("--limit", "good", "--forks", "1")
    began = healed.good.now()
    checked = Job(tmp_path / "check", collections, healed.contexts, SURVEY, credential, (*limited, "--check", "--diff"))
    ran = checked.run("install.yml")
    assert (ran.code, list(ran.reports)) == (0, ["good"]), ran.text
    report = ran.reports["good"]
    assert (report["check_mode"], report["changed"], report["verified"]) == (True, True, False)
    assert "ClusterTrainingRuntime torch-distributed" in ran.text
    assert healed.good.writes_since(began) == healed.bad.writes_since(began) == []

    ran = Job(tmp_path / "real", collections, healed.contexts, SURVEY, credential, limited).run("install.yml")
    assert (ran.code, ran.count("changed")) == (0, {"good": 1}), ran.text
    assert ran.reports["good"]["verified"]
    assert healed.good.kubectl("get", "clustertrainingruntime", "torch-distributed", "--output=name")
    assert healed.bad.writes_since(began) == []
    assert not healed.bad.kubectl("get", "clustertrainingruntime", "torch-distributed", "--ignore-not-found")


def test_on_an_execution_node(healed: Fleet, collections: Path, credential: dict[str, str], tmp_path: Path) -> None:
    job = Job(tmp_path / "install", collections, healed.contexts, SURVEY, credential)
    ran = job.run_elsewhere("install.yml")
    assert (ran.code, ran.status) == (0, "successful"), ran.text
    # The next node of a workflow gets the artifacts as extra variables.
    answers = {**SURVEY, "conductor_report": ran.reports}
    began = healed.good.now()
    ran = Job(tmp_path / "verify", collections, healed.contexts, answers, credential).run_elsewhere("verify.yml")
    assert (ran.code, ran.count("changed")) == (0, {"good": 0, "bad": 0}), ran.text
    assert {host: report["verified"] for host, report in ran.reports.items()} == {"good": True, "bad": True}
    assert healed.good.writes_since(began) == healed.bad.writes_since(began) == []


def test_the_built_in_credential_names_one_cluster(healed: Fleet, collections: Path, tmp_path: Path) -> None:
    account = ServiceAccount.make(healed.good, "credential")
    credential = {
        "K8S_AUTH_HOST": account.server,
        "K8S_AUTH_API_KEY": account.token,
        "K8S_AUTH_VERIFY_SSL": "True",
        "K8S_AUTH_SSL_CA_CERT": str(account.files(tmp_path) / "ca.crt"),
    }
    ran = Job(tmp_path / "one", collections, {"localhost": {}}, SURVEY, credential, ("-vvv",)).run("verify.yml")
    assert ran.code == 0, ran.text
    assert ran.reports["localhost"]["verified"]
    assert account.requests
    assert account.token not in ran.text

    # A host that names another cluster is not touched with it.
    asked = account.requests
    hosts = {"bad": healed.hosts["bad"]}
    ran = Job(tmp_path / "other", collections, hosts, SURVEY, credential).run("verify.yml")
    assert ran.reports["bad"]["kubernetes"]
    assert account.requests == asked


def test_the_cluster_that_awx_runs_in_is_used_only_when_it_is_meant(
    healed: Fleet, collections: Path, tmp_path: Path
) -> None:
    account = ServiceAccount.make(healed.good, "awx")
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    wrapper = (*POD, str(account.files(folder)))
    host, _, port = account.server.removeprefix("https://").partition(":")
    pod = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}

    ran = Job(tmp_path / "unnamed", collections, {"localhost": {}}, SURVEY, pod).run("install.yml", wrapper)
    assert ran.code == 2
    assert ran.reports["localhost"]["error"]["message"].startswith("no cluster is named")
    assert account.requests == 0

    # The same pod with the one word more: so it is the missing name that kept the first job away.
    meant = {**SURVEY, "conductor_in_cluster": True}
    ran = Job(tmp_path / "meant", collections, {"localhost": {}}, meant, pod).run("verify.yml", wrapper)
    assert ran.code == 0, ran.text
    assert account.requests
