# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and annotations on every object. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .draft import Draft
from .shapes import ANNOTATIONS, LABELS, check_shape


def lay_labels(draft: Draft, options: Mapping[str, Any]) -> None:
    """Add the labels and annotations to the metadata of every object; those that the release sets stay.

    Raises:
        InputError: one of them cannot be a label or an annotation.
    """
    for name, shape in (("labels", LABELS), ("annotations", ANNOTATIONS)):
        check_shape(options.get(name) or {}, shape, f"conductor_{name}")
        if added := {label: value for label, value in (options.get(name) or {}).items() if value is not None}:
            with draft.because(name):
                for key in draft.all():
                    manifest = draft.look(key)
                    metadata = manifest["metadata"]
                    values = {**added, **(metadata.get(name) or {})}
                    draft.put(key, {**manifest, "metadata": {**metadata, name: values}})
