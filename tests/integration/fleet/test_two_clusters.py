# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over two clusters of which one takes no pods: what a person at the command line sees."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from tests.support.fleet import CLI_SHOWS_ALL, FirstRun, Fleet, shown_reports
from tests.support.playing import CLONE, one_by_one, play


def test_the_good_one_ends_verified(first_run: FirstRun) -> None:
    good = shown_reports(first_run.played)["good"]
    assert (good["verified"], good["error"]) == (True, None)
    assert {row["status"] for row in good["controllers"]} == {"Running"}
    assert {row["proven"] for row in good["runtimes"]} == {True}
    assert first_run.played.recap["good"]["failed"] == 0


def test_the_bad_one_explains_itself(first_run: FirstRun) -> None:
    bad = shown_reports(first_run.played)["bad"]
    assert (bad["verified"], bad["error"]["step"]) == (False, "apply")
    # The object, the limit, the next thing to try.
    for words in (
        r"limit_range, LimitRange \S+: It rejects the pods of the controllers",
        "1m",
        "Next: correct this limit",
    ):
        assert re.search(words, bad["error"]["message"], re.IGNORECASE), bad["error"]["message"]
    # Refused before the first write: no step has ended.
    assert bad["steps"] == []
    assert "fatal: [bad]: FAILED!" in first_run.played.output


def test_the_recap_and_the_exit_code_say_so(first_run: FirstRun) -> None:
    recap = first_run.played.recap
    assert first_run.played.code == 2
    assert {host: (counts["failed"], counts["rescued"]) for host, counts in recap.items()} == {
        "good": (0, 0),
        "bad": (1, 0),
    }


def test_the_good_one_got_the_whole_release_once_and_the_bad_one_nothing(first_run: FirstRun) -> None:
    def objects(writes: list[dict[str, Any]]) -> list[str]:
        # Pods are touched, with names of their own, where the kubelet is slow to mount certificates.
        paths = [write["uri"].partition("?")[0] for write in writes if write["agent"].startswith("conductor")]
        # A slower run renews its lease.
        kept = [path for path in paths if not re.search("/pods/|/leases|/status$", path)]
        # In a namespace of its own making a run creates the record by a POST, whose path has no name.
        return sorted(re.sub("/configmaps$", "/configmaps/conductor-install-record", path) for path in kept)

    assert objects(first_run.bad) == []
    bundle = json.loads((CLONE / "roles/conductor/files/bundles/2.3.0.json").read_text())
    counts = Counter(objects(first_run.good))
    # The objects of the release, and the record, which is written before and after them, as is the namespace.
    assert len(counts) == sum(len(phase["objects"]) for phase in bundle["phases"]) + 1
    home = "/api/v1/namespaces/kubeflow-system"
    assert {path for path, count in counts.items() if count > 1} <= {
        home,
        f"{home}/configmaps/conductor-install-record",
    }
    assert any(path.endswith("/deployments/jobset-controller-manager") for path in counts)


def test_one_after_the_other(healed: Fleet, tmp_path: Path) -> None:
    """A play of the user's own, in batches of one host and with one process, over a good and a drifted cluster."""
    inventory = tmp_path / "hosts.yml"
    # In this order: Ansible ends a play when all hosts of a batch have failed.
    inventory.write_text(yaml.safe_dump({"all": {"hosts": healed.hosts}}, sort_keys=False))
    playbook = one_by_one(tmp_path / "one-by-one.yml", "verify")
    healed.bad.kubectl("delete", "clustertrainingruntime", "jax-distributed")
    arguments = ("--inventory", str(inventory), "--forks", "1")
    played = play(playbook, {}, *arguments, environment=CLI_SHOWS_ALL, cwd=CLONE)
    found = shown_reports(played)
    assert played.code == 2
    assert {host: report["verified"] for host, report in found.items()} == {"good": True, "bad": False}
    assert found["bad"]["error"]["step"] == "drift"
    assert "ClusterTrainingRuntime jax-distributed" in found["bad"]["error"]["message"]
