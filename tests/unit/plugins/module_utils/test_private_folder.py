# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from ansible_collections.conductor.trainer.plugins.module_utils import private_folder as module
from ansible_collections.conductor.trainer.plugins.module_utils.private_folder import PREFIX, private_folder, sweep

HOLD = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("private_folder", {module.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with module.private_folder(sys.argv[1]) as folder:
    open(folder + "/key", "w").write("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


def holder(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a process that holds a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with private_folder(str(tmp_path)) as folder:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        (Path(folder) / "key").write_text("secret")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_killed_processes_are_deleted_and_others_stay(tmp_path: Path) -> None:
    killed, leftover = holder(tmp_path)
    living, held = holder(tmp_path)
    killed.kill()
    killed.communicate()
    assert (leftover / "key").exists()
    (tmp_path / "ansible-local-1").mkdir()
    with private_folder(str(tmp_path)):
        assert not leftover.exists()
        assert (held / "key").exists()
    living.communicate("")
    assert [path.name for path in tmp_path.iterdir()] == ["ansible-local-1"]


def test_folders_of_others_stay(tmp_path: Path) -> None:
    """The folder may be /tmp, where people put what they like."""
    names = ["conductor-trainer", "conductor-1.0.0", "conductor-x", PREFIX, f"{PREFIX}backup", f"{PREFIX}abcdefghi"]
    for name in names:
        (tmp_path / name).mkdir(mode=0o700)
    # As long as a name of ours, but everybody may read it.
    (tmp_path / f"{PREFIX}abcdefgh").mkdir(mode=0o755)
    sweep(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, f"{PREFIX}abcdefgh"])


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").touch()
    theirs.chmod(0o700)
    (tmp_path / f"{PREFIX}abcdefgh").symlink_to(theirs)
    sweep(str(tmp_path))
    assert (theirs / "file").exists()


def test_a_folder_that_does_not_exist_is_no_error(tmp_path: Path) -> None:
    sweep(str(tmp_path / "none"))


def test_it_is_gone_after_an_end_by_a_signal_that_python_handles(tmp_path: Path) -> None:
    process, folder = holder(tmp_path)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert not folder.exists()
