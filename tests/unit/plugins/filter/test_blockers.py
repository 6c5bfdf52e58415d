# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.filter.blockers import FilterModule, blockers

QUOTA = {"code": "quota_exceeded", "object": "ResourceQuota q", "cause": "they do not fit", "next_step": "raise it"}
OLD = {"code": "kubernetes_too_old", "object": "API server", "cause": "it is 1.20", "next_step": "upgrade"}


def test_without_blockers_there_is_no_message() -> None:
    assert blockers({"blockers": [], "warnings_found": [QUOTA]}) == ""


def test_each_code_and_each_next_step_occurs_once_in_the_order_of_the_blockers() -> None:
    found = {"blockers": [QUOTA, OLD, {**QUOTA, "object": "ResourceQuota r"}], "warnings_found": []}
    assert blockers(found) == "an install would fail: quota_exceeded, kubernetes_too_old.\nNext: raise it; upgrade"


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"blockers": blockers}
