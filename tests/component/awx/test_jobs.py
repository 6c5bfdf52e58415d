# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the example project that name no cluster, or not clearly one: no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.awx import SURVEY, Job

# What AWX injects for its credential type "OpenShift or Kubernetes API Bearer Token"; nobody listens there.
CREDENTIAL = {
    "K8S_AUTH_HOST": "https://127.0.0.1:1",
    "K8S_AUTH_API_KEY": "dG9rZW4tb2YtYXd4LWNyZWRlbnRpYWw",
    "K8S_AUTH_VERIFY_SSL": "False",
}


@pytest.mark.parametrize("playbook", ["preflight.yml", "install.yml", "verify.yml", "status.yml"])
def test_a_host_that_names_no_cluster_is_refused(tmp_path: Path, collections: Path, playbook: str) -> None:
    ran = Job(tmp_path, collections, {"berlin": {}, "tokyo": {"conductor_context": ""}}, SURVEY, {}).run(playbook)
    assert (ran.code, ran.status) == (2, "failed")
    assert ran.count("failures") == {"berlin": 1, "tokyo": 1}
    assert {name: report["error"]["step"] for name, report in ran.reports.items()} == dict.fromkeys(
        ("berlin", "tokyo"), "distinct targets"
    )


def test_one_host_that_names_no_cluster_is_refused(tmp_path: Path, collections: Path) -> None:
    ran = Job(tmp_path, collections, {"localhost": {}}, SURVEY, {}).run("install.yml")
    assert (ran.code, ran.status) == (2, "failed")
    assert ran.reports["localhost"]["error"]["message"].startswith("no cluster is named")


def test_the_built_in_credential_gives_no_kubeconfig_for_a_context(tmp_path: Path, collections: Path) -> None:
    inventory = {"localhost": {"conductor_context": "berlin-admin"}}
    ran = Job(tmp_path, collections, inventory, SURVEY, CREDENTIAL).run("install.yml")
    message = ran.reports["localhost"]["error"]["message"]
    assert "no option, variable or credential gives a kubeconfig" in message
    assert "attach a credential that brings a kubeconfig" in message + str(ran.reports["localhost"]["error"])


def test_one_credential_cannot_stand_for_two_hosts(tmp_path: Path, collections: Path) -> None:
    ran = Job(tmp_path, collections, {"berlin": {}, "tokyo": {}}, SURVEY, CREDENTIAL).run("install.yml")
    assert ran.count("failures") == {"berlin": 1, "tokyo": 1}
    assert "berlin and tokyo mean the same cluster" in ran.reports["berlin"]["error"]["message"]


def test_the_credential_reaches_the_modules_and_stays_secret(tmp_path: Path, collections: Path) -> None:
    # Everything that the node needs is in the one stream that it gets.
    ran = Job(tmp_path, collections, {"localhost": {}}, SURVEY, CREDENTIAL, ("-vvv",)).run_elsewhere("verify.yml")
    assert (ran.code, ran.status) == (2, "failed")
    assert "https://127.0.0.1:1 cannot be reached" in ran.reports["localhost"]["error"]["message"]
    assert CREDENTIAL["K8S_AUTH_API_KEY"] not in ran.text


def test_what_a_survey_answer_says_is_never_run(tmp_path: Path, collections: Path) -> None:
    answers = {**SURVEY, "conductor_release": "{{ lookup('ansible.builtin.pipe', 'id') }}"}
    ran = Job(tmp_path, collections, {"localhost": {"conductor_context": "none"}}, answers, {}).run("verify.yml")
    assert "there is no bundle of release" in ran.reports["localhost"]["error"]["message"]
    assert "uid=" not in ran.text
