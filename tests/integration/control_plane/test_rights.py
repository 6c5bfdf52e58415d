# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of examples/rbac, on a server that enforces them: enough, and each right named when it is taken away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import resource_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from ansible_collections.conductor.trainer.plugins.module_utils.rights.required import to_read, to_write
from tests.support.control_plane import ControlPlane
from tests.support.rbac_examples import FOLDER, NAMESPACES, POLICY, Manifest, hand_out, manifests, rights_of, roles
from tests.support.states import States, apply, grant, our_bundle
from tests.unit.plugins.helpers.installing import ensure_present

RBAC = "rbac.authorization.k8s.io"
FULL = {role["metadata"].get("namespace", ""): role for role in roles(manifests("install"))}
# (verb, API group, resource, namespace), for all names at once.
EACH = sorted({right[:4] for right in rights_of(FULL.values())})
# Those that an install takes before it is done. What else lacks shows later, or not at all; the namespaces are there.
OWN = {right[:4] for right in (*to_write(our_bundle()), *to_read(our_bundle()))} - {("create", "", "namespaces", "")}


def set_up(plane: ControlPlane, name: str) -> ControlPlane:
    """The control plane as the ServiceAccount sees it that has the rights in a file."""
    one = plane.service_account(*hand_out(plane, name))
    for role in roles(manifests(name)):
        await_role(plane, one.user, role)
    return one


def await_role(plane: ControlPlane, user: str, role: Manifest) -> None:
    """Waits until the server knows the role, and that it is this user's."""
    rule, namespace = role["rules"][-1], role["metadata"].get("namespace", "")
    name = rule.get("resourceNames", [""])[0]
    plane.await_right(user, rule["verbs"][0], rule["resources"][0], namespace, rule["apiGroups"][0], name)


# -- as they are -------------------------------------------------------------------------------------------------------


def test_the_installer_installs(plane: ControlPlane, bundle: Bundle) -> None:
    installer = set_up(plane, "install")
    looked = inspect(installer.client(), bundle)
    assert (looked["blockers"], looked["warnings_found"]) == ([], [])
    assert looked["permissions"]["optional"] == looked["permissions"]["unreadable"] == []

    mark = plane.now()
    done = ensure_present(installer.client(), bundle)
    # The two namespaces were made before.
    assert {verb: len(names) for verb, names in done["actions"].items()} == {
        "adopt": 2,
        "create": len(bundle.objects()) - 2,
    }
    # Intent and record, and the operator's namespace is taken over from kubectl.
    assert len(plane.writes_of_run(mark, installer.user)) == len(bundle.objects()) + 3
    again = inspect(installer.client(), bundle)
    assert (again["blockers"], again["warnings_found"]) == ([], [])
    assert (again["trainer"]["state"], again["jobset"]["state"]) == ("complete", "bundled")

    mark = plane.now()
    assert not ensure_present(installer.client(), bundle)["changed"]
    assert plane.writes_since(mark, installer.user) == []


def test_the_installer_foresees_and_repairs(installed: ControlPlane, bundle: Bundle) -> None:
    installer = set_up(installed, "install")
    installed.kubectl("label", "clusterrole", "jobset-manager-role", "conductor.trainer/managed-")
    installed.kubectl("delete", "service", "jobset-webhook-service", f"--namespace={bundle.namespace}")
    foretold = ensure_present(installer.client(), bundle, check=True, with_diff=True)
    done = ensure_present(installer.client(), bundle)
    assert foretold["actions"] == done["actions"]
    assert done["actions"] == {
        "create": [f"Service {bundle.namespace}/jobset-webhook-service"],
        "update": ["ClusterRole jobset-manager-role"],
    }


def test_the_installer_is_no_administrator(plane: ControlPlane) -> None:
    installer = set_up(plane, "install").client()
    for manifest in (
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "mine"}, "rules": []},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "kubeflow-system"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine", "namespace": "default"}},
    ):
        with pytest.raises(ApiError, match="is forbidden"):
            installer.server_side_apply(manifest)


def test_the_verifier_looks_and_compares(states: States, bundle: Bundle) -> None:
    plane = states.enter("ours-healthy")
    verifier = set_up(plane, "verify")
    mark = plane.now()
    looked = inspect(verifier.client(), bundle)
    assert looked["blockers"] == []
    assert [finding["code"] for finding in looked["warnings_found"]] == ["repair_not_permitted"]
    assert looked["permissions"]["unreadable"] == []
    assert (looked["trainer"]["healthy"], looked["jobset"]["healthy"]) == (True, True)
    assert not ensure_present(verifier.client(), bundle, check=True)["changed"]
    assert plane.writes_since(mark, verifier.user) == []


