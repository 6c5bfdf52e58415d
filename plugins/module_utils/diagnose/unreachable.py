# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict if the API server itself does not answer."""

from __future__ import annotations

from ..cluster.retry import is_transient
from ..errors import ConductorError
from ..verdicts.verdict import Verdict


def unreachable_verdict(error: ConductorError) -> Verdict:
    """Return the verdict for an error that may be temporary. Any other error is raised."""
    if not is_transient(error):
        raise error
    return Verdict("API server", "answers", "unknown", str(error))
