# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact with one release of ansible-core: its own tests, and what a user does first."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_setup.setup import CORES, Core, Setup, interpreter
from tests.support.ansible_test import AnsibleTest, counts, pip_settings, stage
from tests.support.playing import CLONE, Played
from tests.support.shipped import Shipped
from tests.support.shipped_checks import assert_documented, assert_every_playbook_asks_for_a_cluster, plugins

Figure = Callable[[str, object], None]


@pytest.fixture(scope="session")
def ansible_test(core: Core, venv: Path) -> AnsibleTest:
    cache = CLONE / (os.environ.get("CONDUCTOR_CACHE") or ".cache")
    found = [interpreter(version) for version in sorted({core.python for core in CORES})]
    return AnsibleTest(
        venv,
        cache / "ansible-test" / core.name,
        pythons=tuple(python for python in found if python),
        pip_settings=pip_settings(Setup(CLONE).programs / "pip"),
    )


@pytest.fixture(scope="session")
def collection(installed: Shipped, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installation with its unit tests, laid out for ansible-test."""
    return stage(installed.root.parents[1], CLONE / "tests", tmp_path_factory.mktemp("staged"))


def test_sanity(
    core: Core,
    ansible_test: AnsibleTest,
    collection: Path,
    record_testsuite_property: Figure,
    runs: tuple[tuple[str, ...], ...],
) -> None:
    assert [path.name for path in collection.rglob("ignore-*.txt")] == []
    done = [ansible_test.run(collection, "sanity", *(word.format(core=core) for word in words)) for words in runs]
    for ran in done:
        assert ran.code == 0, ran.output
    checks = {check for ran in done for check in ran.sanity}
    assert {"validate-modules", f"import on Python {core.python}"} <= checks
    assert "pylint" in checks or core != CORES[-1]
    left_out = sorted({line for ran in done for line in ran.left_out})
    record_testsuite_property(
        f"ansible-core {core.version}, sanity",
        f"{len(checks)} checks passed, none ignored, in {sum(ran.seconds for ran in done):.0f} s; "
        f"left out by ansible-test: {'; '.join(left_out) or 'nothing'}",
    )


# The tests of what Ansible calls. Those of the library know nothing of Ansible.
CALLED_BY_ANSIBLE = tuple(
    f"tests/unit/plugins/{kind}/" for kind in ("action", "filter", "lookup", "modules", "plugin_utils")
)


# Each import of every file on each Python, and pylint of the tests, take minutes.
QUICK = (("--skip-test=pylint", "--skip-test=import"), ("--test=import", "--python={core.python}"))
PYLINT = ("--test=pylint", "plugins/")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All unit tests, and all of the sanity tests, take minutes: they are for evidence."""
    if "units" in metafunc.fixturenames:
        every = pytest.param((), id="all", marks=pytest.mark.evidence)
        metafunc.parametrize("units", [every, pytest.param(CALLED_BY_ANSIBLE, id="called by Ansible")])
    if "runs" in metafunc.fixturenames:
        newest = metafunc.config.getoption("--core") == CORES[-1].version
        every = pytest.param(((),), id="all", marks=pytest.mark.evidence)
        metafunc.parametrize("runs", [every, pytest.param((*QUICK, PYLINT) if newest else QUICK, id="quick")])


def test_the_folders_of_unit_tests_are_those() -> None:
    """A new kind of plugin is called by Ansible as well."""
    folders = {f"tests/unit/plugins/{file.parent.name}/" for file in (CLONE / "tests/unit/plugins").glob("*/test_*.py")}
    assert folders - {"tests/unit/plugins/module_utils/"} == set(CALLED_BY_ANSIBLE)


def test_units(
    core: Core,
    ansible_test: AnsibleTest,
    collection: Path,
    record_testsuite_property: Figure,
    units: tuple[str, ...],
) -> None:
    ran = ansible_test.run(collection, "units", "--python", core.python, *units)
    passed, skipped, failed = counts(collection)
    # pytest's own lines for what failed come first: they are what is said of it in one line.
    named = [row for row in ran.output.splitlines() if row.startswith(("FAILED ", "ERROR "))]
    assert (ran.code, failed) == (0, 0), "\n".join([*named, ran.output])
    assert passed
    assert skipped == []
    record_testsuite_property(
        f"ansible-core {core.version}, {'some' if units else 'all'} units",
        f"{passed} passed on Python {core.python} in {ran.seconds:.0f} s",
    )


def test_documentation(core: Core, installed: Shipped, record_testsuite_property: Figure) -> None:
    documented = assert_documented(installed)
    record_testsuite_property(f"ansible-core {core.version}, ansible-doc", f"{documented} plugins and roles")


def test_playbooks(installed: Shipped) -> None:
    assert assert_every_playbook_asks_for_a_cluster(installed)


def ask_with(shipped: Shipped, tasks: list[dict[str, Any]]) -> Played:
    """Runs tasks whose server is named by the defaults of our group alone; nobody listens there."""
    defaults = {"host": "https://127.0.0.1:1", "api_key": "a-token-of-nothing"}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/conductor.trainer.k8s": defaults},
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [{**task, "ignore_errors": True} for task in tasks],
    }
    (shipped.home / "ask.yml").write_text(json.dumps([play]))
    return shipped.run("ansible-playbook", "ask.yml")


OURS: dict[str, Any] = {"conductor.trainer.trainer_operator_info": {}}
THEIRS: dict[str, Any] = {"kubernetes.core.k8s_info": {"kind": "Namespace"}}


def test_our_group_sets_the_options_of_kubernetes_core_too(installed: Shipped) -> None:
    played = ask_with(installed, [OURS, THEIRS])
    assert played.code == 0, played.text
    assert played.text.count("https://127.0.0.1:1 cannot be reached") >= 1, played.text
    assert "host='127.0.0.1', port=1" in played.text.partition("k8s_info]")[2], played.text


def test_everything_works_without_kubernetes_core(bare: Shipped) -> None:
    assert not (bare.collections / "ansible_collections" / "kubernetes").exists()
    shown = bare.run("ansible-doc", "--json", *(name for kind, name in plugins(bare.root) if kind == "module"))
    assert shown.code == 0, shown.text
    assert all(module["doc"]["options"]["kubeconfig"] for module in json.loads(shown.output).values())
    assert "no cluster is named" in bare.run("ansible-playbook", "conductor.trainer.status").text
    # In a process beside Ansible's worker, and as a module.
    played = ask_with(bare, [OURS, {**OURS, "vars": {"ansible_conductor_in_process": False}}])
    assert played.recap["localhost"]["ignored"] == 2, played.text
    assert played.text.count("https://127.0.0.1:1 cannot be reached") >= 2, played.text
    assert "Traceback" not in played.text
