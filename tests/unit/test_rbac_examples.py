# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles people are to copy hold exactly the rights that the library takes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import Right
from ansible_collections.conductor.trainer.plugins.module_utils.names import INSTALL_LEASE, INSTALL_RECORD
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of, resource_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import LEASES
from ansible_collections.conductor.trainer.plugins.module_utils.rights.grants import RBAC, granted_by
from ansible_collections.conductor.trainer.plugins.module_utils.rights.required import (
    optional_for_install,
    required_for_install,
    to_explain,
    to_inspect,
    to_probe,
    to_prove_pulls,
    to_read,
    to_wait,
)
from tests.support.rbac_examples import FOLDER, NAMESPACES, POLICY, manifests, rights_of, roles
from tests.unit.plugins.helpers.states import release

SMOKE_NAMESPACE = "conductor-smoke"
READING_VERBS = {"get", "list", "watch"}


def to_grant() -> list[Right]:
    """The verbs on the release's roles that stand for all the rights in them."""
    return [
        Right(verb, RBAC, f"{kind.lower()}s", key_of(manifest).namespace, name)
        for manifest in release().objects()
        for verb, kind, name in (granted_by(manifest),)
        if verb
    ]


def once(rights: Iterable[Right]) -> set[Right]:
    """Without those that follow from others: to list everywhere is to list here."""
    found = set(rights)
    return {
        right
        for right in found
        if not any(
            wider != right and wider in found
            for wider in (right._replace(namespace="", name=""), right._replace(namespace=""), right._replace(name=""))
        )
    }


WANTED = {
    "install": once(
        [*required_for_install(release()), *(each.right for each in optional_for_install(release())), *to_grant()]
    ),
    "verify": once(
        [
            *to_read(release()),
            *to_wait(release()),
            *to_probe(release()),
            *to_inspect(release()),
            *(each.right for each in to_explain(release())),
        ]
    ),
    "pull-proof": set(to_prove_pulls(release())),
}
# Objects that options add are applied like those of the release, and deleted when the options are taken away.
LAID = with_options(release(), {"replicas": 2, "image_pull_credentials": {"m.io": {"username": "u", "password": "p"}}})
WANTED["options"] = {
    *(set(required_for_install(LAID)) - set(required_for_install(release()))),
    *({each.right for each in optional_for_install(LAID)} - {each.right for each in optional_for_install(release())}),
    *(
        Right("delete", resource.group, resource.plural, key.namespace, key.name)
        for key in map(key_of, LAID.objects())
        for resource in (resource_of(key.api_version, key.kind),)
        if key not in set(map(key_of, release().objects()))
    ),
}


@pytest.mark.parametrize("name", sorted(WANTED))
def test_neither_more_nor_less_than_is_taken(name: str) -> None:
    held = rights_of(manifests(name))
    assert sorted(set(held) - WANTED[name]) == []
    assert sorted(WANTED[name] - set(held)) == []
    assert len(held) == len(set(held)), "a right is given twice"


@pytest.mark.parametrize("name", sorted(WANTED))
def test_no_wildcard(name: str) -> None:
    assert "*" not in {word for right in rights_of(manifests(name)) for word in right}


def test_whoever_verifies_writes_nothing_but_probes() -> None:
    writing = {right for right in rights_of(manifests("verify")) if right.verb not in READING_VERBS}
    assert writing == set(to_probe(release()))


@pytest.mark.parametrize("name", [*sorted(WANTED), "uninstall"])
def test_every_role_is_bound_to_the_one_service_account(name: str) -> None:
    objects = manifests(name)
    (account,) = (found["metadata"] for found in objects if found["kind"] == "ServiceAccount")
    bindings = [found for found in objects if found["kind"].endswith("Binding")]
    for binding in bindings:
        assert binding["subjects"] == [{"kind": "ServiceAccount", **account}]
    assert sorted(
        (found["roleRef"]["kind"], found["roleRef"]["name"], found["metadata"].get("namespace")) for found in bindings
    ) == sorted(
        (found["kind"], found["metadata"]["name"], found["metadata"].get("namespace")) for found in roles(objects)
    )


@pytest.mark.parametrize("name", [*sorted(WANTED), "uninstall"])
def test_a_file_makes_and_deletes_no_namespace(name: str) -> None:
    objects = manifests(name)
    assert "Namespace" not in {found["kind"] for found in objects}
    found = {found["metadata"].get("namespace") for found in objects} - {None}
    assert found == set(NAMESPACES) - ({release().probe_namespace} if name in ("pull-proof", "options") else set())
    assert {release().namespace, release().probe_namespace} < set(NAMESPACES)


@pytest.mark.parametrize("name", [*sorted(WANTED), "uninstall"])
def test_every_rule_has_its_reason(name: str) -> None:
    """A comment before the rule, or before those that it follows."""
    explained = False
    for line in (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        if line == "rules:":
            explained = False
        elif line.startswith("  # "):
            explained = True
        elif line.startswith("  - apiGroups"):
            assert explained, line


def test_the_policy_is_about_what_probes_create() -> None:
    policy, binding = manifests(POLICY)
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    rules = policy["spec"]["matchConstraints"]["resourceRules"]
    assert {(group, resource) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]} == {
        (right.group, right.resource) for right in to_probe(release())
    }


