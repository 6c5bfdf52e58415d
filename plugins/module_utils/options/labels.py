# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and annotations on every object. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .draft import Draft
from .placement import without_nulls
from .shapes import MapOf, check_shape


def lay_labels(draft: Draft, options: Mapping[str, Any]) -> None:
    """Add the labels and annotations to the metadata of every object; those that the release sets stay."""
    for name in ("labels", "annotations"):
        if added := options.get(name):
            check_shape(added, MapOf(str), f"conductor_{name}")
            added = without_nulls(added)
            with draft.because(name):
                for key in draft.all():
                    manifest = draft.look(key)
                    metadata = manifest["metadata"]
                    values = {**added, **(metadata.get(name) or {})}
                    draft.put(key, {**manifest, "metadata": {**metadata, name: values}})
