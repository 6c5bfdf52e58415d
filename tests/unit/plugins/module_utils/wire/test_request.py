# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.wire.request import Request


def request(method: str = "GET", path: str = "/a", **more: Any) -> Request:
    return Request(method, path, step="read", subject="a", **more)


@pytest.mark.parametrize(
    ("asked", "only_reads"),
    [
        (request(), True),
        (request("POST"), False),
        (request("POST", "/apis/authorization.k8s.io/v1/x"), True),
        (request("PATCH", query={"dryRun": "All"}), False),
    ],
)
def test_what_only_reads(asked: Request, only_reads: bool) -> None:
    assert asked.only_reads is only_reads


def test_pages_and_streams_are_about_the_same_objects() -> None:
    page = request(query={"limit": "5", "continue": "x"}, accept="application/json")
    stream = request(query={"watch": "1", "resourceVersion": "1"})
    assert page.objects == stream.objects == request().objects
    assert request(query={"labelSelector": "a"}).objects != request().objects != request("DELETE").objects
    assert page.question != request().question
    assert str(request("PATCH", "/b")) == "PATCH /b"