def test_a_pull_proof_is_allowed_to_the_identity_that_installs() -> None:
    (account,) = (found["metadata"] for found in manifests("pull-proof") if found["kind"] == "ServiceAccount")
    assert account in [found["metadata"] for found in manifests("install") if found["kind"] == "ServiceAccount"]
    # An installer that has not chosen it creates no pods.
    assert Right("create", "", "pods", release().namespace, "") not in rights_of(manifests("install"))


# What the smoke job sends, and why: beside the TrainJob itself its runtime, and the objects that are watched.
FOLLOWED = (("trainer.kubeflow.org", "trainjobs"), ("jobset.x-k8s.io", "jobsets"), ("", "pods"))
SMOKE = {
    *(Right(verb, group, plural, SMOKE_NAMESPACE, "") for group, plural in FOLLOWED for verb in ("list", "watch")),
    *(Right(verb, "trainer.kubeflow.org", "trainjobs", SMOKE_NAMESPACE, "") for verb in ("get", "create", "delete")),
    # Server-side apply makes it; its deletion is waited for.
    *(
        Right(verb, "trainer.kubeflow.org", "trainingruntimes", SMOKE_NAMESPACE, "")
        for verb in ("get", "create", "patch", "delete", "list", "watch")
    ),
    Right("get", "", "pods/log", SMOKE_NAMESPACE, ""),
    # Why a Job failed, and who refuses its pods.
    Right("list", "batch", "jobs", SMOKE_NAMESPACE, ""),
    Right("list", "", "events", SMOKE_NAMESPACE, ""),
    # What would reject them.
    *(Right("list", "", plural, SMOKE_NAMESPACE, "") for plural in ("limitranges", "resourcequotas")),
    *(Right("get", "", "namespaces", "", name) for name in (SMOKE_NAMESPACE, "kube-system")),
}


def test_the_smoke_job_takes_these_rights_in_its_own_namespace() -> None:
    held = rights_of(manifests("smoke"))
    assert set(held) == SMOKE
    assert len(held) == len(set(held))
    (account,) = (found["metadata"] for found in manifests("smoke") if found["kind"] == "ServiceAccount")
    bindings = [found for found in manifests("smoke") if found["kind"].endswith("Binding")]
    assert [found["subjects"] for found in bindings] == [[{"kind": "ServiceAccount", **account}]] * 2
    assert {found["roleRef"]["name"] for found in bindings} == {found["metadata"]["name"] for found in bindings}


def test_every_right_of_the_smoke_job_has_its_reason() -> None:
    lines = (FOLDER / "smoke.yaml").read_text(encoding="utf-8").splitlines()
    explained = False
    for line in lines:
        explained = (explained or line.startswith("      # ")) and line.strip() != "rules:"
        assert explained or not line.startswith("      - apiGroups"), line


# The kinds whose objects have names that only their users know.
OF_USERS = {"clustertrainingruntimes", "jobsets", "trainingruntimes", "trainjobs"}


def test_an_uninstall_may_delete_each_object_of_the_release_and_no_other() -> None:
    held = set(rights_of(manifests("uninstall")))
    deleted = {right for right in held if right.verb == "delete" and right.resource not in OF_USERS}
    keys = [key_of(manifest) for manifest in release().objects() if manifest["kind"] != "ClusterTrainingRuntime"]
    keys += [Key("v1", "ConfigMap", release().namespace, INSTALL_RECORD)]
    keys += [Key("coordination.k8s.io/v1", "Lease", release().namespace, name) for name in (*LEASES, INSTALL_LEASE)]
    resources = [resource_of(key.api_version, key.kind) for key in keys]
    wanted = {
        Right("delete", resource.group, resource.plural, key.namespace, key.name)
        for key, resource in zip(keys, resources, strict=True)
    }
    assert sorted(deleted - wanted) == []
    assert sorted(wanted - deleted) == []
    assert {right.resource for right in held if right.verb == "delete"} >= OF_USERS


def test_an_uninstall_reads_what_is_there_and_changes_nothing() -> None:
    held = set(rights_of(manifests("uninstall")))
    writing = {right for right in held if right.verb not in READING_VERBS | {"delete"}}
    assert {(right.verb, right.resource) for right in writing} == {
        ("patch", "clustertrainingruntimes"),
        ("patch", "trainingruntimes"),
        ("create", "leases"),
        ("patch", "leases"),
    }
    # Whatever else is in a namespace would be deleted with it, so every type is listed there, and nowhere else.
    assert {right for right in held if right.resource == "*"} == {
        Right("list", "*", "*", namespace, "") for namespace in (release().namespace, release().probe_namespace)
    }
