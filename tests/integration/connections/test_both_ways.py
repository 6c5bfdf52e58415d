# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As a module or without one, a task comes to the same, and leaves no key behind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.connections.asking import MODULE, QUESTION, User
from tests.integration.connections.conftest import Access

WAIT = "conductor.trainer.wait_for_controllers"
# What differs from one run to the next anyway; and how ansible-core keeps a module's failure that is none.
OTHERWISE = ["elapsed", "timeline", "failed_when_suppressed_exception"]
HERE, MODULE_FILE = "runs without a module", "Using module file"

# Task name to action, options, and other keywords of the task; C(k8s) are the options of a good connection.
TASKS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "success": (MODULE, QUESTION, {}),
    "a wait": (WAIT, {"timeout": 60}, {}),
    "a loop": (MODULE, {"runtimes": ["{{ item }}"]}, {"loop": ["torch-distributed", "jax-distributed"]}),
    "check mode and diff": ("conductor.trainer.trainer_operator", {}, {"check_mode": True, "diff": True}),
    "an alias as well": (MODULE, {**QUESTION, "validate_certs": True, "verify_ssl": True}, {}),
    "no such option": (MODULE, {"nonsense": 1}, {}),
    "no such choice": (MODULE, {"profile": "loud"}, {}),
    "no such runtime": (MODULE, {"runtimes": ["nope"]}, {}),
    "no such context": (MODULE, {"context": "nowhere"}, {}),
    "another cluster": (MODULE, {"cluster_uid": "00000000-0000-4000-8000-000000000002"}, {}),
}


def tasks(way: bool) -> list[dict[str, Any]]:
    """Every task one way; what it returned is in the fact C(said_NUMBER_WAY)."""
    found: list[dict[str, Any]] = []
    for number, (name, (action, options, keywords)) in enumerate(TASKS.items()):
        found.append(
            {
                "name": f"{name}, {way}",
                action: options,
                "register": f"said_{number}_{way}",
                "failed_when": False,
                "vars": {"ansible_conductor_in_process": way},
                **keywords,
            }
        )
    return found


def same(number: int, name: str) -> dict[str, Any]:
    """Compares what both ways returned."""
    plain = " | ".join([f"said_{number}_{{way}}", "dict2items", f"rejectattr('key', 'in', {OTHERWISE})", "items2dict"])
    if "loop" in TASKS[name][2]:
        plain = f"said_{number}_{{way}}.results | map(attribute='missing')"
    here, there = plain.replace("{way}", "True"), plain.replace("{way}", "False")
    return {
        "name": f"Compare: {name}",
        "ansible.builtin.assert": {
            "that": f"({here}) == ({there})",
            "fail_msg": f"{{{{ said_{number}_True }}}} is not {{{{ said_{number}_False }}}}",
        },
    }


def test_both_ways_come_to_the_same(user: User, access: Access) -> None:
    defaults = {"kubeconfig": access.kubeconfig, "context": access.context}
    whole = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {"group/conductor.trainer.k8s": defaults},
        "tasks": [*tasks(True), *tasks(False), *(same(number, name) for number, name in enumerate(TASKS))],
    }
    answer = user.run(str(user.write("ways.yml", [whole])))
    assert answer.recap["localhost"]["failed"] == 0, answer.output[-3000:]
    assert answer.recap["localhost"]["ok"] == 3 * len(TASKS)
    # One more for each loop.
    assert (answer.output.count(HERE), answer.output.count(MODULE_FILE)) == (len(TASKS) + 1, len(TASKS) + 1)


@pytest.mark.parametrize("way", [True, False])
def test_no_key_of_a_kubeconfig_stays_in_a_file(user: User, access: Access, way: bool) -> None:
    # A certificate and its key; the client writes them into files.
    user.write("temporary/.keep", "")
    temporary = user.folder / "temporary"
    answer = user.ask(
        {
            "localhost": {
                "ansible_connection": "local",
                "ansible_conductor_in_process": way,
                "k8s_kubeconfig": access.kubeconfig,
            }
        },
        environment={"TMPDIR": str(temporary), "ANSIBLE_LOCAL_TEMP": str(temporary)},
    )
    assert answer.recap["localhost"]["failed"] == 0, answer.output[-3000:]
    assert (HERE in answer.output) is way
    assert [path for path in temporary.rglob("*") if path.is_file() and path.name != ".keep"] == []
