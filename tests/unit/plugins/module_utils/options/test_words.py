# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options.words import check_names, likely


@pytest.mark.parametrize(
    ("customize", "words"),
    [
        ({"registry": {}}, "there is no option registry; did you mean registries?"),
        (
            {"trainer_controller": {"tolerration": []}},
            "`conductor_trainer_controller` has no option tolerration; did you mean tolerations?",
        ),
        ({"jobset_controller": {"conductor_replicas": 2}}, "no option conductor_replicas; did you mean replicas?"),
        ({"trainer_controller": {"zzz": 1}}, "`conductor_trainer_controller` has no option zzz"),
        ({1: 2}, "there is no option 1"),
    ],
)
def test_an_unknown_name_is_rejected_with_the_likely_one(customize: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        check_names(customize)
    assert words in str(caught.value)
    assert "correct or remove it" in str(caught.value.next_step)


def test_one_name_is_the_likely_one() -> None:
    known = dict.fromkeys(("certDir", "certDirs"))
    assert likely("CERTDIR", known) == "; did you mean certDir?"
    assert likely("conductor_certdirss", known) == "; did you mean certDirs?"
    assert likely("port", known) == ""


@pytest.mark.parametrize("customize", [None, {}, "text", {"trainer_controller": {"env": [{"anything": 1}]}}])
def test_names_of_values_are_not_checked(customize: Any) -> None:
    check_names(customize)


@pytest.mark.parametrize(
    ("customize", "words"),
    [
        (3, "the option customize is no mapping"),
        ([1], "the option customize is no mapping"),
        ({"trainer_controller": 3}, "`conductor_trainer_controller` is no mapping"),
        ({"jobset_controller": True}, "`conductor_jobset_controller` is no mapping"),
        ('{"trainer_controller": 3}', "`conductor_trainer_controller` is no mapping"),
        ({"replicas": float("inf")}, "`conductor_replicas` is inf"),
        ({"trainer_controller": {"replicas": float("nan")}}, "`conductor_trainer_controller.replicas` is nan"),
    ],
)
def test_what_ansible_does_not_expect_is_rejected(customize: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        check_names(customize)
    assert words in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize("customize", ["{broken", "a=b", '{"trainer_controller": null}'])
def test_other_texts_are_left_to_ansible(customize: str) -> None:
    check_names(customize)
