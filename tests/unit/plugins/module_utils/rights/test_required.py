# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import Right
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action, Verb
from ansible_collections.conductor.trainer.plugins.module_utils.rights.required import (
    optional_for_install,
    required_for_install,
    rights_for,
    summed_up,
    to_probe,
    to_write,
)
from tests.unit.plugins.helpers.builders import DEPLOYMENT, HOME
from tests.unit.plugins.helpers.states import release


@pytest.mark.parametrize(
    ("verb", "verbs"), [("create", ["create", "patch"]), ("update", ["patch"]), ("adopt", ["patch"])]
)
def test_an_apply_is_a_patch_and_where_nothing_is_a_create_as_well(verb: Verb, verbs: list[str]) -> None:
    rights = rights_for([Action(verb, DEPLOYMENT, "controllers", ""), Action(verb, HOME, "foundation", "")])
    assert rights == [
        *(Right(name, "apps", "deployments", "ops", "manager") for name in verbs),
        *(Right(name, "", "namespaces", "", "ops") for name in verbs),
    ]


def test_everything_that_is_written_is_named() -> None:
    written = to_write(release())
    assert [right.resource for right in written if not right.name] == ["leases"]
    # A create and a patch for each object and for the install record; four for the lease.
    assert len(written) == 2 * (len(release().objects()) + 1) + 4


def test_no_probe_goes_where_a_controller_is() -> None:
    for right in to_probe(release()):
        assert right.namespace == release().probe_namespace or right.name == "conductor-probe", right


def test_no_right_is_both_needed_and_dispensable() -> None:
    needed, helpful = (
        required_for_install(release()),
        [optional.right for optional in optional_for_install(release())],
    )
    assert len({*needed, *helpful}) == len(needed) + len(helpful)


def test_the_namespaces_may_be_there_before() -> None:
    making = {Right("create", "", "namespaces", "", name) for name in release().names("Namespace")}
    assert making <= set(to_write(release()))
    assert not making & set(required_for_install(release()))
    assert making <= {optional.right for optional in optional_for_install(release())}


def test_rights_are_summed_up_by_what_they_are_to() -> None:
    rights = [
        Right("patch", "apps", "deployments", "ops", "one"),
        Right("create", "apps", "deployments", "ops", "one"),
        Right("patch", "apps", "deployments", "ops", "two"),
        Right("list", "apps", "deployments", "", ""),
        Right("get", "", "configmaps", "ops", "record"),
        Right("get", "", "namespaces", "", "a"),
        Right("get", "", "namespaces", "", "b"),
        Right("create", "", "pods", "probe", ""),
        Right("patch", "", "pods/status", "ops", ""),
        Right("bind", "rbac.authorization.k8s.io", "roles", "ops", "leads"),
    ]
    assert summed_up(rights) == [
        "bind roles.rbac.authorization.k8s.io in namespace ops (for leads)",
        "create pods in namespace probe",
        "create, patch deployments.apps in namespace ops (for one, two)",
        "get configmaps record in namespace ops",
        "get namespaces (for a, b)",
        "list deployments.apps",
        "patch pods/status in namespace ops",
    ]
