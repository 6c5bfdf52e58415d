# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice that two hosts of a play mean the same cluster, although they name it differently.

The role compares addresses before any request. That two names mean one server is known only after the first read: then
the first host claims the cluster by its uid, and the others fail before they write anything. The claims are files in
the folder for temporary files that all workers of a run share, and are deleted with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable

Claim = Callable[[str], str]


def claims_of(folder: str, hosts: Iterable[str], host: str) -> Claim:
    """Return a function that claims a cluster for a host, and returns the host that has claimed it before, or nothing.

    Args:
        folder: the folder for temporary files of the run.
        hosts: the hosts of the play: other plays have claims of their own.
        host: this host.
    """
    play = hashlib.sha256("\n".join(hosts).encode()).hexdigest()[:16]

    def claim(uid: str) -> str:
        place = os.path.join(folder, f"conductor-claims-{play}")
        path = os.path.join(place, hashlib.sha256(uid.encode()).hexdigest())
        os.makedirs(place, mode=0o700, exist_ok=True)
        handle, mine = tempfile.mkstemp(dir=place)
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(host)
        try:
            # A link appears with its content.
            os.link(mine, path)
        except FileExistsError:
            with open(path, encoding="utf-8") as stream:
                other = stream.read()
            return other if other != host else ""
        finally:
            with contextlib.suppress(OSError):
                os.unlink(mine)
        return ""

    return claim
