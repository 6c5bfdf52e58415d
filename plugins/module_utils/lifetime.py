# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End a process with the run that it belongs to.

Nobody ends the processes of Ansible if its main process is killed. They would go on to change a cluster, with keys in
temporary files.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Sequence

# Seconds between two looks at the parents, on systems that do not report the end of a process.
_LOOK = 0.5


def end_with(parents: Sequence[int], folder: str) -> None:
    """End this process, and the programs that it started, as soon as one of the parents has ended.

    The process gets a group of its own. This returns immediately.

    Args:
        parents: processes; the first one has started this one, or its shell.
        folder: is deleted then, because nobody else does it.
    """
    # The leader of a session has one already.
    with contextlib.suppress(PermissionError):
        os.setpgid(0, 0)
    threading.Thread(target=_watch, args=(tuple(parents), folder), daemon=True).start()


def end_now(folder: str, code: int) -> None:
    """End this process, and the programs that it started if it has a group of its own. Delete the folder."""
    if os.getpgrp() == os.getpid():
        _delete_and_kill(folder)
    raise SystemExit(code)


def kill_group(process: int) -> None:
    """Kill a process with its group; it has none of its own before its first instruction."""
    try:
        os.killpg(process, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL)


def _watch(parents: Sequence[int], folder: str) -> None:
    _wait_for_end(parents)
    _delete_and_kill(folder)


def _delete_and_kill(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    kill_group(os.getpid())


def _wait_for_end(parents: Sequence[int]) -> None:
    ends = select.poll()
    try:
        for parent in parents:
            ends.register(os.pidfd_open(parent), select.POLLIN)
    except ProcessLookupError:
        # It has ended before.
        return
    except (AttributeError, OSError):
        # Not Linux, or an old one: look from time to time.
        while all(map(_exists, parents)):
            time.sleep(_LOOK)
        return
    ends.poll()


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It is the process of another user.
        return True
    return True
