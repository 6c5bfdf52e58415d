# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install operation against a real API server: what is written, what is not, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.names import (
    INSTALL_LEASE,
    INSTALL_RECORD,
    MANAGED_LABEL,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.control_plane import ControlPlane
from tests.support.states import crd_terminating, namespace_terminating
from tests.unit.plugins.helpers.installing import ensure_present

# What a person changes by hand and we own.
CHANGES: dict[str, dict[str, Any]] = {
    "ClusterRole": {"rules": []},
    "ClusterRoleBinding": {"subjects": []},
    "ConfigMap": {"data": {"controller_manager_config.yaml": "changed: true\n"}},
    "Deployment": {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}},
    "Role": {"rules": []},
    "RoleBinding": {"subjects": []},
    "Service": {"spec": {"selector": {"app.kubernetes.io/name": "elsewhere"}}},
}
GRANTING = [
    f"{verb} {kind}.rbac.authorization.k8s.io" for verb in ("bind", "escalate") for kind in ("clusterroles", "roles")
]
UNLABELLED = {"metadata": {"labels": {MANAGED_LABEL: None}}}


def first_of_each_kind(bundle: Bundle) -> list[Key]:
    found: dict[str, Key] = {}
    for manifest in bundle.objects():
        found.setdefault(manifest["kind"], key_of(manifest))
    return list(found.values())


def edit(plane: ControlPlane, key: Key, patch: dict[str, Any]) -> None:
    """Changes an object as somebody with kubectl does."""
    plane.client().request(
        "PATCH",
        path_of(key),
        query={"fieldManager": "kubectl-edit"},
        body=patch,
        content_type="application/merge-patch+json",
        step="edit",
        subject=str(key),
    )


def test_a_fresh_install_writes_every_object_once(plane: ControlPlane, bundle: Bundle) -> None:
    mark = plane.now()
    result = ensure_present(plane.client(), bundle)

    objects = bundle.objects()
    assert result["changed"]
    assert {verb: len(names) for verb, names in result["actions"].items()} == {"create": len(objects)}
    # One write an object; the install record says first what is intended.
    assert len(plane.writes_of_run(mark)) == len(objects) + 2


def test_a_second_run_writes_nothing(installed: ControlPlane, bundle: Bundle) -> None:
    mark = installed.now()
    result = ensure_present(installed.client(), bundle)

    assert not result["changed"]
    assert result["unchanged"] == len(bundle.objects())
    assert installed.writes_since(mark) == []


def test_check_mode_on_an_empty_cluster_writes_nothing_and_foretells_all(plane: ControlPlane, bundle: Bundle) -> None:
    mark = plane.now()
    foretold = ensure_present(plane.client(), bundle, check=True)
    assert plane.writes_since(mark) == []

    done = ensure_present(plane.client(), bundle)
    assert foretold["changed"]
    assert foretold["actions"] == done["actions"]


def test_a_label_taken_away_from_each_kind_is_foretold_and_put_back(installed: ControlPlane, bundle: Bundle) -> None:
    drifted = first_of_each_kind(bundle)
    assert_repaired(installed, bundle, dict.fromkeys(drifted, UNLABELLED), force=False)


def test_a_field_of_each_kind_changed_by_hand_is_foretold_and_taken_back(
    installed: ControlPlane, bundle: Bundle
) -> None:
    drift = {key: CHANGES[key.kind] for key in first_of_each_kind(bundle) if key.kind in CHANGES}
    assert len(drift) == len(CHANGES)
    assert_repaired(installed, bundle, drift, force=True)


def test_a_field_changed_by_hand_is_not_taken_back_unasked(installed: ControlPlane, bundle: Bundle) -> None:
    (key,) = (key for key in first_of_each_kind(bundle) if key.kind == "Deployment")
    edit(installed, key, CHANGES["Deployment"])
    mark = installed.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(installed.client(), bundle)
    assert caught.value.facts["conflicts"] == [
        {
            "object": str(key),
            "field": ".spec.template.spec.terminationGracePeriodSeconds",
            "owner": "kubectl-edit",
            "live": "1",
            "wanted": "10",
        }
    ]
    assert installed.writes_since(mark) == []
    assert spec_of(installed, key)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 1


def assert_repaired(plane: ControlPlane, bundle: Bundle, drift: dict[Key, dict[str, Any]], *, force: bool) -> None:
    """Each of these changes is foretold, then undone by one write, and then all is as it was."""
    before = {key: spec_of(plane, key) for key in drift}
    for key, patch in drift.items():
        edit(plane, key, patch)
    names = sorted(str(key) for key in drift)
    mark = plane.now()

    foretold = ensure_present(plane.client(), bundle, check=True, force=force)
    assert foretold["actions"] == {"update": names}
    # The administrator of the control plane is the one who edits and installs.
    assert plane.writes_since(mark) == []

    repaired = ensure_present(plane.client(), bundle, force=force)
    assert repaired["actions"] == {"update": names}
    # One more for the install record.
    assert len(plane.writes_of_run(mark)) == len(names) + 1
    assert {key: spec_of(plane, key) for key in drift} == before
    assert not ensure_present(plane.client(), bundle)["changed"]


