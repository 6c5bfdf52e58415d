# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.install.options import InstallOptions
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES


@pytest.mark.parametrize("phases", [(), PHASES[:1], PHASES, PHASES[::-1]])
def test_known_phases_and_warning_codes_are_valid(phases: tuple[str, ...]) -> None:
    InstallOptions(phases=phases, accept=["default_deny"]).validate()
    InstallOptions().validate()


def test_unknown_phases_are_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown phases: later, sooner") as caught:
        InstallOptions(phases=["sooner", "access", "later"]).validate()
    assert caught.value.next_step == f"use some of: {', '.join(PHASES)}"


@pytest.mark.parametrize("code", ["no_such_code", "terminating"])
def test_unknown_codes_and_blockers_cannot_be_accepted(code: str) -> None:
    with pytest.raises(InputError, match=code):
        InstallOptions(accept=[code]).validate()


def test_options_are_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        InstallOptions().force = True  # type: ignore[misc]
