# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures Conductor beside kubectl and kubernetes.core on the same servers (``make bench``).

The others apply our objects, and in columns of their own those that upstream publishes, which is what one has without
Conductor: their CRDs describe every field.

On a real API server without nodes: what a run that has nothing to do asks and moves, how long a first apply takes, also
with a longer way to the server, and the memory of a module. On a real cluster: whole playbooks with nothing to do.
Seconds are the median of the rounds; those of kubectl and of playbooks are of the whole command.
"""

from __future__ import annotations

import argparse
import ssl
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES
from tests.bench.contestants import (
    CONTROLLER_PHASES,
    conductor,
    install_playbook,
    kubectl,
    kubernetes_core,
    module_memory,
    write_manifests,
    write_playbook,
    write_upstream_manifests,
)
from tests.bench.relay import Relay
from tests.support.control_plane import ControlPlane, control_plane
from tests.support.real_cluster import real_cluster
from tests.support.states import State, States, install_ours, our_bundle

KUBECTL_UPSTREAM = "kubectl, upstream's objects"
CORE_UPSTREAM = "kubernetes.core, upstream's objects"
NAMES = ("Conductor", "kubectl", "kubernetes.core", KUBECTL_UPSTREAM, CORE_UPSTREAM)
ROUND_TRIP = 0.05
FAR = f"{ROUND_TRIP * 1000:.0f} ms of round trip added"
_NONE = "-"

Row = tuple[str, ...]


def through(kubeconfig: Path, folder: Path, server: str) -> Path:
    """The same kubeconfig with another address for its cluster."""
    content: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = server
    if not server.startswith("https:"):
        # Who asks does not matter to a relay, which has credentials of its own.
        content["clusters"][0]["cluster"].pop("certificate-authority", None)
        content["clusters"][0]["cluster"].pop("certificate-authority-data", None)
        content["users"][0]["user"] = {}
    path = folder / "through.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


class OnServer:
    """What is measured on an API server without nodes."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self._plane = plane
        self._folder = folder
        self._port = int(plane.server.rpartition(":")[2])
        self._all = write_manifests(folder / "all.yaml", PHASES)
        self._controllers = write_manifests(folder / "controllers.yaml", CONTROLLER_PHASES)
        theirs = write_upstream_manifests(folder / "upstream.yaml", PHASES)
        their_controllers = write_upstream_manifests(folder / "upstream-controllers.yaml", CONTROLLER_PHASES)
        states = [
            State("Conductor", install_ours),
            State("kubectl", lambda plane: self._by_kubectl(plane, self._controllers, self._all)),
            State("kubernetes.core", lambda _plane: None, after="kubectl"),
            State(KUBECTL_UPSTREAM, lambda plane: self._by_kubectl(plane, their_controllers, theirs)),
            State(CORE_UPSTREAM, lambda _plane: None, after=KUBECTL_UPSTREAM),
        ]
        self._states = States(plane, states, plane.snapshot())
        playbook = write_playbook(folder / "all-playbook.yaml", self._all)
        their_playbook = write_playbook(folder / "upstream-playbook.yaml", theirs)
        self._again: dict[str, Callable[[Path], float]] = {
            "Conductor": lambda kubeconfig: conductor(kubeconfig, folder),
            "kubectl": lambda kubeconfig: kubectl(plane.program, kubeconfig, self._all),
            "kubernetes.core": lambda kubeconfig: kubernetes_core(kubeconfig, playbook),
            KUBECTL_UPSTREAM: lambda kubeconfig: kubectl(plane.program, kubeconfig, theirs),
            CORE_UPSTREAM: lambda kubeconfig: kubernetes_core(kubeconfig, their_playbook),
        }

    @staticmethod
    def _by_kubectl(plane: ControlPlane, controllers: Path, everything: Path) -> None:
        kubectl(plane.program, plane.kubeconfig, controllers)
        plane.await_served(our_bundle().objects("CustomResourceDefinition"))
        kubectl(plane.program, plane.kubeconfig, everything)

    def nothing_to_do(self) -> list[Row]:
        """What passes when all is as it should be."""
        found = {}
        for name, run in self._again.items():
            self._states.enter(name)
            # Once before, so that a field manager that is new here is no news.
            run(self._plane.kubeconfig)
            pki = self._plane.folder / "pki"
            tls = ssl.create_default_context(cafile=str(self._plane.certificate_authority))
            tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
            relay = Relay(self._port, tls=tls)
            began = self._plane.now()
            with relay.serving() as port:
                run(through(self._plane.kubeconfig, self._folder, f"http://127.0.0.1:{port}"))
            found[name] = (relay.counts, len(self._plane.writes_since(began)))
        counts = [found[name][0] for name in NAMES]
        return [
            ("nothing to do: requests", *(str(count.requests) for count in counts)),
            ("nothing to do: kB sent", *(f"{count.sent / 1000:.1f}" for count in counts)),
            ("nothing to do: kB received", *(f"{count.received / 1000:.1f}" for count in counts)),
            ("nothing to do: writes", *(str(found[name][1]) for name in NAMES)),
        ]

    def memory(self) -> list[Row]:
        """The peak of a module's process with nothing to do."""
        self._states.enter("Conductor")
        # Once before, as above.
        self._again["Conductor"](self._plane.kubeconfig)
        return [
            (
                "peak memory of the module, MB",
                f"{module_memory(self._plane.kubeconfig):.0f}",
                *[_NONE] * (len(NAMES) - 1),
            )
        ]


