# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the bundle of a release in the collection."""

from __future__ import annotations

import os

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError

_BUNDLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "conductor", "files", "bundles")


def find_bundle(release: str) -> str:
    """Return the path of the bundle of a release.

    Raises:
        InputError: the collection has no such release.
    """
    folder = os.path.normpath(_BUNDLES)
    path = os.path.join(folder, f"{release}.json")
    if not os.path.isfile(path):
        known = sorted(name[: -len(".json")] for name in os.listdir(folder) if name.endswith(".json"))
        raise InputError(f"there is no bundle of release {release!r}", next_step=f"use one of: {', '.join(known)}")
    return path
