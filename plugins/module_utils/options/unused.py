# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options have no effect, because JobSet is not the bundled one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..objects.fields import part
from ..release.bundle import Bundle
from ..release.components import is_named_jobset
from .spec import CONTROLLERS

_GATES = "feature_gates"


def without_effect(bundle: Bundle) -> list[str]:
    """Return the variables that change nothing but the objects and the gates of JobSet."""
    return sorted(f"conductor_{name}" for name in {*_of_objects(bundle), *_of_gates(bundle)})


def _of_objects(bundle: Bundle) -> Iterator[str]:
    elsewhere = {change.option for change in bundle.changes if not is_named_jobset(change.key.name)}
    # Each gate is named by itself.
    own = (_GATES, f"{CONTROLLERS['jobset']}.{_GATES}")
    yield from (name for name in {change.option for change in bundle.changes} - elsewhere if name not in own)


def _of_gates(bundle: Bundle) -> Iterator[str]:
    known = part(bundle.configurations, "jobset", _GATES)
    for where in ((), (CONTROLLERS["jobset"],)):
        for gate in part(bundle.options, *where, _GATES):
            if gate in known:
                yield ".".join((*where, _GATES, gate))
