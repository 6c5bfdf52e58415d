# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every verb of the client against a hostile server, in a process of its own whose memory is measured."""

from __future__ import annotations

import copy
import importlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from kubernetes.client import Configuration

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import (
    ANYTHING,
    is_allowed,
    rules_review,
)
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.namespace_contents import read_contents
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.reader import Reader
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.retry import Backoff
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.transport import Transport
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, resource_of
from ansible_collections.conductor.trainer.plugins.module_utils.wire.body import Limits
from tests.support.hostile import TOKEN, number_of
from tests.support.playing import CLONE
from tests.unit.plugins.helpers.new_process import environment

_PODS, _CONFIG_MAPS = resource_of("v1", "Pod"), resource_of("v1", "ConfigMap")
_KEY = Key("v1", "ConfigMap", "n", "a")
_MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {}}
_JOB = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": {"generateName": "a-", "namespace": "n"},
    "spec": {},
}
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_PLUGINS = "ansible_collections.conductor.trainer.plugins"
TRAIN_JOB = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": {"name": "a", "namespace": "n"},
    "spec": {"runtimeRef": {"name": "r"}},
}
_BUNDLE = CLONE / "roles" / "conductor" / "files" / "bundles" / "2.3.0.json"
# Seconds for a request with all its retries.
SECONDS = 1.0

VERBS: dict[str, Callable[[Cluster], Any]] = {
    "get": lambda cluster: cluster.get(_CONFIG_MAPS.path("n", "a")),
    "get metadata": lambda cluster: cluster.get(_CONFIG_MAPS.path("n", "a"), metadata_only=True),
    "find": lambda cluster: cluster.find(_CONFIG_MAPS.path("n", "a")),
    "version": lambda cluster: cluster.get("/version"),
    "discovery": lambda cluster: cluster.request("GET", "/apis", accept=_DISCOVERY, step="read", subject="/apis"),
    "list": lambda cluster: cluster.list_all(_PODS, "n"),
    "list everywhere": lambda cluster: cluster.list_all(_PODS, metadata_only=False),
    "namespaces": lambda cluster: cluster.namespaces(["n", "m"]),
    "remembered list": lambda cluster: cluster.remembering().list_all(_PODS, "n"),
    "first page": lambda cluster: Reader(cluster).page(_PODS, "n", selectors={"labelSelector": "a=b"}),
    "named": lambda cluster: Reader(cluster).named(_CONFIG_MAPS, "a", "n"),
    "document": lambda cluster: Reader(cluster).document("/version", "get /version"),
    "contents": lambda cluster: read_contents(cluster, "n"),
    "watch": lambda cluster: sum(1 for _event in cluster.watch(_PODS, "n", "1", SECONDS, metadata_only=False)),
    "watch one": lambda cluster: list(cluster.watch(_PODS, "n", "1", SECONDS, metadata_only=True, name="p")),
    "log": lambda cluster: cluster.pod_log("n", "p", container="c", lines=5),
    "apply": lambda cluster: cluster.server_side_apply(_MANIFEST),
    "dry run": lambda cluster: cluster.server_side_apply(_MANIFEST, dry_run=True, whole_answer=True),
    "create": lambda cluster: cluster.create(_MANIFEST, step="create"),
    "dry-run creation": lambda cluster: cluster.dry_run_create(_JOB),
    "patch": lambda cluster: cluster.patch(_KEY, [{"op": "remove", "path": "/data"}], step="change"),
    "annotate": lambda cluster: cluster.annotate_status(Key("v1", "Pod", "n", "p"), {"a": "b"}),
    "delete": lambda cluster: cluster.delete(_KEY, "uid"),
    "rules review": lambda cluster: cluster.review(rules_review("n")),
    "access review": lambda cluster: is_allowed(cluster, ANYTHING),
}


@dataclass(frozen=True)
class Outcome:
    """What became of a verb.

    Args:
        error: the class of the error; empty if there was none.
        ours: whether it is an error of the family.
        shown: the error with its next step and facts.
        printed: what a person sees of it.
    """

    behaviour: str
    verb: str
    seconds: float
    error: str = ""
    ours: bool = False
    message: str = ""
    next_step: str = ""
    shown: str = ""
    printed: str = ""


@dataclass(frozen=True)
class Outcomes:
    """What became of all verbs, and the most memory that the process had, in MiB."""

    outcomes: list[Outcome]
    memory: float


def client(port: int, behaviour: str, seconds: float = SECONDS) -> Cluster:
    """A client of a behaviour, with a token."""
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{port}/{number_of(behaviour)}"
    configuration.api_key = {"authorization": f"Bearer {TOKEN}"}
    return Cluster(configuration, backoff=Backoff(first=0.01, attempts=3), limits=Limits(seconds=seconds, overtime=0.5))


