# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.reader import Page, merge_pages


def controller(namespace: str) -> dict[str, Any]:
    return {"metadata": {"name": "controller", "namespace": namespace}}


def test_merged_pages_count_each_object_once() -> None:
    here, there = controller("here"), controller("there")
    pages = merge_pages([Page([here], 1), None, Page([here, there], 2)])
    assert pages == Page([here, there], 2)


def test_objects_beyond_the_pages_are_counted() -> None:
    pages = merge_pages([Page([controller("here")], 5), Page([controller("there")], 1)])
    assert pages is not None
    assert (len(pages.items), pages.total) == (2, 6)


def test_merge_of_unreadable_pages_is_none() -> None:
    assert merge_pages([None, None]) is None
    assert merge_pages([]) is None
