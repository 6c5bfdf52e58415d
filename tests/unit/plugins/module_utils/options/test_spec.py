# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import (
    CONTROLLERS,
    CUSTOMIZE,
    OWN,
    SHARED,
    given_options,
    variables_of,
)


@pytest.mark.parametrize(
    "nothing", [None, {}, {"replicas": None}, {"labels": {}, "patches": []}, {"priority_class": ""}]
)
def test_empty_options_count_as_not_set(nothing: object) -> None:
    assert given_options(nothing) == {}  # type: ignore[arg-type]


def test_an_exception_without_content_is_not_set() -> None:
    assert given_options({"trainer_controller": {"replicas": None, "tolerations": []}, "replicas": 0}) == {
        "replicas": 0
    }


def test_what_is_secret_and_what_is_not() -> None:
    assert [name for name, option in CUSTOMIZE.items() if option.get("no_log")] == ["image_pull_credentials"]
    # Names of Secrets, which Ansible would guess to be secret.
    assert SHARED["image_pull_secrets"]["no_log"] is False


def test_each_variable_of_an_option_with_the_controllers_that_it_is_about() -> None:
    options = {"tls": {"a": 1}, "jobset_controller": {"tls": {"b": 2}, "replicas": 1}}
    assert list(variables_of(options, "tls")) == [
        ("conductor_tls", {"a": 1}, ("trainer", "jobset")),
        ("conductor_trainer_controller.tls", {}, ("trainer",)),
        ("conductor_jobset_controller.tls", {"b": 2}, ("jobset",)),
    ]
    assert [values for _variable, values, _components in variables_of({"jobset_controller": {}}, "tls")] == [{}, {}, {}]


def test_each_controller_has_the_common_options_and_its_own() -> None:
    for name in CONTROLLERS.values():
        assert CUSTOMIZE[name]["options"] == {**SHARED, **OWN}
    assert CUSTOMIZE.keys() >= SHARED.keys()
    assert not CUSTOMIZE.keys() & OWN.keys()
