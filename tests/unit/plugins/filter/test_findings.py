# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.filter.findings import FilterModule, findings

QUOTA = {"code": "quota_exceeded", "object": "ResourceQuota q", "cause": "they do not fit", "next_step": "raise it"}
HALF = {"code": "trainer_incomplete", "object": "Trainer", "cause": "a part is missing", "next_step": "install"}


def info(**changes: Any) -> dict[str, Any]:
    wanted, cluster = {"release": "2.3.0"}, {"server": "https://c"}
    return {"wanted": wanted, "cluster": cluster, "blockers": [], "warnings_found": [], **changes}


def test_one_line_for_each_finding_blockers_first() -> None:
    assert findings(info(blockers=[QUOTA], warnings_found=[HALF, HALF])).splitlines() == [
        "Trainer 2.3.0 on https://c: 1 blocker, 2 warnings",
        "  blocker quota_exceeded, ResourceQuota q: they do not fit. Next: raise it",
        "  warning trainer_incomplete, Trainer: a part is missing. Next: install",
        "  warning trainer_incomplete, Trainer: a part is missing. Next: install",
    ]


def test_no_findings() -> None:
    assert findings(info()) == "Trainer 2.3.0 on https://c: no blockers, no warnings"


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"findings": findings}
