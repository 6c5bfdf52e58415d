# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: ``setup [runtime|test|evidence]``."""

from __future__ import annotations

import argparse
import fcntl
import sys
import time

from conductor_setup import collections, cores, environments
from conductor_setup.layout import Layout, this_clone
from conductor_setup.steps import SetupError


def ensure_cores(layout: Layout, wanted: tuple[cores.Core, ...]) -> None:
    """Make the environments of these releases of ansible-core, those without their Python left out loudly.

    Raises:
        SetupError: an environment cannot be made.
    """
    for core in wanted:
        python = cores.interpreter(core.python)
        if python:
            environments.ensure(layout, layout.helper_venv(core.name), "core", core.name, python=python)
        else:
            print(f"setup: there is no Python {core.python} here: the suite {core.name} cannot run", file=sys.stderr)


def main() -> int:
    """Make what the chosen tier needs; a second run finds nothing to do."""
    parser = argparse.ArgumentParser(prog="setup", description=__doc__)
    parser.add_argument(
        "tier",
        choices=("runtime", "test", "evidence"),
        nargs="?",
        default="runtime",
        help="runtime: what `make install` needs (default); test: the rest of `make test` too; evidence: and every "
        "ansible-core of the claim, and what breaks code on purpose",
    )
    tier = parser.parse_args().tier
    layout = Layout.of(this_clone())
    layout.cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        # Two targets at once (`make install` beside `make lint`) take turns.
        with (layout.cache / "setup.lock").open("w", encoding="utf-8") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            environments.ensure(layout, layout.venv, *(("runtime",) if tier == "runtime" else ("runtime", "test")))
            collections.link_checkout(layout)
            collections.ensure_kubernetes_core(layout)
            if tier != "runtime":
                environments.ensure(layout, layout.sdk_venv, "kubeflow-sdk")
                environments.ensure(layout, layout.runner_venv, "runner")
                environments.ensure(layout, layout.helper_venv("checkers"), "checkers")
                environments.ensure(layout, layout.helper_venv("bastion"), "bastion")
                ensure_cores(layout, cores.CORES if tier == "evidence" else cores.EVERY_TIME)
            if tier == "evidence":
                environments.ensure(layout, layout.helper_venv("mutation"), "mutation")
    except SetupError as error:
        print(f"setup: {error}".rstrip(), file=sys.stderr)
        return 1
    print(f"setup: {tier} is ready in {layout.clone} ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
