# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private folder for temporary files with keys, which leaves nothing behind, whatever ends the process.

The process holds a lock on its folder. The system releases the lock when the process ends, so a folder without a lock
is a leftover of a process that was killed; the next one deletes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator

# The parent may be /tmp, where others have folders as well: only these names are ours.
PREFIX = "conductor-private-"
_OURS = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")
# A folder has this name until it is locked.
_NEW = "new-conductor-private-"


@contextlib.contextmanager
def private_folder(parent: str) -> Iterator[str]:
    """Create a locked folder below another one, delete leftovers there, and delete the folder at the end."""
    sweep(parent)
    path = tempfile.mkdtemp(dir=parent, prefix=_NEW)
    holder = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        locked = os.path.join(parent, PREFIX + os.path.basename(path).removeprefix(_NEW))
        os.rename(path, locked)
        path = locked
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(holder)


def sweep(parent: str) -> None:
    """Delete the folders of processes that were killed, and the files in them."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(parent):
            if _OURS.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _delete_leftover(entry.path)


def _delete_leftover(path: str) -> None:
    try:
        holder = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    except OSError:
        # It is the folder of another user, or another process has just deleted it.
        return
    try:
        found = os.fstat(holder)
        if found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        # A process works in it.
        return
    finally:
        os.close(holder)
