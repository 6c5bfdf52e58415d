# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the generator."""

from __future__ import annotations


class GenerateError(Exception):
    """A bundle cannot be generated; the message names the input, the step and the cause."""
