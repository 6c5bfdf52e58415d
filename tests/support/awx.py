# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks as AWX does: ansible-runner on a private data directory, the installed collection, no terminal.

The directory is laid out as AWX lays it out for a job: a copy of the project, the inventory as a script that prints
JSON, survey answers as unsafe extra variables, credentials as environment variables, and everything that is chosen at
launch (limit, check, diff, forks) as arguments.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.playing import CLONE, LIMIT, user_environment

PROJECT = CLONE / "examples" / "awx-project"
RUNNER = CLONE / ".venvs" / "runner" / "bin" / "ansible-runner"
# What a user answers who changes nothing.
SURVEY: dict[str, Any] = {
    question["variable"]: question["default"]
    for question in json.loads((PROJECT / "awx" / "survey.json").read_text())["spec"]
}
# AWX numbers its jobs.
IDENT = "1"


@dataclass(frozen=True)
class Ran:
    """What is left of a job."""

    artifacts: Path

    @property
    def code(self) -> int:
        """The exit code of ansible-playbook."""
        return int((self.artifacts / "rc").read_text())

    @property
    def status(self) -> str:
        """The word that AWX shows: successful, failed, timeout, canceled."""
        return (self.artifacts / "status").read_text()

    @property
    def text(self) -> str:
        """The job's output and all of its events: what a user of AWX may see."""
        events = [path.read_text() for path in sorted((self.artifacts / "job_events").iterdir())]
        return "\n".join([(self.artifacts / "stdout").read_text(), *events])

    @property
    def _stats(self) -> dict[str, Any]:
        events = [json.loads(path.read_text()) for path in (self.artifacts / "job_events").glob("*.json")]
        [last] = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
        assert isinstance(last, dict)
        return last

    @property
    def reports(self) -> dict[str, dict[str, Any]]:
        """The C(conductor_report) among the job's artifacts: cluster to summary."""
        found: dict[str, dict[str, Any]] = self._stats["artifact_data"]["conductor_report"]
        return found

    def count(self, what: str) -> dict[str, int]:
        """Host to a number of the recap: ok, changed, failures, dark, skipped, rescued, ignored."""
        return {host: self._stats[what].get(host, 0) for host in self._stats["processed"]}


class _Dumper(yaml.SafeDumper):
    """Marks text as unsafe, as AWX marks what users type, so that no template in it is run."""


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


def installed_collections(folder: Path) -> Path:
    """A collections path below ``folder``: the built artifact, installed, and the collection it depends on."""
    path = folder / "requirements_collections"
    _galaxy(folder, "build", str(CLONE), "--output-path", str(folder))
    [artifact] = folder.glob("*.tar.gz")
    _galaxy(folder, "install", "--offline", "--no-deps", "-p", str(path), str(artifact))
    dependency = Path("ansible_collections", "kubernetes", "core")
    shutil.copytree(CLONE / ".ansible" / "collections" / dependency, path / dependency)
    return path


def _galaxy(home: Path, *arguments: str) -> None:
    # Elsewhere than in the checkout, whose settings would say that the collection is there already.
    subprocess.run(
        ["ansible-galaxy", "collection", *arguments],
        cwd=home,
        env=user_environment({"HOME": str(home)}),
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=LIMIT,
    )


@dataclass(frozen=True)
class Job:
    """A job as AWX prepares it.

    Args:
        folder: where the private data directory is made, and its copy on an execution node.
        collections: what the project update has installed.
        hosts: the inventory, host to variables.
        extra_vars: survey answers and other extra variables.
        environment: what credentials inject.
        arguments: what is chosen at launch, e.g. C("--limit", "berlin").
        files: what credentials write, name to content.
    """

    folder: Path
    collections: Path
    hosts: Mapping[str, Mapping[str, Any]]
    extra_vars: Mapping[str, Any]
    environment: Mapping[str, str]
    arguments: Sequence[str] = ()

    def run(self, playbook: str, wrapper: Sequence[str] = ()) -> Ran:
        """Runs a playbook of the project on this machine, with ``wrapper`` before the command."""
        data = self.folder / "data"
        self._prepare(data, data)
        self._runner(["run", str(data), "-p", playbook], wrapper=wrapper)
        return Ran(data / "artifacts" / IDENT)

    def run_elsewhere(self, playbook: str) -> Ran:
        """The same on an execution node: all that it gets is one stream, and all that comes back is another."""
        data, node = self.folder / "data", self.folder / "node"
        self._prepare(data, node)
        sent = self._runner(["transmit", str(data), "-p", playbook])
        # What was sent is all there is.
        shutil.rmtree(data)
        answered = self._runner(["worker", "--private-data-dir", str(node)], sent)
        data.mkdir()
        self._runner(["process", str(data)], answered)
        return Ran(data / "artifacts" / IDENT)

    def _prepare(self, data: Path, seen_as: Path) -> None:
        for name in ("env", "inventory", "artifacts"):
            (data / name).mkdir(parents=True)
        shutil.copytree(PROJECT, data / "project")
        shutil.copytree(self.collections, data / "requirements_collections")
        inventory = {
            "all": {"hosts": list(self.hosts)},
            "_meta": {"hostvars": {name: dict(variables) for name, variables in self.hosts.items()}},
        }
        script = data / "inventory" / "hosts"
        script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(inventory)!r})\n")
        script.chmod(0o700)
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(seen_as / "requirements_collections"),
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "HOME": str(seen_as / "home"),
            "JOB_ID": IDENT,
            **self.environment,
        }
        extra_vars = {"awx_job_id": int(IDENT), "awx_job_launch_type": "manual", **self.extra_vars}
        (data / "env" / "envvars").write_text(json.dumps(environment))
        (data / "env" / "extravars").write_text(yaml.dump(extra_vars, Dumper=_Dumper))
        (data / "env" / "cmdline").write_text(" ".join(self.arguments))
        (data / "env" / "settings").write_text(json.dumps({"idle_timeout": 0, "job_timeout": LIMIT}))

    def _runner(self, arguments: Sequence[str], stdin: bytes = b"", wrapper: Sequence[str] = ()) -> bytes:
        """Runs ansible-runner; its output. Its exit code is ansible-playbook's and said nothing of its own failures."""
        done = subprocess.run(
            [*wrapper, str(RUNNER), *arguments, *(("--ident", IDENT) if arguments[0] != "worker" else ())],
            cwd=self.folder,
            env=user_environment(),
            input=stdin,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        assert not done.stderr, done.stderr.decode()
        return done.stdout
