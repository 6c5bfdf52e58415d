# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.expiry import certificate_facts
from tests.unit.plugins.helpers.states import webhooks
from tests.unit.plugins.module_utils.certificates.test_x509 import certificate, encoded

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def trusting(days: float | None) -> list[dict[str, Any]]:
    """Return validating webhook configurations whose CA expires in so many days; None means no CA."""
    found = webhooks("Validating")
    ca_bundle = "" if days is None else encoded(certificate(NOW + timedelta(days=days)))
    for item in found:
        for webhook in item["webhooks"]:
            webhook["clientConfig"]["caBundle"] = ca_bundle
    return found


def test_one_row_for_each_configuration_of_trainer_and_jobset() -> None:
    neighbour = {"metadata": {"name": "kueue"}, "webhooks": [{"rules": [{"apiGroups": ["kueue.x-k8s.io"]}]}]}
    assert certificate_facts([neighbour, *trusting(100.5)], NOW) == [
        {"configuration": name, "not_after": "2026-04-11T12:00:00Z", "days_left": 100}
        for name in ("jobset-validating-webhook-configuration", "validator.trainer.kubeflow.org")
    ]


def test_expired_certificate_has_negative_days_left() -> None:
    assert [row["days_left"] for row in certificate_facts(trusting(-0.5), NOW) or ()] == [-1, -1]


def test_without_a_certificate_the_expiry_is_unknown() -> None:
    rows = certificate_facts(trusting(None), NOW) or []
    assert [(row["not_after"], row["days_left"]) for row in rows] == [("", None), ("", None)]
    assert certificate_facts([], NOW) == []
    assert certificate_facts(None, NOW) is None


def test_first_expiry_counts() -> None:
    items = trusting(9)
    for item, other in zip(items, trusting(3), strict=True):
        item["webhooks"].append(other["webhooks"][0])
    assert {row["days_left"] for row in certificate_facts(items, NOW) or ()} == {3}
