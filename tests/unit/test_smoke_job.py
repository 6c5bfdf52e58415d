# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of the smoke job do, and the objects it is made of."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment

from ansible_collections.conductor.trainer.plugins.filter.image import image
from ansible_collections.conductor.trainer.plugins.module_utils.names import PULL_SECRET
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import submission_of

ROLE = Path(__file__).resolve().parents[2] / "roles" / "conductor"
SCRIPT = ROLE / "files" / "smoke" / "node.sh"
TOLD = {
    "SMOKE_JOB": "smoke",
    "SMOKE_NODES": "2",
    "SMOKE_PATIENCE": "3",
    "JOB_COMPLETION_INDEX": "1",
    "PET_NNODES": "2",
    "PET_NODE_RANK": "1",
    "PET_MASTER_ADDR": "smoke-node-0-0.smoke",
    "PET_MASTER_PORT": "29500",
}


def node(folder: Path, nc: str, **changes: str | None) -> tuple[int, str]:
    """Runs the script with an nc of ours, and a clock that moves when it is looked at; exit code and last line."""
    seconds = folder / "seconds"
    seconds.write_text("0")
    clock = f"echo $(($(cat {seconds}) + 1)) > {seconds}; cat {seconds}"
    for name, text in (("nc", nc), ("sleep", "exit 0"), ("date", clock)):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    environment = {name: value for name, value in {**TOLD, **changes}.items() if value is not None}
    done = subprocess.run(
        ["sh", str(SCRIPT)],
        env={"PATH": f"{folder}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()[-1]


# An end that listens is met at once, and the other end answers.
GOOD = 'case "$*" in *-l*) exit 0;; *smoke-node-0-0.smoke*) echo node 0;; *) exit 1;; esac'


def test_a_node_that_finds_everything_right_says_so(tmp_path: Path) -> None:
    assert node(tmp_path, GOOD) == (0, "names resolve, environment right")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PET_NNODES", "1", "PET_NNODES is 1 instead of 2"),
        ("PET_NODE_RANK", "0", "PET_NODE_RANK is 0 instead of 1"),
        ("PET_MASTER_ADDR", None, "PET_MASTER_ADDR is nothing instead of smoke-node-0-0.smoke"),
        ("PET_MASTER_PORT", "1", "PET_MASTER_PORT is 1 instead of 29500"),
        ("JOB_COMPLETION_INDEX", None, "not set, although"),
    ],
)
def test_a_wrong_environment_is_named(tmp_path: Path, name: str, value: str | None, words: str) -> None:
    code, line = node(tmp_path, GOOD, **{name: value})
    assert code != 0
    assert words in line


@pytest.mark.parametrize(
    ("nc", "words"),
    [
        (
            'case "$*" in *-l*) exit 0;; esac; echo "nc: bad address" >&2; exit 1',
            "smoke-node-0-0.smoke was not reached in 3 s: nc: bad address. Check the cluster's DNS",
        ),
        ('case "$*" in *-l*) exit 0;; esac', "was not reached in 3 s: no answer"),
        (
            'case "$*" in *-l*) exit 0;; esac; echo node 7',
            "smoke-node-0-0.smoke is answered by 'node 7' instead of node 0. Check the Service smoke",
        ),
        ('case "$*" in *-l*) exit 1;; esac; echo node 0', "not every other pod connected to this one"),
    ],
)
def test_a_name_that_does_not_lead_to_its_pod_is_named(tmp_path: Path, nc: str, words: str) -> None:
    code, line = node(tmp_path, nc)
    assert code == 1
    assert line.startswith("names failed: ")
    assert words in line


def test_the_objects_are_what_the_module_takes_and_what_restricted_pods_may_be() -> None:
    # As Ansible does it, whose lookups are only there while a playbook runs.
    environment = Environment(autoescape=False, trim_blocks=True)  # noqa: S701 - it is no HTML
    environment.filters["to_json"] = json.dumps
    environment.filters["conductor.trainer.image"] = image
    options = {"registries": {"docker.io": "mirror.example.com/hub"}, "image_pull_credentials": {"r": {}}}
    lookups = {"conductor.trainer.customization": lambda: options}
    rendered = environment.from_string((ROLE / "templates" / "smoke.yml.j2").read_text()).render(
        conductor_smoke_image="busybox:1",
        conductor_smoke_timeout=120,
        conductor_tolerations=[{"operator": "Exists"}],
        conductor_image_pull_secrets=["mirror"],
        conductor_image_pull_credentials=options["image_pull_credentials"],
        lookup=lambda name, *path: (
            lookups[name]() if name in lookups else (ROLE / "files" / path[0]).read_text().rstrip("\n")
        ),
    )
    asked = submission_of(list(yaml.safe_load_all(rendered)))
    assert str(asked.key) == "TrainJob conductor-smoke/smoke"
    namespace, runtime = asked.companions
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (job,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    pod = job["template"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    trainer = asked.job["spec"]["trainer"]
    assert {container["image"], trainer["image"]} == {"mirror.example.com/hub/library/busybox:1"}
    # What lets the controllers' pods run.
    assert (pod["tolerations"], pod["nodeSelector"]) == ([{"operator": "Exists"}], {})
    assert pod["imagePullSecrets"] == [{"name": "mirror"}, {"name": PULL_SECRET}]
    assert trainer["command"] == ["sh", "-c", SCRIPT.read_text().rstrip("\n")]
    told = {entry["name"]: entry["value"] for entry in trainer["env"]}
    assert told == {"SMOKE_JOB": "smoke", "SMOKE_NODES": str(trainer["numNodes"]), "SMOKE_PATIENCE": "60"}
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
