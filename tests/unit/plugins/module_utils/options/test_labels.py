# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))


def test_every_object_gets_them_and_keeps_its_own() -> None:
    given = {"labels": {"team": "ml", MANAGED_LABEL: "false"}, "annotations": {"example.com/owner": "ml"}}
    for before, after in zip(REAL.objects(), with_options(REAL, given).objects(), strict=True):
        metadata, expected = after["metadata"], before["metadata"]
        assert metadata["labels"] == {"team": "ml", **expected["labels"]}
        assert metadata["annotations"] == {"example.com/owner": "ml", **(expected.get("annotations") or {})}
        assert {**after, "metadata": expected} == before
