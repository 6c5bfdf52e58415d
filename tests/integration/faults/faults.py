# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs that fail, and installs that heal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from tests.support.playing import CLONE, Played, play
from tests.support.real_cluster import RealCluster

NAMESPACE = "kubeflow-system"
# Everything Conductor applies has it.
OURS = "--selector=conductor.trainer/managed=true"
KINDS = "validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles,clusterrolebindings"
RUNTIMES = "clustertrainingruntimes.trainer.kubeflow.org"
_ERROR = re.compile(r"^\[ERROR\]: Task failed: (?:(?:Module|Action) failed: )?(.*)$", re.MULTILINE)
_SECONDS = 60


class Faults:
    """What the tests do to a cluster; C(notes) gets what a user saw, and after how many seconds."""

    # Names of clusters on which the operator was left installed and serving, and is still.
    _whole: ClassVar[set[str]] = set()

    def __init__(self, cluster: RealCluster, notes: dict[str, Any]) -> None:
        self.cluster = cluster
        self._notes = notes

    def touched(self) -> None:
        """Something is about to be done to the cluster."""
        self._whole.discard(self.cluster.name)

    def install(self, bundle: Path | None = None, **variables: Any) -> Played:
        """Runs the install playbook, or the same with another bundle."""
        if bundle is None:
            return play("install", {**self.cluster.variables, **variables})
        playbook = CLONE / "tests" / "integration" / "faults" / "install.yml"
        return play(playbook, {**self.cluster.variables, "bundle": str(bundle), **variables})

    def fails(self, *words: str, bundle: Path | None = None, **variables: Any) -> Played:
        """Installs, and expects a failure that says all this and what to do next. Notes what a user saw."""
        began = time.monotonic()
        played = self.waits(*words, bundle=bundle, **variables)
        first = _ERROR.search(played.errors + played.output)
        assert first is not None, played.errors + played.output
        self._notes["first line"] = first[1]
        self._notes["seconds"] = round(time.monotonic() - began, 1)
        return played

    def waits(self, *words: str, bundle: Path | None = None, **variables: Any) -> Played:
        """The same of a failure that is none but for its deadline."""
        self.touched()
        played = self.install(bundle, **variables)
        assert played.code == 2, played.output + played.errors
        for word in (*words, "Next:"):
            assert word in played.text, f"not said: {word}; but: {played.text}"
        assert "Traceback" not in played.text
        return played

    def heals(self, bundle: Path | None = None, **variables: Any) -> Played:
        """Installs, and expects that it ends verified: a run that succeeds has proven every webhook and runtime."""
        began = time.monotonic()
        played = self.install(bundle, **variables)
        assert played.code == 0, played.output + played.errors
        assert played.output.count("accepts TrainJobs") == 9
        self._notes["seconds to heal"] = round(time.monotonic() - began, 1)
        if bundle is None:
            self._whole.add(self.cluster.name)
        return played

    def is_settled(self) -> None:
        """Nothing is left to write: a run on top changes nothing."""
        began = self.cluster.now()
        assert self.heals().recap["localhost"]["changed"] == 0
        assert self.cluster.writes_since(began) == []

    def ensure_installed(self) -> None:
        """Installs, where the test before has not left it so; the test that follows may break it."""
        if self.cluster.name not in self._whole:
            played = self.install()
            assert played.code == 0, played.output + played.errors
        self.touched()

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Waits until something holds."""
        deadline = time.monotonic() + _SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"not within {_SECONDS} s: {what}"

    def exists(self, *arguments: str) -> bool:
        """Whether C(kubectl get ARGUMENTS) finds something."""
        return bool(self.cluster.kubectl("get", *arguments, "--ignore-not-found", "-o", "name", check=False).strip())

    def pods(self) -> dict[str, str]:
        """The names and uids of the controllers' pods."""
        items = self.cluster.get("pods", "-n", NAMESPACE)["items"]
        return {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}

    def end_pods(self) -> None:
        """Ends the controllers' pods at once; their Deployments make new ones where they may."""
        self.cluster.kubectl("delete", "pods", "-n", NAMESPACE, "--all", "--force", "--grace-period=0")

    def wipe(self) -> None:
        """Takes everything of ours away, also what an interrupted install left."""
        self.touched()
        self.cluster.kubectl("delete", KINDS, OURS)
        if self.exists(RUNTIMES):
            # Without the controller nobody takes its finalizers away.
            for name in self.cluster.kubectl("get", RUNTIMES, "-o", "name").split():
                self.cluster.kubectl("patch", name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        if self.exists("namespace", NAMESPACE):
            self.end_pods()
        self.cluster.kubectl("delete", "crds,namespaces", OURS)
