# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest releases that we claim to work with are written in many files: everywhere the ones that are tested."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import OLDEST_CLIENT, OLDEST_PYTHON
from conductor_setup.setup import CORES

CLONE = Path(__file__).resolve().parents[2]


def pin(file: str, package: str) -> str:
    """The release of a package that a file in requirements/ names."""
    [found] = re.findall(rf"^{package}==(\S+)", (CLONE / "requirements" / file).read_text(), re.MULTILINE)
    return str(found)


def loaded(file: str) -> Any:
    return yaml.safe_load((CLONE / file).read_text())


def test_the_kubernetes_client() -> None:
    assert pin("core-2.16.in", "kubernetes") == OLDEST_CLIENT
    assert pin("core-2.16.txt", "kubernetes") == OLDEST_CLIENT
    assert pin("bastion.in", "kubernetes") == OLDEST_CLIENT
    assert pin("bastion.txt", "kubernetes") == OLDEST_CLIENT
    assert f"\nkubernetes>={OLDEST_CLIENT}\n" in (CLONE / "meta" / "ee-requirements.txt").read_text()


def test_python_and_the_client_in_the_documentation() -> None:
    oldest = ".".join(str(number) for number in OLDEST_PYTHON)
    assert CORES[0].python == oldest
    assert yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["requirements"] == [
        f"python >= {oldest}",
        f"kubernetes >= {OLDEST_CLIENT}",
    ]


def test_ansible_core() -> None:
    assert pin("core-2.16.in", "ansible-core") == f"{CORES[0].version}.0"
    assert loaded("meta/runtime.yml")["requires_ansible"] == f">={CORES[0].version}.0"
    assert loaded("roles/conductor/meta/main.yml")["galaxy_info"]["min_ansible_version"] == CORES[0].version
    environment = loaded("examples/execution-environment/execution-environment.yml")
    assert environment["dependencies"]["ansible_core"]["package_pip"].startswith(f"ansible-core>={CORES[0].version},")
    assert f"ansible-core ≥ {CORES[0].version} " in (CLONE / "examples" / "awx-project" / "README.md").read_text()


def test_kubernetes_core() -> None:
    # The release that this one carries; the tests of the oldest ansible-core install the tarball beside it.
    assert pin("kubernetes-core-oldest.in", "ansible") == "6.0.0"
    assert loaded("galaxy.yml")["dependencies"] == {"kubernetes.core": ">=2.3.1"}
