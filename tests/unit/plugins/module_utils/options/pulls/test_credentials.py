# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL, PULL_SECRET
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle, phase_of, pull_secrets
from ansible_collections.conductor.trainer.plugins.module_utils.rights.required import required_for_install
from tests.unit.plugins.helpers.states import HOME, release

KEY = Key("v1", "Secret", HOME, PULL_SECRET)
OPTIONS: dict[str, Any] = {
    "image_pull_credentials": {"harbor.corp": {"username": "puller", "password": "swordfish"}},
    "image_pull_secrets": ["mirror", "mirror"],
}


def secrets(bundle: Bundle) -> list[list[str]]:
    """The names of the Secrets of each controller."""
    pods = [manifest["spec"]["template"]["spec"] for manifest in bundle.objects("Deployment")]
    return [[secret["name"] for secret in pod.get("imagePullSecrets", ())] for pod in pods]


def test_the_secret_and_who_uses_it() -> None:
    laid = with_options(release(), OPTIONS)
    [secret] = [manifest for manifest in laid.objects() if key_of(manifest) == KEY]
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert secret["metadata"]["labels"] == {MANAGED_LABEL: "true"}
    auth = base64.b64encode(b"puller:swordfish").decode()
    assert json.loads(base64.b64decode(secret["data"][".dockerconfigjson"])) == {
        "auths": {"harbor.corp": {"username": "puller", "password": "swordfish", "auth": auth}}
    }
    assert secrets(laid) == [["mirror", PULL_SECRET]] * 2
    assert laid.extras == {KEY}
    # It is pruned in the phase in which it is applied.
    [phase] = [phase.name for phase in laid.phases if secret in phase.objects]
    assert phase == phase_of("v1", "Secret")
    # Others create this one.
    assert pull_secrets(laid) == ["mirror"]


def test_the_options_of_the_record_leave_the_secret_as_it_is() -> None:
    given = with_options(release(), OPTIONS)
    recorded = with_options(release(), given.options, recorded=True)
    assert KEY not in map(key_of, recorded.objects())
    assert KEY in recorded.known
    assert recorded.options == given.options
    assert [manifest for manifest in given.objects() if key_of(manifest) != KEY] == recorded.objects()


def test_without_credentials_there_is_no_secret() -> None:
    laid = with_options(release(), {"image_pull_secrets": ["mirror"]})
    assert KEY not in laid.known
    assert secrets(laid) == [["mirror"]] * 2


def test_one_controller_pulls_with_other_secrets_and_another_policy() -> None:
    laid = with_options(
        release(),
        {
            "image_pull_secrets": ["a"],
            "image_pull_policy": "Always",
            "jobset_controller": {"image_pull_secrets": ["b"], "image_pull_policy": "Never"},
        },
    )
    found = {
        manifest["metadata"]["name"].partition("-")[0]: (
            manifest["spec"]["template"]["spec"]["imagePullSecrets"],
            manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"],
        )
        for manifest in laid.objects("Deployment")
    }
    assert found == {"kubeflow": ([{"name": "a"}], "Always"), "jobset": ([{"name": "b"}], "Never")}
    assert pull_secrets(laid) == ["a", "b"]


@pytest.mark.parametrize("name", ["Mirror", "a/b", "", "-a", "a" * 254, "a..b"])
def test_what_is_no_name_of_a_secret(name: str) -> None:
    with pytest.raises(InputError, match="is no name of a Secret"):
        with_options(release(), {"image_pull_secrets": [name]})


@pytest.mark.parametrize(
    "login",
    [
        "swordfish",
        None,
        {},
        {"username": "puller"},
        {"username": "puller", "password": ""},
        {"username": "puller", "password": 5},
        {"username": "puller", "password": {"sha256": "swordfish"}},
        {"username": "puller", "password": "swordfish", "email": "swordfish"},
    ],
)
def test_credentials_that_cannot_be_used_are_not_shown(login: Any) -> None:
    with pytest.raises(InputError) as caught:
        with_options(release(), {"image_pull_credentials": {"harbor.corp": login}})
    assert str(caught.value) == (
        "`conductor_image_pull_credentials`: harbor.corp has no username and password\n"
        "Next: set both, as texts, and nothing else"
    )


def test_the_permissions_follow_from_the_options() -> None:
    def required(options: dict[str, Any]) -> set[tuple[str, str, str]]:
        rights = set(required_for_install(with_options(release(), options))) - set(required_for_install(release()))
        assert {(right.group, right.namespace) for right in rights} <= {("", HOME)}
        return {(right.verb, right.resource, right.name) for right in rights}

    assert required({"image_pull_secrets": ["mirror"], "registries": {"*": "m.io"}}) == set()
    assert required({"image_pull_credentials": OPTIONS["image_pull_credentials"]}) == {
        ("create", "secrets", PULL_SECRET),
        ("patch", "secrets", PULL_SECRET),
    }
