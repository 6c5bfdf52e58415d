# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a story on the cluster: what Ansible said, what each of our modules returned, what the server stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES
from tests.support.playing import CLONE, Played, play
from tests.support.real_cluster import RealCluster

STORIES = CLONE / "tests" / "integration" / "stories"
OURS = "conductor.trainer."
_RECORDS = "/api/v1/namespaces/kubeflow-system/configmaps"
RECORD = f"{_RECORDS}/conductor-install-record"
# Our modules' results that tell what changes.
TOLD = ("changed", "actions", "unchanged", "record_updated", "pending_phases", "retained", "finalizers_removed")


@dataclass(frozen=True)
class Run:
    """The end of one run."""

    played: Played
    # Task results of our modules, in order: host, task, module, end (ok, skipped, failed), result.
    results: list[dict[str, Any]]
    # The paths of the objects that the administrator wrote, sorted.
    written: list[str]

    @property
    def changed(self) -> int:
        """How many tasks the recap counts as changed."""
        return sum(counts["changed"] for counts in self.played.recap.values())

    @property
    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What each module that ran says it changes, or would."""
        return [
            (entry["module"], {name: entry["result"][name] for name in TOLD if name in entry["result"]})
            for entry in self.results
            if entry["end"] == "ok"
        ]

    @property
    def operator(self) -> dict[str, Any]:
        """The result of the only task with trainer_operator."""
        (found,) = (entry["result"] for entry in self.results if entry["module"] == f"{OURS}trainer_operator")
        return dict(found)

    @property
    def meant(self) -> list[str]:
        """The paths of the objects that trainer_operator says it writes, or would; the install record among them."""
        names = [name for objects in self.operator["actions"].values() for name in objects]
        return sorted([path_of_name(name) for name in names] + [RECORD] * self.operator["record_updated"])


def run(
    cluster: RealCluster,
    folder: Path,
    stories: Sequence[str],
    *arguments: str,
    variables: Mapping[str, Any] | None = None,
) -> Run:
    """Runs stories in one command, e.g. C(["install"], "--check"), and reads the audit log of that time."""
    kept = folder / "results.jsonl"
    kept.write_text("")
    began = cluster.now()
    playbook = folder / "stories.yml"
    playbook.write_text(
        json.dumps([{"ansible.builtin.import_playbook": f"{STORIES}/{story}.yml"} for story in stories])
    )
    played = play(
        playbook,
        {**cluster.variables, **(variables or {})},
        *arguments,
        environment={
            "ANSIBLE_CALLBACK_PLUGINS": str(CLONE / "tests" / "support" / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "keep_results",
            "CONDUCTOR_TEST_RESULTS": str(kept),
        },
    )
    paths = {urlsplit(write["uri"]).path for write in cluster.writes_since(began)}
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    return Run(
        played,
        [line for line in lines if line["module"].startswith(OURS)],
        # But for the lease that a run holds while it writes. In a namespace of its own making it creates the record by
        # a POST, whose path has no name.
        sorted({RECORD if path == _RECORDS else path for path in paths if "/leases" not in path}),
    )


def path_of_name(name: str) -> str:
    """The path of an object as our results name it, e.g. C(Service kubeflow-system/webhook)."""
    kind, _space, where = name.partition(" ")
    namespace, _slash, bare = where.rpartition("/")
    (resource,) = (found for (_version, known), found in RESOURCES.items() if known == kind)
    return resource.path(namespace, bare)


def assert_good(told: Run) -> None:
    """It succeeded without a warning."""
    assert told.played.code == 0, told.played.output + told.played.errors
    assert "WARNING" not in told.played.text, told.played.text
    assert told.results


def assert_quiet(told: Run) -> None:
    """It succeeded, changed nothing and stored nothing."""
    assert_good(told)
    assert (told.changed, told.written) == (0, [])


def predict_and_do(
    cluster: RealCluster, folder: Path, *stories: str, variables: Mapping[str, Any] | None = None
) -> tuple[Run, Run]:
    """Runs stories in check mode and in earnest; both say the same, and the first writes nothing."""
    predicted = run(cluster, folder, stories, "--check", "--diff", variables=variables)
    assert_good(predicted)
    assert predicted.written == []
    done = run(cluster, folder, stories, "--diff", variables=variables)
    assert_good(done)
    # Check mode leaves out what cannot be asked yet, e.g. the wait after an install.
    assert [entry for entry in done.told if entry[0] in dict(predicted.told)] == predicted.told
    assert done.changed == predicted.changed
    return predicted, done


def tell(cluster: RealCluster, folder: Path, *stories: str) -> tuple[Run, Run]:
    """Runs stories four times: in check mode, in earnest, again, and again in check mode; returns the first two."""
    both = predict_and_do(cluster, folder, *stories)
    assert_quiet(run(cluster, folder, stories))
    assert_quiet(run(cluster, folder, stories, "--check"))
    return both
