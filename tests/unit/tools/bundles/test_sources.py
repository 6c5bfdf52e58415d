# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is generated beside the files of controller-gen."""

from __future__ import annotations

import shutil
from pathlib import Path

from bundle_generator import release as releases
from bundle_generator.bundle import _write
from bundle_generator.sources import runtime_list

CLONE = Path(__file__).resolve().parents[4]


def test_a_runtime_is_added_and_removed_by_its_file_alone(tmp_path: Path) -> None:
    release = releases.load(CLONE, "2.3.0")
    folder = tmp_path / release.runtimes
    shutil.copytree(CLONE / release.runtimes, folder)
    shutil.copy(folder / "jax-distributed.yaml", folder / "my-own.yaml")
    (folder / "xgboost-distributed.yaml").unlink()
    before = (folder / "kustomization.yaml").read_text()
    _write(tmp_path, runtime_list(tmp_path, release))
    after = (folder / "kustomization.yaml").read_text()
    assert "  - my-own.yaml\n" in after
    expected = before.replace("  - xgboost-distributed.yaml\n", "")
    assert after.replace("  - my-own.yaml\n", "") == expected
    # A second run finds the same files.
    _write(tmp_path, runtime_list(tmp_path, release))
    assert (folder / "kustomization.yaml").read_text() == after