def _outcome(cluster: Cluster, behaviour: str, verb: str) -> Outcome:
    began = time.monotonic()
    error: BaseException | None = None
    try:
        VERBS[verb](cluster)
    except BaseException as raised:  # noqa: BLE001 - this is what is tested
        error = raised
    seconds = time.monotonic() - began
    if not isinstance(error, ConductorError):
        return Outcome(behaviour, verb, seconds, type(error).__name__ if error else "", shown=repr(error)[:500])
    shown = f"{error}\n{json.dumps(error.facts, ensure_ascii=False)}"
    return Outcome(
        behaviour,
        verb,
        seconds,
        type(error).__name__,
        True,
        error.message[:2000],
        error.next_step or "",
        shown[:50_000],
    )


def run(port: int, behaviours: list[str], threads: int, seconds: float) -> None:
    """Print the outcomes of all verbs, so many at once; a behaviour has one client."""
    clients = {behaviour: client(port, behaviour, seconds) for behaviour in behaviours}
    pairs = [(clients[behaviour], behaviour, verb) for behaviour in behaviours for verb in VERBS]
    with ThreadPoolExecutor(threads) as pool:
        _print(list(pool.map(lambda pair: _outcome(*pair), pairs)))


def _print(outcomes: Iterable[Outcome]) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"memory": memory, "outcomes": [asdict(outcome) for outcome in outcomes]}))


def outcomes_of(port: int, behaviours: Iterable[str], threads: int, seconds: float = SECONDS) -> Outcomes:
    """The outcomes of all verbs, in a process of their own, with so many seconds for a request."""
    return _printed_by(run, port, list(behaviours), threads, seconds)


def _printed_by(function: Callable[..., None], *arguments: Any) -> Outcomes:
    """What a function of this module prints in a process of its own."""
    name = function.__name__
    program = f"import json, sys; from {__name__} import {name}; {name}(*json.loads(sys.argv[1]))"
    answer = subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    found = json.loads(answer.stdout)
    return Outcomes([Outcome(**outcome) for outcome in found["outcomes"]], found["memory"])


# What people run, with a time limit of 2 seconds where a module has one: the module, its options, and check mode.
MODULES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "status": ("trainer_operator_info", {}, False),
    "install": ("trainer_operator", {"lease_timeout": 2}, False),
    "install in check mode": ("trainer_operator", {}, True),
    "uninstall": ("trainer_operator", {"state": "absent", "timeout": 2, "lease_timeout": 2}, False),
    "wait": ("wait_for_controllers", {"timeout": 2}, False),
    "verify runtimes": ("cluster_training_runtime_info", {}, False),
    "trainjob": ("trainjob", {"name": "a", "namespace": "n", "definition": TRAIN_JOB, "timeout": 2}, False),
    "delete trainjob": ("trainjob", {"name": "a", "namespace": "n", "state": "absent", "timeout": 2}, False),
}


def run_modules(port: int, pairs: list[tuple[str, str]], threads: int) -> None:
    """Print the outcomes of modules as in C(run); the pairs are a behaviour and a name of C(MODULES)."""
    Transport.limits = Limits(seconds=SECONDS, overtime=0.5)
    # Each imports some of its library when it runs, and an import takes longer while others wait for it.
    for name, _options, _check in MODULES.values():
        importlib.import_module(f"{_PLUGINS}.modules.{name}")
    with ThreadPoolExecutor(threads) as pool:
        _print(list(pool.map(lambda pair: _module_outcome(port, *pair), pairs)))


def _module_outcome(port: int, behaviour: str, name: str) -> Outcome:
    module, options, check = MODULES[name]
    operation = importlib.import_module(f"{_PLUGINS}.modules.{module}").OPERATION
    in_process = importlib.import_module(f"{_PLUGINS}.plugin_utils.in_process")
    host = f"http://127.0.0.1:{port}/{number_of(behaviour)}"
    arguments = {"host": host, "api_key": TOKEN, "bundle": str(_BUNDLE), **copy.deepcopy(options)}
    settings = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_module_name": module}
    began = time.monotonic()
    result = in_process._result(operation, arguments, settings, lambda message: None, lambda uid: "")
    seconds = time.monotonic() - began
    failed = bool(result.get("failed"))
    message, _next, next_step = str(result.get("msg", "")).rpartition("\nNext: ")
    error = "exception" if "exception" in result else "failed" if failed else ""
    shown = json.dumps({**result, "invocation": None}, ensure_ascii=False, default=str)
    printed = str(result.get("msg", ""))
    ours = error == "failed"
    return Outcome(behaviour, name, seconds, error, ours, message[:2000], next_step, shown[:50_000], printed)


def module_outcomes(port: int, pairs: Iterable[tuple[str, str]], threads: int) -> Outcomes:
    """The outcomes of modules, in a process of their own."""
    return _printed_by(run_modules, port, list(pairs), threads)


@contextmanager
def hostile_server() -> Iterator[int]:
    """The port of a hostile server, in a process of its own."""
    command = [sys.executable, "-m", "tests.support.hostile"]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.kill()
