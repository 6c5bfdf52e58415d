# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.reader import Page, merge_pages


def controller(namespace: str) -> dict[str, Any]:
    return {"metadata": {"name": "controller", "namespace": namespace}}


def test_an_object_of_two_pages_counts_once_and_one_name_in_two_namespaces_twice() -> None:
    here, there = controller("here"), controller("there")
    pages = merge_pages([Page([here], 1), None, Page([here, there], 2)])
    assert pages == Page([here, there], 2)


def test_what_was_not_listed_is_counted() -> None:
    pages = merge_pages([Page([controller("here")], 5), Page([controller("there")], 1)])
    assert pages is not None
    assert (len(pages.items), pages.total) == (2, 6)


def test_nothing_is_known_where_no_page_could_be_read() -> None:
    assert merge_pages([None, None]) is None
    assert merge_pages([]) is None
