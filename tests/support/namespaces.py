# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that see other files than this machine has: a pod's service account, a bastion's own folders."""

from __future__ import annotations

import os
import shlex


def inside(*preparations: str) -> list[str]:
    """The words before a command that run it in a mount namespace of its own, where /run (and /var/run) is empty.

    Args:
        preparations: shell commands that fill it; nothing of what they mount or write there is seen outside.
    """
    # Who is not root is root of a user namespace.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = "\n".join(["set -eu", 'mount -t tmpfs tmpfs "$(readlink -f /var/run)"', *preparations, 'exec "$@"'])
    return ["unshare", *user, "--mount", "sh", "-c", script, "sh"]


def words(*parts: object) -> str:
    """One shell command out of its words."""
    return shlex.join(str(part) for part in parts)
