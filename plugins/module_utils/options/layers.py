# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay the options over a release, in a fixed order. Pure.

Objects of the user come before images and labels, so that these reach them. Patches come last and win. The guards check
the result, so that nothing that Conductor relies on is changed by an option.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..release.bundle import Bundle
from .controllers import lay_controllers
from .draft import Draft
from .labels import lay_labels
from .objects.extra_objects import lay_extra_objects
from .objects.guards import check_guards
from .objects.patches import lay_patches
from .pulls.credentials import lay_pull_credentials
from .pulls.mirrors import lay_images
from .record import recordable
from .settings.gates import check_gates
from .settings.tls import check_tls
from .values import check_recordable, check_values

Options = Mapping[str, Any]

# docs/options.md names the same order.
LAYERS: tuple[Callable[[Draft, Options], None], ...] = (
    check_gates,
    check_tls,
    lay_extra_objects,
    lay_controllers,
    lay_pull_credentials,
    lay_images,
    lay_labels,
    lay_patches,
)


def with_options(bundle: Bundle, options: Options, *, recorded: bool = False) -> Bundle:
    """Return the release with options.

    Args:
        options: as C(given_options) returns them.
        recorded: whether they come from the install record, with digests instead of secrets (C(lay_recorded)).

    Raises:
        InputError: an option cannot be used; nothing has been requested or written.
    """
    if not options:
        return bundle
    if not recorded:
        check_values(options)
    draft = Draft(bundle, recorded=recorded)
    for lay in LAYERS:
        lay(draft, options)
    laid = replace(draft.finished(), plain=bundle)
    if recorded:
        # They passed when they were given. What only reads or removes must not fail because a release changed since.
        return replace(laid, options=dict(options))
    check_guards(bundle, laid)
    kept = recordable(options)
    check_recordable(kept)
    return replace(laid, options=kept)
