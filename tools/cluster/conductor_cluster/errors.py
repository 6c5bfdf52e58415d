# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that the command line turns into a message and an exit code."""

from __future__ import annotations


class ClusterError(Exception):
    """An error for the user: the step that failed, the cause, and what to try next."""


class CommandFailed(ClusterError):
    """A command failed, timed out or could not be started.

    ``output`` is its complete standard output and standard error.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output
