# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.names import CONFIG_HASH
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import canonical
from ansible_collections.conductor.trainer.plugins.module_utils.options.configuration import edit_config
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))


def annotation(deployment: dict[str, Any]) -> str:
    return str(deployment["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH])


@pytest.mark.parametrize("component", [0, 1], ids=["trainer", "jobset"])
def test_a_change_is_written_with_its_digest(component: int) -> None:
    draft = Draft(REAL)
    controller = draft.controllers()[component]
    [before] = draft.look(controller.config_map)["data"].values()
    # The bundle computes the same digest.
    assert annotation(draft.look(controller.deployment)) == digest(draft.look(controller.config_map)["data"])
    with draft.because("config"):
        edit_config(draft, controller, lambda config: config.update(webhook={"port": 9999}))
    data = draft.look(controller.config_map)["data"]
    assert yaml.safe_load(data["controller_manager_config.yaml"]) == {
        **yaml.safe_load(before),
        "webhook": {"port": 9999},
    }
    assert "webhook:\n  port: 9999\n" in data["controller_manager_config.yaml"]
    assert annotation(draft.look(controller.deployment)) == digest(data)
    assert [change.key for change in draft.finished().changes] == [controller.config_map, controller.deployment]


def test_a_change_without_effect_edits_nothing() -> None:
    draft = Draft(REAL)
    [trainer, _jobset] = draft.controllers()
    with draft.because("config"):
        edit_config(draft, trainer, lambda config: config["webhook"].update(port=9443))
    assert draft.finished().changes == ()


def digest(data: dict[str, str]) -> str:
    return hashlib.sha256(canonical(data)).hexdigest()
