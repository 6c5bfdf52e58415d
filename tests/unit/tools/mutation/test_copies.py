# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from pathlib import Path

from conductor_mutation.targets import copy


def test_a_copy_is_what_git_knows_of_with_a_collections_path_of_its_own(tmp_path: Path) -> None:
    clone, collections = tmp_path / "clone", Path(".ansible", "collections", "ansible_collections")
    (clone / "plugins").mkdir(parents=True)
    (clone / collections / "kubernetes").mkdir(parents=True)
    for name, text in {
        ".gitignore": ".ansible\n*.pyc\n",
        "plugins/a.py": "1",
        "plugins/gone.py": "",
        "x.pyc": "",
    }.items():
        (clone / name).write_text(text)
    for arguments in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", "-C", clone, *arguments], check=True)
    # As it is now, not as it was when git was told.
    (clone / "plugins" / "a.py").write_text("2")
    (clone / "plugins" / "new.py").touch()
    (clone / "plugins" / "gone.py").unlink()
    folder = copy(clone, tmp_path / "copy")
    assert sorted(path.name for path in folder.rglob("*.*") if path.is_file()) == [".gitignore", "a.py", "new.py"]
    trainer = folder / collections / "conductor" / "trainer"
    assert (trainer / "plugins" / "a.py").read_text() == "2"
    (trainer / "plugins" / "a.py").write_text("broken")
    assert (clone / "plugins" / "a.py").read_text() == "2"
    assert (folder / collections / "kubernetes").resolve() == clone / collections / "kubernetes"
