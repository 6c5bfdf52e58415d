# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives each suite a fresh kind cluster: a new one, or one that was reset after another suite and checked.

CONDUCTOR_TEST_CLUSTER names a cluster that several suites use one after the other; the test runner sets it. Without it
a suite creates a cluster of its own and deletes it.

``python -m tests.support.lending take|give-back NAME`` does both for molecule.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import urllib3

from tests.support.inventory import at_rest, connected, reset
from tests.support.playing import CLONE

TOOL = CLONE / "tools" / "cluster" / "cluster"
SHARED = "CONDUCTOR_TEST_CLUSTER"
# What the cluster had when it was new, in its folder: it is deleted together with the cluster.
_FRESH = "fresh.json"


def tool(*arguments: str) -> str:
    """Run the cluster tool and return its output. Raise CalledProcessError; the tool's words are on standard error."""
    return subprocess.run([TOOL, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def take(own: str, *, shared: bool = True) -> str:
    """Return the name of a cluster that is up and fresh: the shared one, if that is wanted, or ``own``, a new one."""
    name = os.environ.get(SHARED)
    if not (name and shared):
        _create(own)
        return own
    kubeconfig = CLONE / ".cluster" / name / "kubeconfig"
    fresh = kubeconfig.with_name(_FRESH)
    if fresh.is_file():
        try:
            with connected(kubeconfig) as request:
                reset(request, json.loads(fresh.read_text(encoding="utf-8")))
            return name
        except (TimeoutError, OSError, urllib3.exceptions.HTTPError) as error:
            print(f"{name} is created again: {error}", file=sys.stderr)
    _create(name)
    with connected(kubeconfig) as request:
        fresh.write_text(json.dumps(at_rest(request)), encoding="utf-8")
    return name


def give_back(own: str, *, shared: bool = True) -> None:
    """Delete the cluster ``own``. A shared one stays for the next suite."""
    if not (os.environ.get(SHARED) and shared):
        tool("down", own)


def _create(name: str) -> None:
    tool("down", name)
    tool("up", name)


def kubeconfig_of(name: str) -> Path:
    """Return the path of the kubeconfig of a cluster that is up."""
    return Path(tool("kubeconfig", name).strip())


def main() -> int:
    """Take a cluster or give it back; print its name."""
    parser = argparse.ArgumentParser(prog="lending", description=__doc__)
    parser.add_argument("verb", choices=["take", "give-back"])
    parser.add_argument("name", help="of the suite's own cluster, used where none is shared")
    arguments = parser.parse_args()
    if arguments.verb == "take":
        print(take(arguments.name))
    else:
        give_back(arguments.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
