# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, UnreachableError
from ansible_collections.conductor.trainer.plugins.module_utils.install.conflicts import (
    conflict_error,
    conflicts_of,
    is_of_controllers,
    is_ownership_conflict,
    owners_of,
    value_at,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key

CONFIG = Key("v1", "ConfigMap", "ops", "config")
SECRET = Key("v1", "Secret", "ops", "cert")
# One path for each form that structured-merge-diff writes.
LIVE: dict[str, Any] = {
    "metadata": {"labels": {"app.kubernetes.io/name": "a", "app": "b"}, "finalizers": ["x/y", "z"]},
    "spec": {
        "containers": [{"name": "side", "image": "s:1"}, {"name": 'od]d"', "image": "m:1"}],
        "ports": [{"port": 443, "name": "https"}, {"port": 443, "protocol": "UDP", "name": "quic"}],
        "list": [{"a": 1}, {"a": 2}],
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".metadata.labels.app", "b"),
        (".metadata.labels.app.kubernetes.io/name", "a"),
        ('.metadata.finalizers[="x/y"]', "x/y"),
        ('.spec.containers[name="od]d\\""].image', "m:1"),
        ('.spec.ports[port=443,protocol="TCP"].name', "https"),
        ('.spec.ports[port=443,protocol="UDP"].protocol', "UDP"),
        (".spec.list[1].a", 2),
        (".spec.list[7].a", None),
        (".spec.nothing", None),
        (".spec.containers.image", None),
        ('.spec.containers[name="side', None),
        (".spec.list[a=oops]", None),
        ("", LIVE),
    ],
)
def test_a_field_path_of_the_server_is_followed(path: str, found: Any) -> None:
    assert value_at(LIVE, path) == found


def refused(*causes: tuple[str, str]) -> ApiError:
    return ApiError(
        "Apply failed with 1 conflict",
        status=409,
        reason="Conflict",
        causes=[{"field": field, "message": message} for field, message in causes],
    )


def test_only_a_conflict_of_ownership_counts_as_one() -> None:
    assert is_ownership_conflict(refused((".a", 'conflict with "x" using v1')))
    assert not is_ownership_conflict(refused())
    assert not is_ownership_conflict(ApiError("no", status=422, reason="Conflict", causes=[{}]))
    assert not is_ownership_conflict(UnreachableError("no"))


def test_owners_are_read_off_the_servers_words() -> None:
    error = refused((".a", 'conflict with "kubectl-edit" using v1'), (".b", 'conflict with "helm"'), (".c", "odd"))
    assert owners_of(error) == {"kubectl-edit", "helm", ""}


def test_field_manager_and_both_values_are_named_except_for_our_own() -> None:
    error = refused(
        (".data.a", 'conflict with "kubectl-edit" using v1'),
        (".data.b", 'conflict with "conductor" using v1'),
        (".data.c", "odd"),
    )
    live, wanted = {"data": {"a": "2", "c": "x" * 99}}, {"data": {"a": "1", "b": "1"}}
    found = conflicts_of(error, CONFIG, live, wanted, "conductor")
    assert [(conflict.field, conflict.owner, conflict.live, conflict.wanted) for conflict in found] == [
        (".data.a", "kubectl-edit", '"2"', '"1"'),
        (".data.c", "", '"' + "x" * 59 + "... (101 characters)", ""),
    ]
    text = str(conflict_error(found))
    assert text.startswith(
        "dry run: nothing was written: field conflicts with other managers:\n  ConfigMap ops/config: "
    )
    assert '.data.a is managed by kubectl-edit ("2"); the release has "1"' in text
    assert '.data.c is managed by another manager ("xxx' in text
    assert "the release has no value" in text
    assert text.endswith("force_conflicts: true to overwrite them")


def test_unreadable_and_secret_values_are_not_shown() -> None:
    error = refused((".data.tls", 'conflict with "x" using v1'))
    (secret,) = conflicts_of(
        error, SECRET, {"data": {"tls": "cHJpdmF0ZQ=="}}, {"data": {"tls": "bWluZQ=="}}, "conductor"
    )
    assert (secret.live, secret.wanted) == ("(not shown)", "(not shown)")
    (unread,) = conflicts_of(error, CONFIG, None, {"data": {"tls": 1}}, "conductor")
    assert "is managed by x; the release has 1" in str(conflict_error([unread]))


def test_many_conflicts_stay_readable() -> None:
    error = refused(*((f".data.a{number}", 'conflict with "x"') for number in range(50)))
    found = conflict_error(conflicts_of(error, CONFIG, {}, {}, "conductor"))
    assert "and 30 more" in str(found)
    assert len(found.facts["conflicts"]) == 20
    assert set(found.facts["conflicts"][0]) == {"object", "field", "owner", "live", "wanted"}


CA_BUNDLE = '.webhooks[name="mpod.kb.io"].clientConfig.caBundle'


@pytest.mark.parametrize(
    ("field", "owner", "of_controllers"),
    [
        (CA_BUNDLE, "manager", True),
        (CA_BUNDLE, "trainer-controller-manager", True),
        (CA_BUNDLE, "conductor", True),
        (CA_BUNDLE, "kubectl-patch", False),
        (CA_BUNDLE, "cert-manager-cainjector", False),
        ('.webhooks[name="mpod.kb.io"].failurePolicy', "manager", False),
    ],
)
def test_a_certificate_that_a_controller_wrote_is_overwritten(field: str, owner: str, of_controllers: bool) -> None:
    causes = [{"field": field, "message": f'conflict with "{owner}" using admissionregistration.k8s.io/v1'}]
    error = ApiError("conflict", status=409, reason="Conflict", causes=causes)
    assert is_of_controllers(error) is of_controllers
    causes.append({"field": ".webhooks", "message": 'conflict with "kubectl"'})
    assert not is_of_controllers(ApiError("conflict", status=409, reason="Conflict", causes=causes))
