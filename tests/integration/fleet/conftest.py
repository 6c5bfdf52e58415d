# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real clusters, good and bad, and the first run over both of them while bad takes no pods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.awx import installed_collections
from tests.support.fleet import CLI_SHOWS_ALL, FirstRun, Fleet
from tests.support.playing import play
from tests.support.real_cluster import real_cluster

GOOD, BAD = "fleet-good", "fleet-bad"
NAMESPACE = "kubeflow-system"
TOO_SMALL: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "too-small"},
    "spec": {"limits": [{"type": "Pod", "max": {"cpu": "1m"}}]},
}


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed artifact, as a collections path."""
    return installed_collections(tmp_path_factory.mktemp("collections"))


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """Both clusters, made at the same time. On bad no pod of the operator's may be created, which only a try shows."""
    contexts = [real_cluster(GOOD), real_cluster(BAD, shared=False)]
    with ExitStack() as stack:
        with ThreadPoolExecutor() as pool:
            ups = [pool.submit(context.__enter__) for context in contexts]
            wait(ups)
        for context, up in zip(contexts, ups, strict=True):
            if up.exception() is None:
                stack.push(context)
        fleet = Fleet(*(up.result() for up in ups))
        fleet.bad.kubectl("create", "namespace", NAMESPACE)
        fleet.bad.kubectl("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(TOO_SMALL))
        yield fleet


@pytest.fixture(scope="session")
def first_run(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    """The install on both, from the command line, in one run."""
    inventory = tmp_path_factory.mktemp("inventory") / "hosts.yml"
    hosts = fleet.hosts
    hosts["bad"]["conductor_wait_timeout"] = 15
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    began = fleet.good.now()
    played = play("install", {}, "--inventory", str(inventory), environment=CLI_SHOWS_ALL)
    return FirstRun(played, fleet.good.writes_since(began), fleet.bad.writes_since(began))


@pytest.fixture(scope="session")
def healed(fleet: Fleet, first_run: FirstRun) -> Fleet:
    """The clusters after the first run, with nothing in the way on both."""
    assert first_run.played.code
    fleet.bad.kubectl("delete", "limitrange", TOO_SMALL["metadata"]["name"], "-n", NAMESPACE)
    return fleet
