# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of the catalogue of rejections fit together."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.rejections.catalogue import ENTRIES, FALLBACKS
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.entry import NAME, QUOTED, Entry
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.object_entries import OBJECTS
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.policy_entries import POLICIES
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.server_entries import SERVER
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.webhook_entries import WEBHOOKS

# What every rejection fills in, besides the groups of its expression.
ALWAYS = {"what", "where", "exempt", "flag", "called", "by_binding", "limit_range", "a_limit_range", "resources"}


def test_every_kind_occurs_once() -> None:
    assert (*WEBHOOKS, *POLICIES, *OBJECTS, *SERVER) == ENTRIES
    kinds = [entry.kind for entry in (*ENTRIES, *FALLBACKS)]
    assert len(set(kinds)) == len(kinds)


def placeholders(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(text) if name}


@pytest.mark.parametrize("entry", [*ENTRIES, *FALLBACKS], ids=lambda entry: entry.kind)
def test_every_placeholder_is_filled(entry: Entry) -> None:
    groups = set(re.compile(entry.words).groupindex)
    outer = {group for kind in entry.within for group in re.compile(words_of(kind)).groupindex}
    for text in (entry.cause, entry.next_step, entry.if_given, entry.if_installed):
        assert placeholders(text) <= groups | outer | ALWAYS


def words_of(kind: str) -> str:
    return next(entry.words for entry in ENTRIES if entry.kind == kind)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.within], ids=lambda entry: entry.kind)
def test_a_special_case_belongs_to_an_entry_that_keeps_what_it_quotes(entry: Entry) -> None:
    assert all("detail" in re.compile(words_of(kind)).groupindex for kind in entry.within)


def test_names_in_quotes_may_be_escaped() -> None:
    for text in ('"a.b"', '\\"a.b\\"'):
        found = re.fullmatch(QUOTED, text)
        assert found
        assert found["name"] == "a.b"
    assert re.fullmatch(NAME, "team-a.small")
