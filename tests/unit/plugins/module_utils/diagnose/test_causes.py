# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.causes import KnownCause, cause_in

CATALOGUE = (
    KnownCause(r"no (\w+)(?: in (\w+))?", "there is no {0} {1}", "bring a {0}"),
    KnownCause(r"no bread", "never found: the first counts", ""),
    KnownCause(r"a.*b", "on one line", "read"),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no bread in store", ("there is no bread store", "bring a bread")),
        ("before\nNO bread\nafter", ("there is no bread", "bring a bread")),
        ("a to b", ("on one line", "read")),
        ("a to\nb", None),
        ("", None),
    ],
)
def test_the_first_matching_entry_counts(text: str, found: tuple[str, str] | None) -> None:
    assert cause_in(text, CATALOGUE) == found
