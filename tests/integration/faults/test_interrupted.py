# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs that are cut off, and installs that meet."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.faults.faults import NAMESPACE, Faults
from tests.support.playing import CLONE, user_environment

# What exists when the install is cut off: the last thing but one of a phase, so that it is in the midst of it.
POINTS = {
    "the foundation": ("namespace", NAMESPACE),
    "the controllers": ("deployments", "-n", NAMESPACE),
    "the wait": ("clustertrainingruntime", "torch-distributed"),
}


@pytest.mark.parametrize(
    ("sent", "point"),
    [
        (signal.SIGINT, "the controllers"),
        pytest.param(signal.SIGINT, "the wait", marks=pytest.mark.evidence),
        pytest.param(signal.SIGKILL, "the foundation", marks=pytest.mark.evidence),
        # A kill at each write is tested without controllers, in tests/integration/control_plane.
        pytest.param(signal.SIGKILL, "the controllers", marks=pytest.mark.evidence),
    ],
)
def test_an_interrupted_install(empty: Faults, sent: signal.Signals, point: str) -> None:
    variables = json.dumps(empty.cluster.variables)
    empty.touched()
    # A session of its own, so that the signal reaches all of it, as that of a terminal does.
    running = subprocess.Popen(
        ["ansible-playbook", "playbooks/install.yml", "--extra-vars", variables],
        cwd=CLONE,
        env=user_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        empty.until(f"{point} begins", lambda: empty.exists(*POINTS[point]))
    finally:
        os.killpg(running.pid, sent)
    said, _nothing = running.communicate(timeout=60)
    assert running.returncode != 0, said
    assert "Traceback" not in said
    empty.heals()


def test_two_installs_at_once(empty: Faults) -> None:
    empty.touched()
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _number: empty.install(), range(2)))
    for played in both:
        assert played.code == 0, played.output + played.errors
        assert played.output.count("accepts TrainJobs") == 9
    empty.is_settled()
