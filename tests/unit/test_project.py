# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements that stand in more than one file of the project, held together."""

from __future__ import annotations

from pathlib import Path

import yaml

from conductor_cluster.catalogue import TEST_IMAGE

CLONE = Path(__file__).resolve().parents[2]
HEADER = """\
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
FOLDERS = ("plugins", "tools", "tests", "molecule", "roles", "playbooks")


def test_every_module_takes_its_connection_from_one_group() -> None:
    group = yaml.safe_load((CLONE / "meta" / "runtime.yml").read_text())["action_groups"]["k8s"]
    modules = {path.stem for path in (CLONE / "plugins" / "modules").glob("*.py")}
    assert {entry for entry in group if isinstance(entry, str)} == modules


def test_the_training_job_uses_the_image_that_is_in_every_node() -> None:
    scenario = yaml.safe_load((CLONE / "molecule" / "default" / "molecule.yml").read_text())
    assert scenario["provisioner"]["inventory"]["group_vars"]["all"]["workload_image"] == TEST_IMAGE
    (story,) = yaml.safe_load((CLONE / "tests" / "integration" / "stories" / "trainjob.yml").read_text())
    _namespace, job = story["tasks"][0]["conductor.trainer.trainjob"]["definition"]
    assert job["spec"]["trainer"]["image"] == TEST_IMAGE


def test_every_source_names_its_licence() -> None:
    sources = [path for folder in FOLDERS for path in (CLONE / folder).rglob("*.py")]
    texts = {path: path.read_text() for path in sources if CLONE / "tests" / "output" not in path.parents}
    # Packages of the library are empty files.
    texts = {path: text for path, text in texts.items() if text or path.name != "__init__.py"}
    bare = {path: text.partition("\n")[2] if text.startswith("#!") else text for path, text in texts.items()}
    assert [str(path.relative_to(CLONE)) for path, text in bare.items() if not text.startswith(HEADER)] == []
    assert bare
