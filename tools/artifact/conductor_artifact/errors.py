# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the artifact tool."""

from __future__ import annotations


class ArtifactError(Exception):
    """The artifact cannot be made; the message says at which step, why, and what to try next."""
