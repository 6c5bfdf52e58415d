# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: verbs, their arguments and exit codes (0 success, 1 failure, 2 wrong arguments)."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from . import docker, images, kind, lifecycle
from .console import Console
from .paths import Paths, find_paths
from .process import ClusterError, end_children

VERBS = {
    "up": "create a cluster, or make sure that it is healthy",
    "down": "remove a cluster",
    "load": "load the images of an operator release and of the test workload into the node",
    "status": "report the state of a cluster; exit code 0 only if it is healthy",
    "kubeconfig": "print the path of a cluster's kubeconfig",
    "audit": "print the API server's audit log, one JSON object per line",
    "program": "print the path of a program; copy or build it if missing",
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="cluster", description="Create real kind clusters on this machine, with or without a container registry."
    )
    subparsers = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs = {}
    for verb, text in VERBS.items():
        verbs[verb] = subparsers.add_parser(verb, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if verb != "program":
            verbs[verb].add_argument("name", nargs="?", default="conductor", metavar="NAME", help="default: conductor")
    text = "stock: kindest/node; built: built here; auto (default): stock if a registry answers in seconds, else built"
    verbs["up"].add_argument("--node-image", default="auto", metavar="auto|stock|built|IMAGE", help=text)
    verbs["load"].add_argument("--release", metavar="VERSION", help="operator release (default: the newest here)")
    verbs["program"].add_argument("program", choices=sorted(kind.IN_NODE_IMAGE), metavar="PROGRAM")
    return top


def run(paths: Paths, console: Console, name: str, arguments: argparse.Namespace) -> int:
    """Run one verb and return its exit code. Raise ClusterError if it fails."""
    verb = arguments.verb
    if verb == "up":
        lifecycle.up(paths, console, name, arguments.node_image)
    elif verb == "down":
        lifecycle.down(paths, console, name)
    elif verb == "load":
        images.ensure_in_node(paths, console, name, release=arguments.release)
        console.step(f"{name} has {', '.join(images.wanted(paths, arguments.release))}")
    elif verb == "status":
        rows = lifecycle.status(paths, name)
        for part, well, text in rows:
            print(f"{'ok  ' if well else 'BAD '} {part:<11} {text}")
        return 0 if all(well for _, well, _ in rows) else 1
    elif verb == "kubeconfig":
        file = paths.kubeconfig(name)
        if not file.exists():
            raise ClusterError(f"{paths.shown(file)} is missing: `cluster up {name}` creates the cluster")
        print(file)
    elif verb == "audit":
        # A rotated log sorts before the current one: "audit-<time>.log" < "audit.log".
        sys.stdout.buffer.write(docker.execute(kind.node(name), ["sh", "-c", f"cat {kind.AUDIT_LOGS}"]))
    elif verb == "program":
        print(kind.program(paths, console, arguments.program))
    return 0


def _interrupt(number: int, _frame: object) -> None:
    end_children()
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    arguments = parser().parse_args(argv)
    # Clean up after SIGTERM as after an interruption at the terminal.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        name = kind.check_name(arguments.name) if "name" in arguments else ""
        return run(find_paths(), Console(), name, arguments)
    except ClusterError as error:
        print(f"cluster {arguments.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"cluster {arguments.verb}: interrupted", file=sys.stderr)
        return 130
