# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of examples/rbac on a real cluster: an install and a proof go through, and what they need they use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import Right
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from ansible_collections.conductor.trainer.plugins.module_utils.rights.required import required_for_install
from tests.integration.connections.asking import User, said
from tests.integration.connections.conftest import Access
from tests.support.audit import is_write
from tests.support.playing import CLONE, Played
from tests.support.rbac_examples import account_of, hand_out
from tests.support.real_cluster import RealCluster

BUNDLE = load_bundle(str(CLONE / "roles" / "conductor" / "files" / "bundles" / "2.3.0.json"))


def requests_of(cluster: RealCluster, account: tuple[str, str]) -> list[dict[str, Any]]:
    """The audit events of a ServiceAccount, each request once."""
    user = ":".join(["system:serviceaccount", *account])
    events = [json.loads(line) for line in cluster.audit_log()]
    return [event for event in events if event["user"].get("username") == user and event["stage"] != "ResponseStarted"]


def used_right(event: dict[str, Any]) -> Right:
    """The right that a request takes."""
    target = event["objectRef"]
    resource = "/".join(filter(None, [target["resource"], target.get("subresource")]))
    # The audit log takes the name of what is posted from its body, the authorizer has none.
    name = "" if event["verb"] == "create" else target.get("name", "")
    namespace = target.get("namespace", "") if target["resource"] != "namespaces" else ""
    return Right(event["verb"], target.get("apiGroup", ""), resource, namespace, name)


@pytest.fixture(scope="module")
def verified(cluster: RealCluster, access: Access, installed: Played, user: User) -> Played:
    """The end of a proof and a look by somebody who may do no more than that."""
    namespace, name = hand_out(cluster, "verify")
    token = cluster.kubectl("create", "token", name, f"--namespace={namespace}", "--duration=1h").strip()
    user.secrets.append(token)
    ca = user.write("ca.pem", access.ca_cert)
    hosts = {
        "here": {
            "ansible_connection": "local",
            "conductor_host": access.host,
            "conductor_api_key": token,
            "conductor_ca_cert": str(ca),
        }
    }
    options = {"host": access.host, "api_key": token, "ca_cert": str(ca)}
    look = {"hosts": "all", "gather_facts": False, "tasks": [{"conductor.trainer.trainer_operator_info": options}]}
    both = [{"ansible.builtin.import_playbook": str(CLONE / "playbooks" / "verify.yml")}, look]
    return user.run(str(user.write("verify.yml", both)), hosts=hosts)


def refused(events: list[dict[str, Any]]) -> list[str]:
    """Those that the authorizer refused. Webhooks refuse bad probes, as they should."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in events
        if event["annotations"].get("authorization.k8s.io/decision") != "allow"
    ]


def test_an_install_is_refused_nothing(cluster: RealCluster, installed: Played) -> None:
    events = requests_of(cluster, account_of("install"))
    assert events
    assert refused(events) == []


def test_an_install_uses_all_that_it_is_said_to_need(cluster: RealCluster, installed: Played) -> None:
    used = {used_right(event) for event in requests_of(cluster, account_of("install")) if "objectRef" in event}
    # An apply is logged as a patch, also where it creates.
    used |= {right._replace(verb="create") for right in used if right.verb == "patch"}
    # A lease is watched only while another run is at work.
    needed = {right for right in required_for_install(BUNDLE) if (right.verb, right.resource) != ("watch", "leases")}
    if not any(right.verb == "watch" for right in used):
        # On a busy machine the controllers may serve before the wait begins.
        needed -= {right for right in needed if right.verb == "watch"}
    assert sorted(needed - used) == []


def test_a_proof_is_refused_nothing_and_stores_nothing(cluster: RealCluster, verified: Played) -> None:
    assert verified.code == 0, said(verified, "here")
    assert verified.recap["here"]["changed"] == 0
    events = requests_of(cluster, account_of("verify"))
    assert events
    assert refused(events) == []
    assert [event["requestURI"] for event in events if is_write(event)] == []
