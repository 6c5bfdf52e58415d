# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.versions import DEFAULT_RELEASE
from ansible_collections.conductor.trainer.plugins.plugin_utils.bundles import find_bundle


def test_a_release_of_the_collection() -> None:
    assert load_bundle(find_bundle(DEFAULT_RELEASE)).release == DEFAULT_RELEASE


@pytest.mark.parametrize("release", ["9.9.9", "", ".", "../bundles/2.3.0x", "2.3"])
def test_another_release(release: str) -> None:
    with pytest.raises(InputError, match="there is no bundle of release") as caught:
        find_bundle(release)
    assert DEFAULT_RELEASE in str(caught.value.next_step)
