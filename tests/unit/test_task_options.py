# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks name only options that their modules have.

ansible-lint's rule "args" passes over every module that has an action plugin beside it, hence over all of ours and of
kubernetes.core's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CLONE = Path(__file__).resolve().parents[2]
COLLECTIONS = ("conductor.trainer.", "kubernetes.core.")
OWN_GROUP = "group/conductor.trainer.k8s"


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in a document: plays, blocks, tasks and their values."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from mappings(child)


@pytest.fixture(scope="module")
def content() -> list[tuple[str, dict[str, Any]]]:
    """Return every mapping of every file with tasks, with the name of the file."""
    files = [
        path
        for pattern in ("playbooks/*.yml", "roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "molecule/**/*.yml")
        for path in sorted(CLONE.glob(pattern))
    ]
    return [
        (str(path.relative_to(CLONE)), found) for path in files for found in mappings(yaml.safe_load(path.read_text()))
    ]


@pytest.fixture(scope="module")
def calls(content: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, str, set[str]]]:
    """Return file, module and options of every task that calls a module of COLLECTIONS."""
    return [
        (file, module, set(options or {}))
        for file, mapping in content
        for module, options in mapping.items()
        # A task without options is null; text would be free-form arguments, which these modules do not take.
        if module.startswith(COLLECTIONS) and not isinstance(options, str)
    ]


@pytest.fixture(scope="module")
def own_modules() -> list[str]:
    return [f"conductor.trainer.{path.stem}" for path in sorted((CLONE / "plugins" / "modules").glob("*.py"))]


@pytest.fixture(scope="module")
def known(calls: list[tuple[str, str, set[str]]], own_modules: list[str]) -> dict[str, set[str]]:
    """Return the documented options of each module, with aliases."""
    modules = sorted({module for _, module, _ in calls}.union(own_modules))
    shown = subprocess.run(
        [Path(sys.executable).parent / "ansible-doc", "--json", *modules],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    options = {module: entry["doc"]["options"] for module, entry in json.loads(shown.stdout).items()}
    return {
        module: {name for option, spec in found.items() for name in (option, *spec.get("aliases", []))}
        for module, found in options.items()
    }


def test_tasks_name_existing_options(calls: list[tuple[str, str, set[str]]], known: dict[str, set[str]]) -> None:
    wrong = [
        f"{file}: {module}: {sorted(options - known[module])}"
        for file, module, options in calls
        if options - known[module]
    ]
    assert wrong == []
    assert {module for _, module, _ in calls} >= {"conductor.trainer.trainer_operator", "kubernetes.core.k8s"}


def test_defaults_of_the_group_fit_each_of_its_modules(
    content: list[tuple[str, dict[str, Any]]], known: dict[str, set[str]], own_modules: list[str]
) -> None:
    shared = yaml.safe_load((CLONE / "roles" / "conductor" / "vars" / "main.yml").read_text())
    # The role sets the options with a variable.
    variables = {f"{{{{ {name} }}}}": value for name, value in shared.items()}
    defaults = [
        (file, set(variables[options] if isinstance(options, str) else options))
        for file, mapping in content
        for options in [mapping.get(OWN_GROUP, {})]
        if options
    ]
    wrong = [
        f"{file}: {module}: {sorted(options - known[module])}"
        for file, options in defaults
        for module in own_modules
        if options - known[module]
    ]
    assert wrong == []
    assert defaults


def test_every_task_of_the_role_checks_the_identity_of_the_cluster(own_modules: list[str]) -> None:
    """A kubeconfig may change between two tasks of a run."""
    tasks = [
        (path.name, task)
        for path in sorted((CLONE / "roles" / "conductor" / "tasks").glob("*.yml"))
        for task in mappings(yaml.safe_load(path.read_text()))
        if any(module in task for module in own_modules)
    ]
    without = [
        f"{file}: {task['name']}"
        for file, task in tasks
        for module in own_modules
        if module in task and task[module].get("cluster_uid") != "{{ conductor_cluster_uid | default(omit) }}"
    ]
    assert without == []
    assert len(tasks) >= 6
