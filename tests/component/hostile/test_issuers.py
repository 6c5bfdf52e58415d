# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An issuer of ID tokens may be as hostile as an API server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.connection import connect
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import Target
from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig import oidc
from tests.support.hostile import number_of
from tests.support.hostile_matrix import hostile_server


def kubeconfig(**settings: str) -> dict[str, Any]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": "https://a.example"}}],
        "users": [{"name": "u", "user": {"auth-provider": {"name": "oidc", "config": settings}}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }


def test_an_issuer_that_sends_a_byte_now_and_then_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "_LONGEST", 0.3)
    with hostile_server() as port:
        for behaviour in ("slow body", "slow headers", "slow chunks", "endless headers"):
            issuer = f"http://127.0.0.1:{port}/{number_of(behaviour)}"
            settings = {"idp-issuer-url": issuer, "client-id": "k", "refresh-token": "hush"}
            with pytest.raises(TargetError, match="does not answer"):
                connect(Target(kubeconfig=kubeconfig(**settings), settings={}))
