# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks as a user does, from the checkout, and reads what they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CLONE = Path(__file__).resolve().parents[2]
# Seconds; a playbook that hangs must not hang the suite.
LIMIT = 600

_RECAP = re.compile(r"^(\S+)\s+: ((?:\w+=\d+\s*)+)$", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """The end of one run of ansible-playbook."""

    code: int
    output: str
    errors: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Host to the counts of the recap, e.g. C({"localhost": {"ok": 6, "changed": 1, ...}})."""
        return {
            match[1]: {name: int(count) for name, count in (pair.split("=") for pair in match[2].split())}
            for match in _RECAP.finditer(self.output)
        }

    @property
    def text(self) -> str:
        """All that was printed, with each run of white space as one space: messages wrap where they like."""
        return " ".join((self.output + self.errors).split())


def user_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a user who has no cluster of his own; nothing of the caller's selects one."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "KUBECONFIG" and not name.startswith(("K8S_AUTH_", "ANSIBLE_"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**kept, "HOME": "/nonexistent", "ANSIBLE_NOCOLOR": "true", "PATH": path, **(extra or {})}


def play(
    playbook: str | Path,
    variables: Mapping[str, Any] | None = None,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    cwd: Path = CLONE,
    within: Sequence[str] = (),
) -> Played:
    """Runs a playbook to its end.

    Args:
        playbook: a path, or the name of one of ours, e.g. C(install).
        variables: extra variables.
        arguments: more arguments, e.g. C("--check").
        environment: variables on top of C(user_environment).
        within: the beginning of a command that runs the rest of it.
    """
    file = str(playbook) if "/" in str(playbook) else f"playbooks/{playbook}.yml"
    command = [*within, "ansible-playbook", file, "--extra-vars", json.dumps(dict(variables or {})), *arguments]
    return run(command, cwd, user_environment(environment))


def run(command: Sequence[str], cwd: Path, environment: Mapping[str, str], limit: float = LIMIT) -> Played:
    """Runs a command to its end, with these variables and no others, for so many seconds at most."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    return Played(done.returncode, done.stdout, done.stderr)


def one_by_one(path: Path, tasks_from: str) -> Path:
    """A playbook at this path that takes one host after the other through a part of the role."""
    role = {"name": "conductor.trainer.conductor", "tasks_from": tasks_from}
    whole = {
        "name": "One by one",
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "serial": 1,
        "tasks": [{"name": "The role", "ansible.builtin.import_role": role}],
    }
    path.write_text(yaml.safe_dump([whole]))
    return path
