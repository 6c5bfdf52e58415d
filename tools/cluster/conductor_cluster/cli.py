# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: verbs, their arguments and exit codes (0 success, 1 failure, 2 wrong arguments)."""

from __future__ import annotations

import argparse
import signal
import sys
import types
from collections.abc import Sequence
from typing import Callable

from . import docker, images, kind, lifecycle, programs
from .console import Console
from .paths import Paths, find_paths
from .process import ClusterError, end_children

DEFAULT_NAME = "conductor"
Run = Callable[[Paths, Console, argparse.Namespace], int]


def _up(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    lifecycle.up(paths, console, arguments.name, arguments.node_image, arguments.kubernetes)
    return 0


def _down(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    names = lifecycle.own_names(paths) if arguments.all else [arguments.name]
    lifecycle.down(paths, console, names)
    return 0


def _load(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    if arguments.image:
        images.load(paths, console, arguments.name, arguments.image)
    else:
        images.ensure_in_node(paths, console, arguments.name, release=arguments.release)
        console.step(f"{arguments.name} has {', '.join(images.wanted(paths, arguments.release))}")
    return 0


def _status(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    rows = lifecycle.status(paths, arguments.name)
    for part, well, text in rows:
        print(f"{'ok  ' if well else 'BAD '} {part:<11} {text}")
    return 0 if all(well for _, well, _ in rows) else 1


def _list(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    for name, state, owner in lifecycle.listing(paths):
        print(f"{name:<20} {state:<8} {owner}")
    return 0


def _kubeconfig(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    file = paths.kubeconfig(arguments.name)
    if not file.exists():
        raise ClusterError(f"{paths.shown(file)} is missing: `cluster up {arguments.name}` creates the cluster")
    print(file)
    return 0


def _audit(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    # A rotated log sorts before the current one: "audit-<time>.log" < "audit.log".
    log = docker.execute(kind.node(arguments.name), ["sh", "-c", f"cat {kind.AUDIT_LOGS}"])
    sys.stdout.buffer.write(log)
    return 0


def _program(paths: Paths, console: Console, arguments: argparse.Namespace) -> int:
    print(programs.program(paths, console, arguments.program))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="cluster", description="Create real kind clusters on this machine, with or without a container registry."
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        found = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        found.set_defaults(run=run)
        return found

    def named(of: argparse.ArgumentParser) -> None:
        of.add_argument("name", nargs="?", default=DEFAULT_NAME, metavar="NAME", help=f"default: {DEFAULT_NAME}")

    up = verb("up", _up, "create a cluster, or make sure that it is healthy")
    named(up)
    up.add_argument(
        "--node-image",
        default="auto",
        metavar="auto|stock|built|IMAGE",
        help="stock: kindest/node from its registry; built: built here from pinned Go modules and Debian packages; "
        "auto (default): stock if a registry answers within seconds, else built",
    )
    up.add_argument("--kubernetes", metavar="VERSION", help="Kubernetes version (default: the pinned one)")
    down = verb("down", _down, "remove a cluster")
    named(down)
    down.add_argument("--all", action="store_true", help="all clusters of this clone")
    load = verb("load", _load, "load images into the node: those of a release and the test workload, or IMAGE...")
    named(load)
    load.add_argument("image", nargs="*", metavar="IMAGE", help="images in Docker")
    load.add_argument("--release", metavar="VERSION", help="operator release (default: the newest here)")
    named(verb("status", _status, "report the state of a cluster; exit code 0 only if it is healthy"))
    verb("list", _list, "list the clusters and their states")
    named(verb("kubeconfig", _kubeconfig, "print the path of a cluster's kubeconfig"))
    named(verb("audit", _audit, "print the API server's audit log, one JSON object per line"))
    program = verb("program", _program, "print the path of a program; copy or build it if missing")
    program.add_argument("program", choices=sorted(programs.IN_NODE_IMAGE), metavar="PROGRAM")
    return top


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    end_children()
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    arguments = parser().parse_args(argv)
    paths, console = find_paths(), Console()
    # Clean up after SIGTERM as after an interruption at the terminal.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if "name" in arguments:
            kind.check_name(arguments.name)
        run: Run = arguments.run
        return run(paths, console, arguments)
    except ClusterError as error:
        print(f"cluster {arguments.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"cluster {arguments.verb}: interrupted", file=sys.stderr)
        return 130
