# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a process with its parents; test_in_process.py and test_module_runner.py test it for whole families."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils import lifetime

# Without pidfd_open, as on systems that are not Linux, with the argument "old".
CHILD = f"""
import importlib.util, os, signal, sys
spec = importlib.util.spec_from_file_location("lifetime", {lifetime.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
if sys.argv[1] == "old":
    del os.pidfd_open
module.end_with([int(number) for number in sys.argv[3].split(",")], sys.argv[2])
print(os.getpgrp() == os.getpid(), flush=True)
signal.pause()
"""


@pytest.mark.parametrize("system", ["new", "old"])
@pytest.mark.parametrize("position", [0, 1])
def test_a_process_ends_with_each_of_its_parents(
    tmp_path: Path, system: str, position: int, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "key").touch()
    parent = subprocess.Popen(["sleep", "600"])
    request.addfinalizer(parent.wait)
    request.addfinalizer(parent.kill)
    parents = [os.getpid()]
    parents.insert(position, parent.pid)
    arguments = [system, str(folder), ",".join(map(str, parents))]
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, text=True) as child:
        request.addfinalizer(child.kill)
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        parent.kill()
        parent.wait()
        assert child.wait() == -9
    assert not folder.exists()


def test_a_process_whose_parent_has_ended_before_ends_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as parent:
        parent.wait()
    arguments = ["new", str(tmp_path / "folder"), str(parent.pid)]
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, text=True) as child:
        assert child.wait() == -9
