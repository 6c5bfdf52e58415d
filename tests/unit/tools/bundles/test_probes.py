# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from bundle_generator.bundle import check_probe
from bundle_generator.documents import GenerateError


def probe(expect: str, **more: Any) -> dict[str, Any]:
    return {
        "webhook": "w.example",
        "configuration": "c.example",
        "expect": expect,
        "object": {"kind": "Pod", "metadata": {"labels": {"a/b": "1"}}, "spec": {"containers": [{"name": "c"}]}},
        **more,
    }


@pytest.mark.parametrize(
    "good",
    [
        probe("allowed"),
        probe("denied", says="no"),
        probe("mutated", adds=["/spec/containers/0/image", "/spec/containers/1", "/metadata/labels/c~1d"]),
        probe("mutated", adds=["/spec/x"], needs={"kind": "ClusterTrainingRuntime", "name": "r"}),
    ],
)
def test_well_formed(good: dict[str, Any]) -> None:
    check_probe(good, "here")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (probe("refused"), "not one of denied, allowed, mutated"),
        (probe("denied"), "says"),
        (probe("allowed", says="no"), "keys"),
        (probe("mutated", says="no"), "adds"),
        (probe("mutated", adds=["spec/x"]), "slash"),
        (probe("mutated", adds=["/spec/containers/0/name"]), "already exists"),
        (probe("mutated", adds=["/metadata/labels/a~1b"]), "already exists"),
    ],
)
def test_what_would_prove_nothing_is_refused(bad: dict[str, Any], why: str) -> None:
    with pytest.raises(GenerateError, match=rf"^here: .*{why}"):
        check_probe(bad, "here")
