# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors that the command line turns into a message and an exit code."""

from __future__ import annotations


class ClusterError(Exception):
    """Something the person at the terminal has to know: what failed, at which step, and what to try next."""


class CommandFailed(ClusterError):
    """A program that was started ended with another code than zero, or not in time.

    ``output`` is what it said (standard output and error together), unshortened.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output
