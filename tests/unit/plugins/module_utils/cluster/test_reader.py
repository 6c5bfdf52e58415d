# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.reader import Page, Reader, merge_pages
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES
from tests.unit.plugins.helpers.fakes import FakeCluster


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


@pytest.mark.parametrize(
    ("metadata", "more"),
    [
        ({"remainingItemCount": 7}, 7),
        ({"remainingItemCount": "\xb2"}, 0),
        ({"remainingItemCount": -7, "continue": "x"}, 1),
        ({"remainingItemCount": True}, 0),
        ({"continue": "x"}, 1),
        ({}, 0),
    ],
)
def test_objects_beyond_the_first_page(metadata: dict[str, Any], more: int) -> None:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: {"items": [controller("here")], "metadata": metadata})
    page = Reader(cluster).page(RESOURCES["v1", "Pod"])
    assert page is not None
    assert page.total == 1 + more
