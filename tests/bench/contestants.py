# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three ways to put the same objects on a cluster: Conductor, kubectl's server-side apply, and kubernetes.core."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES
from ansible_collections.conductor.trainer.plugins.modules.trainer_operator import OPERATION
from ansible_collections.conductor.trainer.plugins.plugin_utils.in_process import perform
from tests.support.playing import CLONE, LIMIT, play
from tests.support.states import BUNDLE, our_bundle
from tests.support.upstream_objects import trainer_objects

# All that needs no custom resource of its own to be served.
CONTROLLER_PHASES = tuple(phase for phase in PHASES if phase != "runtimes")
_SETTINGS = {"_ansible_check_mode": False, "_ansible_diff": False, "_ansible_module_name": "bench"}
# Prints the peak of its own memory in KiB: VmHWM, because ru_maxrss goes on counting that of whoever started it
# (proc(5), getrusage(2)). Arguments: the options of the module.
_MODULE = """
import json, re, sys
from ansible_collections.conductor.trainer.plugins.modules.trainer_operator import main
from tests.unit.plugins.helpers.arguments import patch_module_args
try:
    with patch_module_args(json.loads(sys.argv[1])):
        main()
except SystemExit as end:
    if end.code:
        raise
print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""


def options(kubeconfig: Path, phases: tuple[str, ...] = PHASES) -> dict[str, Any]:
    """The options of trainer_operator; the only context of the kubeconfig is the cluster."""
    return {"kubeconfig": str(kubeconfig), "bundle": str(BUNDLE), "phases": list(phases)}


def conductor(kubeconfig: Path, scratch: Path, phases: tuple[str, ...] = PHASES) -> float:
    """Seconds of one call of trainer_operator as a task makes it, with everything in memory already."""
    started = time.monotonic()
    result = perform(OPERATION, options(kubeconfig, phases), _SETTINGS, str(scratch))
    seconds = time.monotonic() - started
    if result.get("failed"):
        raise ValueError(result["msg"])
    return seconds


def kubectl(program: str, kubeconfig: Path, manifests: Path) -> float:
    """Seconds of one C(kubectl apply --server-side)."""
    started = time.monotonic()
    subprocess.run(
        [
            program,
            f"--kubeconfig={kubeconfig}",
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--filename={manifests}",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=LIMIT,
    )
    return time.monotonic() - started


def kubernetes_core(kubeconfig: Path, playbook: Path) -> float:
    """Seconds of a playbook that has kubernetes.core apply the same objects."""
    started = time.monotonic()
    _play(playbook, {"kubeconfig": str(kubeconfig)})
    return time.monotonic() - started


def install_playbook(variables: Mapping[str, str]) -> float:
    """Seconds of our install playbook, which also waits until the controllers serve, and proves the runtimes."""
    started = time.monotonic()
    _play("install", variables)
    return time.monotonic() - started


def _play(playbook: str | Path, variables: Mapping[str, str]) -> None:
    played = play(playbook, variables)
    if played.code:
        raise ValueError(played.output + played.errors)


def module_memory(kubeconfig: Path) -> float:
    """The peak of a module's process, in MB."""
    command = [sys.executable, "-c", _MODULE, json.dumps(options(kubeconfig))]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=CLONE, timeout=LIMIT)
    return int(done.stdout.split()[-1]) * 1024 / 1e6


def write_manifests(path: Path, phases: tuple[str, ...]) -> Path:
    """A file of these phases' objects for kubectl."""
    objects = [manifest for phase in our_bundle().phases if phase.name in phases for manifest in phase.objects]
    path.write_text(yaml.safe_dump_all(objects))
    return path


def write_upstream_manifests(path: Path, phases: tuple[str, ...]) -> Path:
    """The same as upstream publishes it: its CRDs describe every field, which makes them five times as large."""
    runtimes = "runtimes" in phases
    objects = [one for one in trainer_objects() if runtimes or one["kind"] != "ClusterTrainingRuntime"]
    path.write_text(yaml.safe_dump_all(objects))
    return path


def write_playbook(path: Path, manifests: Path) -> Path:
    """A playbook for kubernetes.core: one task for all objects, which is its quickest way."""
    task = {
        "name": "Apply",
        "kubernetes.core.k8s": {
            "kubeconfig": "{{ kubeconfig }}",
            "src": str(manifests),
            "apply": True,
            "server_side_apply": {"field_manager": "kubernetes-core", "force_conflicts": True},
        },
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    }
    whole = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    path.write_text(yaml.safe_dump([whole]))
    return path
