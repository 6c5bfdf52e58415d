# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.findings.accepted import (
    check_accepted,
    not_accepted,
    warning_line,
)
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import CATALOGUE

KUEUE = {"code": "kueue_mismatch", "object": "Kueue", "cause": "it is old", "next_step": "upgrade it"}


def test_every_warning_can_be_accepted_and_no_blocker() -> None:
    for entry in CATALOGUE:
        if entry.severity == "warning":
            check_accepted([entry.code])
        else:
            with pytest.raises(
                InputError, match=f"{entry.code} is a blocker, and blockers cannot be accepted"
            ) as caught:
                check_accepted(["kueue_mismatch", entry.code])
            assert "{" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("kueue_mismach", "unknown warning code kueue_mismach; did you mean kueue_mismatch?"),
        ("default-deny", "did you mean default_deny?"),
        ("all", "unknown warning code all\n"),
    ],
)
def test_an_unknown_code_is_rejected(code: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        check_accepted([code])
    assert said in str(caught.value)
    assert "Next: see docs/findings.md" in str(caught.value)


def test_an_accepted_warning_is_suppressed() -> None:
    assert not_accepted([KUEUE], []) == [KUEUE]
    assert not_accepted([KUEUE], ["default_deny"]) == [KUEUE]
    assert not_accepted([KUEUE], ["kueue_mismatch"]) == []


def test_a_warning_is_one_line() -> None:
    assert warning_line(KUEUE) == "kueue_mismatch, Kueue: it is old. Next: upgrade it"
