# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a cluster something by a playbook of a user, and looks that no secret appears anywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.module_call import (
    CONNECTION_ARG_SPEC,
    IDENTITY_ARG_SPEC,
)
from tests.support.playing import CLONE, Played, play, user_environment

# A cheap question that only a cluster with the operator on it can answer.
QUESTION: dict[str, Any] = {"prove": False, "runtimes": ["torch-distributed"]}
MODULE = "conductor.trainer.cluster_training_runtime_info"
OPTIONS = (*CONNECTION_ARG_SPEC, *IDENTITY_ARG_SPEC)
LOCALHOST = {"localhost": {"ansible_connection": "local"}}


@dataclass
class User:
    """Somebody with a project folder: playbooks, an inventory, a log file."""

    folder: Path
    # What must not be printed, logged or kept.
    secrets: list[str] = field(default_factory=list)

    def write(self, name: str, content: Any) -> Path:
        """A file of the project; anything but text becomes YAML."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    def encrypt(self, name: str) -> None:
        """Encrypts a file with Ansible Vault."""
        self._vault("encrypt", name)

    def encrypted(self, text: str) -> str:
        """The value of a variable, as C(ansible-vault encrypt_string) writes it into a file of variables."""
        return self._vault("encrypt_string", "--stdin-name", "unused", stdin=text).partition(": ")[2]

    def _vault(self, *arguments: str, stdin: str = "") -> str:
        password = self.write("vault-password", "the-password-of-the-vault-0")
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-vault", *arguments, "--vault-password-file", password],
            cwd=self.folder,
            env=user_environment({"ANSIBLE_HOME": str(self.folder / "ansible")}),
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def ask(self, hosts: Mapping[str, Mapping[str, Any]] = LOCALHOST, **more: Any) -> Played:
        """Asks the clusters of an inventory for their runtimes, each host by its variables C(k8s_OPTION).

        Args:
            hosts: the inventory: host to variables.
            more: see C(run).
        """
        defaults = {option: f"{{{{ k8s_{option} | default(omit) }}}}" for option in OPTIONS}
        playbook = play_of(module_defaults={"group/conductor.trainer.k8s": defaults})
        return self.run(str(self.write("ask.yml", [playbook])), hosts=hosts, **more)

    def run(
        self,
        playbook: str,
        *arguments: str,
        hosts: Mapping[str, Mapping[str, Any]] = LOCALHOST,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> Played:
        """Runs a playbook most verbosely and with a log file; no secret may be in either."""
        inventory = self.write(
            "inventory.yml", {"all": {"hosts": {name: dict(entry) for name, entry in hosts.items()}}}
        )
        log = self.folder / "ansible.log"
        if (self.folder / "vault-password").exists():
            arguments = (*arguments, "--vault-password-file", str(self.folder / "vault-password"))
        answer = play(
            playbook,
            None,
            *("--inventory", str(inventory), "-vvv", "--diff", *arguments),
            environment={
                "ANSIBLE_CONFIG": str(CLONE / "ansible.cfg"),
                "ANSIBLE_LOG_PATH": str(log),
                # Facts would be kept here.
                "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
                "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.folder / "facts"),
                **(environment or {}),
            },
            within=within,
        )
        kept = [path.read_text() for path in (self.folder / "facts").glob("*") if path.is_file()]
        seen = "\n".join([answer.output, answer.errors, log.read_text(), *kept])
        assert [secret for secret in self.secrets if secret in seen] == []
        return answer


def play_of(**keywords: Any) -> dict[str, Any]:
    """A play that asks and shows all that was returned. Keywords are those of the play, but for C(ask): of the task."""
    task = keywords.pop("ask", {})
    return {
        "hosts": "all",
        "gather_facts": False,
        **keywords,
        "tasks": [
            {"name": "Ask", MODULE: QUESTION, "register": "asked", **task},
            {"name": "Show", "ansible.builtin.debug": {"var": "asked"}},
        ],
    }


def said(answer: Played, host: str) -> str:
    """What the results of a host say, with each run of white space as one space."""
    blocks = re.findall(rf"^\w+: \[{host}(?: -> .*)?\].*\n(?:[ \t]+.*\n)*", answer.output + answer.errors, re.MULTILINE)
    return " ".join("".join(blocks).split())


def assert_answered(answer: Played, host: str = "localhost") -> None:
    """The cluster of a host has said which runtimes it has."""
    assert answer.recap[host]["failed"] == 0, said(answer, host)
    assert "asked:" in said(answer, host), answer.output
    assert "torch-distributed" in said(answer, host), said(answer, host)


def assert_refused(answer: Played, host: str, *words: str) -> None:
    """A host failed, in these words, and said what to try next."""
    assert answer.recap[host]["failed"] == 1, said(answer, host)
    for part in (*words, "Next:"):
        assert part in said(answer, host), said(answer, host)
    assert "Traceback" not in said(answer, host)
