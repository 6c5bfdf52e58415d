# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/causes.md matches the catalogues."""

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
# Failure causes

The likely causes that a failed wait reports, and the next step for each. Words in braces stand for facts about the
cluster.
"""


def section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(["", f"## {title}", "", "| cause | next |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows), ""])


def rendered() -> str:
    # Several signs may have one cause.
    certain = dict.fromkeys((entry.cause, entry.next_step) for entry in SIGNATURES if entry.grace != SLOW)
    slow = [(entry.cause, entry.next_step) for entry in SIGNATURES if entry.grace == SLOW]
    words = [(entry.cause.replace("{0}{1}", "{0}"), entry.next_step) for entry in FAILURE_CAUSES]
    calls = [(entry.cause, entry.next_step) for entry in WEBHOOK_CAUSES]
    return HEAD + "".join(
        [
            section("A controller cannot start: the wait fails at once", certain),
            section("A controller may only be slow: the wait continues until its timeout", slow),
            section("Found in its log, or in warning events", words),
            section("A webhook call fails, or another check rejects the test object", calls),
        ]
    )


def test_the_page_matches_the_catalogues() -> None:
    assert (ROOT / "docs" / "causes.md").read_text(encoding="utf-8") == rendered()
