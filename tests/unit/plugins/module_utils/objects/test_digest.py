# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import (
    digest,
    manifest_digest,
    slow_digest,
)

SECRET: dict[str, Any] = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "dg=="}}


@pytest.mark.parametrize(
    "manifest", [{"kind": "ConfigMap", "data": {"k": "v"}}, {"kind": "Secret", "metadata": {"name": "a"}, "data": {}}]
)
def test_the_digest_of_an_object(manifest: dict[str, Any]) -> None:
    assert manifest_digest(manifest) == digest(manifest)


def test_the_content_of_a_secret_is_not_digested_quickly() -> None:
    hidden = slow_digest([SECRET["data"], None], "Secret/a")
    assert manifest_digest(SECRET) == digest({**SECRET, "data": hidden, "stringData": None})


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"k": "dw=="}},
        {"stringData": {"k": "v"}},
        {"data": None, "stringData": {"k": "dg=="}},
        {"metadata": {"name": "b"}},
        {"type": "Opaque"},
    ],
)
def test_another_secret_has_another_digest(other: dict[str, Any]) -> None:
    assert manifest_digest({**SECRET, **other}) != manifest_digest(SECRET) == manifest_digest(dict(SECRET))