def test_what_was_deleted_is_made_again(installed: ControlPlane, bundle: Bundle) -> None:
    gone = [key for key in first_of_each_kind(bundle) if key.kind not in ("Namespace", "CustomResourceDefinition")]
    for key in gone:
        place = [f"--namespace={key.namespace}"] if key.namespace else []
        installed.kubectl("delete", key.kind.lower(), key.name, *place)

    assert ensure_present(installed.client(), bundle)["actions"] == {"create": sorted(str(key) for key in gone)}
    assert not ensure_present(installed.client(), bundle)["changed"]


def test_a_lost_record_is_made_again(installed: ControlPlane, bundle: Bundle) -> None:
    installed.kubectl("delete", "configmap", INSTALL_RECORD, f"--namespace={bundle.namespace}")

    # Every object is applied once more and stays as it is.
    result = ensure_present(installed.client(), bundle)
    assert result["actions"] == {}
    assert not ensure_present(installed.client(), bundle)["changed"]


def test_no_rights_at_all_names_every_type_that_cannot_be_read_or_written(plane: ControlPlane, bundle: Bundle) -> None:
    nobody = plane.identity("nobody")
    mark = plane.now()
    with pytest.raises(RightsError) as caught:
        ensure_present(nobody.client(), bundle)

    lines = caught.value.facts["missing_permissions"]
    types = bundle_types(bundle)
    assert types_after("list ", lines) == types
    assert types_after("create, patch ", lines) == {*types, "leases"}
    # The install record is beside what the bundle holds.
    assert [line for line in lines if line.startswith("get ")] == [
        f"get configmaps {INSTALL_RECORD} in namespace {bundle.namespace}",
        f"get leases.coordination.k8s.io {INSTALL_LEASE} in namespace {bundle.namespace}",
    ]
    assert granting(lines) == GRANTING
    # The lease is taken (create, patch) and waited for (watch) as well.
    assert len(lines) == 2 * len(types) + 2 + 2 + len(GRANTING)
    assert plane.writes_since(mark, nobody.user) == []


def test_a_reader_is_told_every_right_to_write_he_lacks(plane: ControlPlane, bundle: Bundle) -> None:
    plane.kubectl("create", "clusterrole", "reads", "--verb=get,list,watch", "--resource=*.*")
    plane.kubectl("create", "clusterrolebinding", "reads", "--clusterrole=reads", "--user=reader")
    plane.await_right("reader", "list", "secrets")
    reader = plane.identity("reader")
    mark = plane.now()

    with pytest.raises(RightsError) as caught:
        ensure_present(reader.client(), bundle)

    lines = caught.value.facts["missing_permissions"]
    types = bundle_types(bundle)
    assert types_after("create, patch ", lines) == {*types, "leases"}
    assert granting(lines) == GRANTING
    assert len(lines) == len(types) + 1 + len(GRANTING)
    assert plane.writes_since(mark, reader.user) == []


def test_a_terminating_namespace_is_refused(plane: ControlPlane, bundle: Bundle) -> None:
    namespace_terminating(plane, bundle.namespace)
    assert_refused(plane, bundle, f"Namespace {bundle.namespace}: it is Terminating since ")


def test_a_terminating_crd_is_refused_with_what_holds_it(installed: ControlPlane, bundle: Bundle) -> None:
    crd_terminating(installed, "trainjobs.trainer.kubeflow.org")
    assert_refused(
        installed,
        bundle,
        "CustomResourceDefinition trainjobs.trainer.kubeflow.org: it is Terminating",
        "example.com/held",
    )


def assert_refused(plane: ControlPlane, bundle: Bundle, *words: str) -> None:
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle)
    for word in words:
        assert word in str(caught.value)
    assert plane.writes_since(mark) == []


def spec_of(plane: ControlPlane, key: Key) -> dict[str, Any]:
    """What of an object is ours to repair: all but what the server and the controllers write."""
    whole = plane.client().get(path_of(key))
    return {
        "labels": whole["metadata"].get("labels"),
        **{name: value for name, value in whole.items() if name not in ("metadata", "status")},
    }


def bundle_types(bundle: Bundle) -> set[str]:
    return {f"{manifest['kind'].lower()}s" for manifest in bundle.objects()}


def granting(lines: list[str]) -> list[str]:
    """What lines say of the verbs that stand for all the rights of a role."""
    return sorted(" ".join(line.split()[:2]) for line in lines if line.startswith(("bind ", "escalate ")))


def types_after(verbs: str, lines: list[str]) -> set[str]:
    """The resource types, without their groups, that lines of an error name with these verbs."""
    return {line.removeprefix(verbs).split()[0].partition(".")[0] for line in lines if line.startswith(verbs)}
