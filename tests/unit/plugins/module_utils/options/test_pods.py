# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options import pods
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft, container_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))


def laid(request: Any, limit: Any) -> dict[str, Any]:
    """Return the resources of Trainer's controller with this request and limit of memory."""
    draft = Draft(REAL)
    [trainer, _jobset] = draft.controllers()
    with draft.because("resources"):
        pods.resources(draft, trainer, {"requests": {"memory": request}, "limits": {"memory": limit}})
    found: dict[str, Any] = container_of(draft.look(trainer.deployment))["resources"]
    return found


@pytest.mark.parametrize(
    ("request_", "limit"),
    [
        ("1Gi", "1024Mi"),
        ("1000Mi", "1Gi"),
        ("1G", "1Gi"),
        ("1e9", "1G"),
        (1000, "1k"),
        ("999m", 1),
        ("0.5Ki", "512"),
        ("1E3", "1e3"),
        ("1u", "1000n"),
        (".5", "500m"),
        ("1E", "1Ei"),
    ],
)
def test_a_limit_of_the_request_or_more_is_accepted(request_: Any, limit: Any) -> None:
    assert laid(request_, limit)["limits"] == {"memory": str(limit)}


@pytest.mark.parametrize(("request_", "limit"), [("1Gi", "1G"), ("1Gi", "1023Mi"), (2, "1999m"), ("1e3", "1e2")])
def test_a_limit_below_the_request_is_rejected(request_: Any, limit: Any) -> None:
    with pytest.raises(InputError, match=r"raise limits\.memory"):
        laid(request_, limit)


@pytest.mark.parametrize("amount", ["", "1 Gi", "Gi", "1GiB", "-1", "1,5", "0x1", "1e999", "1.2.3", "\u0661", "inf"])
def test_what_is_no_quantity_is_rejected(amount: str) -> None:
    with pytest.raises(InputError, match="write a quantity"):
        laid(amount, "64Gi")


def test_extended_resources_are_accepted() -> None:
    draft = Draft(REAL)
    [trainer, _jobset] = draft.controllers()
    with draft.because("resources"):
        pods.resources(draft, trainer, {"limits": {"example.com/device": 1, "hugepages-2Mi": "4Mi"}})
    assert container_of(draft.look(trainer.deployment))["resources"]["limits"] == {
        "example.com/device": "1",
        "hugepages-2Mi": "4Mi",
    }
