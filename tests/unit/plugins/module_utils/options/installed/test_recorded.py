# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed import recorded
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed.recorded import lay_recorded
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.record import recordable
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
GIVEN: dict[str, Any] = {
    "tolerations": [{"key": "x", "operator": "Exists"}],
    "jobset_controller": {"node_selector": {"pool": "system"}, "replicas": 2, "host_network": True},
    "labels": {"team": "ml"},
}


def test_recorded_options_make_the_same_objects_as_given_ones() -> None:
    given = with_options(REAL, GIVEN)
    stored = json.loads(json.dumps(recordable(GIVEN)))
    laid = lay_recorded(REAL, stored)
    assert laid.objects() == given.objects()
    assert laid.options == stored == given.options
    assert laid.plain is REAL


def test_digests_stay_digests() -> None:
    credentials = {"image_pull_credentials": {"registry.example.com": {"username": "u", "password": "hunter2"}}}
    stored = recordable(credentials)
    assert lay_recorded(REAL, stored).options == stored


def test_without_options_it_is_the_release() -> None:
    assert lay_recorded(REAL, {}) is REAL


def test_an_object_whose_secret_is_unknown_is_kept() -> None:
    draft = Draft(REAL, recorded=True)
    key = draft.all()[0]._replace(name="secret-of-an-option")
    draft.keep(key)
    assert draft.recorded
    laid = draft.finished()
    assert key in laid.known
    assert len(laid.objects()) == len(REAL.objects())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shiny": 1}, "no option shiny"),
        ({"jobset_controller": {"shiny": 1}}, "no option jobset_controller.shiny"),
        ({"shi\x1b[2Jny": 1}, r"no option shi\\x1b\[2Jny"),
        ({"tolerations": {"key": "x"}}, "tolerations has the wrong type"),
        ({"tolerations": ["x"]}, "tolerations has the wrong type"),
        ({"tolerations": None}, "tolerations has the wrong type"),
        ({"labels": ["x"]}, "labels has the wrong type"),
        ({"jobset_controller": "x"}, "jobset_controller has the wrong type"),
        ({"jobset_controller": {"replicas": "2"}}, "jobset_controller.replicas has the wrong type"),
        ({"replicas": True}, "replicas has the wrong type"),
        ({"image_pull_policy": "Sometimes"}, "image_pull_policy has the wrong type or an unknown value"),
        ({"image_pull_policy": ["Always"]}, "image_pull_policy has the wrong type or an unknown value"),
        # A person wrote a password into the record.
        ({"image_pull_credentials": {"r": {"username": "u", "password": "p"}}}, "something else than digests"),
        ({"image_pull_credentials": "p"}, "something else than digests"),
    ],
)
def test_options_that_cannot_be_used_are_an_error_with_a_next_step(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        lay_recorded(REAL, options)
    assert "the options in the install record cannot be used" in caught.value.message
    assert "`conductor_options: given`" in str(caught.value)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    "failure",
    [InputError("no", next_step="x"), TypeError("no"), KeyError("no"), ValueError("no"), AttributeError("no")],
)
def test_values_that_a_layer_does_not_expect_are_an_error_as_well(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise failure

    monkeypatch.setattr(recorded, "with_options", fail)
    with pytest.raises(InputError, match=r"an option in the install record cannot be used.*no"):
        lay_recorded(REAL, GIVEN)
