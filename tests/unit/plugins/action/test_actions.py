# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib

import pytest

from ansible_collections.conductor.trainer.plugins.plugin_utils.module_action import ModuleAction
from tests.unit.plugins.helpers.builders import ROOT

PACKAGE = "ansible_collections.conductor.trainer.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_an_action_of_its_name(name: str) -> None:
    action = importlib.import_module(f"{PACKAGE}.action.{name}")
    assert issubclass(action.ActionModule, ModuleAction)
    assert action.ActionModule.operation is importlib.import_module(f"{PACKAGE}.modules.{name}").OPERATION
