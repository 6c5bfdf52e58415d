# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of causes is what the code knows."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES, SLOW
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import FAILURE_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.webhook_causes import WEBHOOK_CAUSES
from tests.unit.plugins.helpers.builders import ROOT

HEAD = """<!--
Copyright: Conductor contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
# Why it does not come up

What a wait that fails says of the likely cause, and what to do about it. Words in braces stand for what is found on the
cluster.
"""


def section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(
        ["", f"## {title}", "", "| cause | to do |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows), ""]
    )


def rendered() -> str:
    # One cause may be known by several signs.
    certain = dict.fromkeys((entry.cause, entry.next_step) for entry in SIGNATURES if entry.grace != SLOW)
    slow = [(entry.cause, entry.next_step) for entry in SIGNATURES if entry.grace == SLOW]
    words = [(entry.cause.replace("{0}{1}", "{0}"), entry.next_step) for entry in FAILURE_CAUSES]
    calls = [(entry.cause, entry.next_step) for entry in WEBHOOK_CAUSES]
    return HEAD + "".join(
        [
            section("A controller that will not start: the wait ends at once", certain),
            section("A controller that may only be slow: waited for until the deadline", slow),
            section("Told by its log, or by the warnings about it", words),
            section("A webhook that cannot be called, or does not get to see what is sent", calls),
        ]
    )


def test_the_page_is_what_the_code_knows() -> None:
    assert (ROOT / "docs" / "causes.md").read_text(encoding="utf-8") == rendered()