def test_the_verifier_is_told_what_differs_and_cannot_repair_it(installed: ControlPlane, bundle: Bundle) -> None:
    verifier = set_up(installed, "verify")
    installed.kubectl("delete", "service", "jobset-webhook-service", f"--namespace={bundle.namespace}")
    mark = installed.now()
    for check in (True, False):
        with pytest.raises(RightsError) as caught:
            ensure_present(verifier.client(), bundle, check=check)
        assert caught.value.facts["actions"] == {"create": [f"Service {bundle.namespace}/jobset-webhook-service"]}
    assert installed.writes_since(mark, verifier.user) == []


def test_with_the_policy_probes_are_all_the_verifier_sends(states: States, bundle: Bundle) -> None:
    plane = states.enter("ours-without-webhooks")
    verifier = set_up(plane, "verify").client()
    plane.kubectl("apply", "-f", str(FOLDER / f"{POLICY}.yaml"))
    probes = [probe.manifest for probe in bundle.probes]
    runtime, pod = (next(one for one in probes if one["kind"] == kind) for kind in ("ClusterTrainingRuntime", "Pod"))
    await_refusal(plane.client(), pod)

    # Whatever the webhooks would say: the way to them is open.
    for manifest in probes:
        if manifest["metadata"].get("namespace"):
            verifier.dry_run_create(manifest)
            refused(partial(post, verifier, manifest), "reserved for dry runs")
        else:
            verifier.server_side_apply(manifest, dry_run=True)
            refused(partial(verifier.server_side_apply, manifest), "reserved for dry runs")
    other: Manifest = {**runtime, "metadata": {"name": "mine"}}
    refused(partial(verifier.server_side_apply, other, dry_run=True), "cannot patch resource")
    refused(partial(post, verifier, other), "cannot create resource")
    # Nobody else is in its way.
    plane.client().server_side_apply({**pod, "metadata": {**pod["metadata"], "namespace": "default"}}, dry_run=True)
    plane.client().server_side_apply(other)


def refused(send: Callable[[], Any], words: str) -> None:
    with pytest.raises(ApiError, match=words) as caught:
        send()
    assert caught.value.status == 403


def post(cluster: Cluster, manifest: Manifest) -> dict[str, Any]:
    resource = resource_of(manifest["apiVersion"], manifest["kind"])
    path = resource.path(manifest["metadata"].get("namespace"))
    return cluster.request("POST", path, body=manifest, step="create", subject=str(resource))


def await_refusal(cluster: Cluster, pod: Manifest) -> None:
    """Waits until the policy is in force: the server learns of it a moment after it is stored."""
    deadline = time.monotonic() + 30
    while True:
        # It lets dry runs pass, so it takes a pod; a name for each, because it may still pass.
        attempt = {**pod, "metadata": {**pod["metadata"], "name": f"early-{time.monotonic_ns()}"}}
        try:
            post(cluster, attempt)
        except ApiError as error:
            if "reserved for dry runs" not in error.message:
                raise
            return
        assert time.monotonic() < deadline, "the policy is not in force"


def test_an_administrator_of_the_namespace_is_told_what_the_cluster_keeps_back(
    plane: ControlPlane, bundle: Bundle
) -> None:
    plane.kubectl("create", "namespace", bundle.namespace)
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    reads = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    grant(plane, "local", reads)
    local = grant(plane, "local", rules, bundle.namespace)
    mark = plane.now()
    with pytest.raises(RightsError) as caught:
        ensure_present(local.client(), bundle)
    lines = caught.value.facts["missing_permissions"]
    assert any(line.startswith("create, patch clusterroles") for line in lines)
    assert any(line.startswith("escalate clusterroles") for line in lines)
    assert not [line for line in lines if f"in namespace {bundle.namespace}" in line]
    assert plane.writes_since(mark, local.user) == []


# -- one taken away ----------------------------------------------------------------------------------------------------


def less(role: Manifest, verb: str, group: str, resource: str) -> list[Manifest]:
    """The rules of a role without one verb on one resource type."""
    rules = []
    for rule in role["rules"]:
        if group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]:
            rest = [name for name in rule["resources"] if name != resource]
            verbs = [name for name in rule["verbs"] if name != verb]
            rules += [{**rule, "resources": rest}] if rest else []
            rules += [{**rule, "resources": [resource], "verbs": verbs}] if verbs else []
        else:
            rules.append(rule)
    return rules


def user_without(number: int) -> str:
    return f"without-{number}"