def first_apply(folder: Path, rounds: int) -> list[Row]:
    """Seconds of a first apply without the runtimes, on a server that is near, and on one that is not.

    Each on a server of its own: one that CRDs were put on and taken from becomes slower each time.
    """
    ours = write_manifests(folder / "first.yaml", CONTROLLER_PHASES)
    theirs = write_upstream_manifests(folder / "upstream-first.yaml", CONTROLLER_PHASES)
    ways: dict[str, Callable[[str, Path], float]] = {
        "Conductor": lambda _kubectl, kubeconfig: conductor(kubeconfig, folder, CONTROLLER_PHASES),
        "kubectl": lambda program, kubeconfig: kubectl(program, kubeconfig, ours),
        KUBECTL_UPSTREAM: lambda program, kubeconfig: kubectl(program, kubeconfig, theirs),
    }
    near: dict[str, list[float]] = {name: [] for name in ways}
    far: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, run in ways.items():
            with control_plane(folder / f"near-{number}-{name}") as plane:
                near[name].append(run(plane.program, plane.kubeconfig))
            with control_plane(folder / f"far-{number}-{name}") as plane:
                port = int(plane.server.rpartition(":")[2])
                with Relay(port, round_trip=ROUND_TRIP).serving() as relayed:
                    distant = through(plane.kubeconfig, folder, f"https://127.0.0.1:{relayed}")
                    far[name].append(run(plane.program, distant))
    return [
        seconds("first apply of the controllers, s", near),
        seconds(f"first apply of the controllers, {FAR}, s", far),
    ]


def seconds(what: str, runs: dict[str, list[float]]) -> Row:
    """A row of medians."""
    return (what, *(f"{statistics.median(runs[name]):.2f}" if runs.get(name) else _NONE for name in NAMES))


def playbooks(folder: Path, rounds: int) -> list[Row]:
    """Seconds of whole commands with nothing to do, on a real cluster that is near, and on one that is not."""
    manifests = write_manifests(folder / "all.yaml", PHASES)
    playbook = write_playbook(folder / "playbook.yaml", manifests)
    theirs = write_upstream_manifests(folder / "upstream.yaml", PHASES)
    their_playbook = write_playbook(folder / "upstream-playbook.yaml", theirs)
    near: dict[str, list[float]] = {}
    far: dict[str, list[float]] = {}
    with real_cluster("bench") as cluster:
        ways: dict[str, Callable[[Path], float]] = {
            "Conductor": lambda path: install_playbook({**cluster.variables, "conductor_kubeconfig": str(path)}),
            "kubectl": lambda path: kubectl(cluster.program, path, manifests),
            "kubernetes.core": lambda path: kubernetes_core(path, playbook),
            KUBECTL_UPSTREAM: lambda path: kubectl(cluster.program, path, theirs),
            CORE_UPSTREAM: lambda path: kubernetes_core(path, their_playbook),
        }
        server = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        with Relay(int(server.rpartition(":")[2]), round_trip=ROUND_TRIP).serving() as port:
            distant = through(cluster.kubeconfig, folder, f"https://127.0.0.1:{port}")
            # One after the other, because the next one takes the fields over.
            for name, run in ways.items():
                run(cluster.kubeconfig)
                near[name] = [run(cluster.kubeconfig) for _round in range(rounds)]
                far[name] = [run(distant) for _round in range(rounds)]
    what = "nothing to do: install.yml, apply, playbook"
    return [seconds(f"{what}, s", near), seconds(f"{what}, {FAR}, s", far)]


def main() -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="side_by_side", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often seconds are measured")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with control_plane(folder / "plane") as plane:
            server = OnServer(plane, folder)
            rows = [*server.nothing_to_do(), *server.memory()]
        rows += first_apply(folder, rounds)
        rows += playbooks(folder, rounds)
    print("| figure |", " | ".join(NAMES), "|")
    print("|---" * (len(NAMES) + 1) + "|")
    for row in rows:
        print("|", " | ".join(row), "|")
    return 0


if __name__ == "__main__":
    sys.exit(main())
