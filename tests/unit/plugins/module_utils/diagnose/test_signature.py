# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import re

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import SLOW, Signature


def test_a_signature_matches_any_message_and_is_certain_at_once_by_default() -> None:
    plain = Signature("it is so", "container", frozenset({"So"}), "do this")
    assert (plain.words, plain.but_not, plain.grace, plain.restarts) == ("", "", 0.0, 0)
    assert not plain.nodes_help
    assert not plain.own_fault
    with pytest.raises(dataclasses.FrozenInstanceError):
        plain.grace = SLOW  # type: ignore[misc]


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.cause)
def test_every_expression_is_valid_and_none_matches_everything_by_mistake(signature: Signature) -> None:
    for words in filter(None, (signature.words, signature.but_not)):
        assert re.compile(words, re.IGNORECASE).search("") is None