@pytest.fixture(scope="module")
def crippled(states: States) -> ControlPlane:
    """An empty server with one user for each right that is taken away. Its tests leave it as it is."""
    plane = states.enter(None)
    for namespace in NAMESPACES:
        plane.kubectl("create", "namespace", namespace)
    objects = []
    for namespace, role in FULL.items():
        users = [user_without(number) for number, right in enumerate(EACH) if right[3] != namespace]
        objects += [bare(role, "full"), binding(role, "full", users)]
    for number, (verb, group, resource, namespace) in enumerate(EACH):
        role, name = FULL[namespace], user_without(number)
        objects += [{**bare(role, name), "rules": less(role, verb, group, resource)}, binding(role, name, [name])]
    apply(plane, objects)
    for found in objects:
        if "rules" in found and found["metadata"]["name"] != "full" and found["rules"]:
            await_role(plane, found["metadata"]["name"], found)
    for namespace, role in FULL.items():
        last = max(number for number, right in enumerate(EACH) if right[3] != namespace)
        await_role(plane, user_without(last), role)
    return plane


def bare(role: Manifest, name: str) -> Manifest:
    return {**role, "metadata": {**role["metadata"], "name": name}}


def binding(role: Manifest, name: str, users: list[str]) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{role['kind']}Binding",
        "metadata": {**role["metadata"], "name": name},
        "roleRef": {"apiGroup": RBAC, "kind": role["kind"], "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user} for user in users],
    }


def named(lines: list[str]) -> set[tuple[str, str, str]]:
    """(verb, resource with group, namespace) of what lines name."""
    found = set()
    for line in lines:
        shape = re.fullmatch(r"((?:\w+, )*\w+) (\S+)(?: [^(\s]+)?(?: in namespace (\S+))?(?: \(for .*\))?", line)
        assert shape, line
        found |= {(verb, shape[2], shape[3] or "") for verb in shape[1].split(", ")}
    return found


@pytest.mark.parametrize("number", range(len(EACH)), ids=[" ".join(filter(None, right)) for right in EACH])
def test_a_right_that_is_taken_away_is_named_and_no_other(crippled: ControlPlane, bundle: Bundle, number: int) -> None:
    verb, group, resource, namespace = EACH[number]
    kind = f"{resource}.{group}" if group else resource
    user = crippled.identity(user_without(number))
    mark = crippled.now()
    facts = inspect(user.client(), bundle)

    rights = facts["permissions"]
    helpful = [line for entry in rights["optional"] for line in entry["permissions"]]
    lines = [*rights["missing"], *rights["not_grantable"], *helpful, *rights["unreadable"]]
    if namespace:
        assert named(lines) == {(verb, kind, namespace)}
    else:
        # Who may not list something everywhere may not list it here.
        assert {right[:2] for right in named(lines)} == {(verb, kind)}
        assert (verb, kind, "") in named(lines)
    findings = [*facts["blockers"], *facts["warnings_found"]]
    assert any(f"{verb} {kind}" in finding["cause"] for finding in findings), findings
    blocking = bool(rights["missing"] or rights["not_grantable"])
    assert blocking is bool({"permissions_missing", "role_not_grantable"} & {one["code"] for one in facts["blockers"]})

    if EACH[number] in OWN or verb in ("escalate", "bind"):
        assert blocking
        with pytest.raises(RightsError) as caught:
            ensure_present(user.client(), bundle)
        assert {right[:2] for right in named(caught.value.facts["missing_permissions"])} == {(verb, kind)}
    assert crippled.writes_since(mark, user.user) == []


# -- uninstall ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("switches", [{}, {"remove_crds": True, "remove_user_data": True}], ids=["plain", "everything"])
def test_the_uninstaller_uninstalls(installed: ControlPlane, bundle: Bundle, switches: dict[str, Any]) -> None:
    uninstaller = set_up(installed, "uninstall")
    foretold = ensure_absent(uninstaller.client(), bundle, check=True, **switches)
    done = ensure_absent(uninstaller.client(), bundle, timeout=60, **switches)
    assert done["counts"] == foretold["counts"]
    # The roles of whoever uninstalls are in the namespaces, which are not Conductor's alone.
    assert set(done["counts"]) >= {"Deployment", "ClusterRole", "Secret", "ClusterTrainingRuntime"}
    assert ("CustomResourceDefinition" in done["counts"]) is bool(switches)
    assert not ensure_absent(uninstaller.client(), bundle, check=True, **switches)["changed"]


def test_the_installer_cannot_uninstall(installed: ControlPlane, bundle: Bundle) -> None:
    installer = set_up(installed, "install")
    mark = installed.now()
    with pytest.raises(RightsError) as caught:
        ensure_absent(installer.client(), bundle)
    assert any(line.startswith("delete deployments.apps") for line in caught.value.facts["missing_permissions"])
    assert installed.writes_since(mark, installer.user) == []
