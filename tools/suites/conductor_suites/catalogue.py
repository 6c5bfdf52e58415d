# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites of this project, cheapest first."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from conductor_suites.suite import Suite

# Seconds for a suite on a real cluster: a first run may have to build the node image, or the control plane's programs.
CLUSTER_LIMIT = 2700

# The same for one that installs programs on a first run.
ARTIFACT_LIMIT = 2700

# The same for any suite of `make evidence`, for which nobody waits: it must end one that hangs, and nothing else.
EVIDENCE_LIMIT = 3 * 3600

TIERS = ("static", "generated", "unit", "artifact", "control_plane", "cluster")

# The releases of ansible-core that every run tests: the oldest of the claim and the newest (conductor_setup.cores).
CORES = ("2.16", "2.21")
# And those between, for `make evidence`.
MORE_CORES = ("2.17", "2.18", "2.19", "2.20")

# Code that is broken on purpose, to see whether the unit tests notice (tools/mutation); only for `make evidence`.
MUTATED = ("planner", "verdicts")

# Tests with this mark take too long for every run; `make evidence` runs them too.
SAMPLE = ("-m", "not evidence")


def nothing() -> str | None:
    """No obstacle: the environment is enough."""
    return None


def no_go() -> str | None:
    """Why generated files cannot be made again here."""
    return None if shutil.which("go") else "no Go on PATH"


def no_control_plane() -> str | None:
    """Why no API server can be started here. Upstream's manifests, too, come out of Go modules."""
    if platform.system() != "Linux" or shutil.which("setpriv") is None:
        return "the control plane's programs run on Linux only, with setpriv of util-linux on PATH"
    return no_go()


def no_container_engine() -> str | None:
    """Why no local cluster can be had here; the cluster tool starts an engine only as root on Debian."""
    if os.geteuid() == 0 and Path("/etc/debian_version").is_file():
        return None
    if shutil.which("docker") is None:
        return "no docker on PATH, and only as root on Debian can it be installed here"
    answer = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=30, check=False)
    return None if answer.returncode == 0 else f"docker does not answer: {answer.stderr.strip()}"


def no_environment(folder: Path) -> Callable[[], str | None]:
    """Why nothing can be run out of an environment that is not always there."""
    return lambda: None if folder.is_dir() else f"{folder.name} was not set up: `make setup-test` says why"


def python_packages(clone: Path) -> list[str]:
    """The names of the packages below tools/: tools/TOOL/PACKAGE/__init__.py."""
    return sorted(found.parent.name for found in clone.glob("tools/*/*/__init__.py"))


def yaml_sources(clone: Path) -> list[str]:
    """What yamllint is to look at; given ``.`` it would walk through caches and environments to ignore them."""
    settings = [".ansible-lint", ".yamllint"]
    return settings + sorted(
        entry.name
        for entry in clone.iterdir()
        if not entry.name.startswith(".") and (entry.is_dir() or entry.suffix in (".yml", ".yaml"))
    )


def pytest_suite(
    name: str, tier: str, folder: str, output: Path, obstacle: Callable[[], str | None], *options: str
) -> Suite:
    """A suite of pytest; its tests are counted one by one."""
    results = output / f"{name}.xml"
    command = [sys.executable, "-m", "pytest", folder, f"--junit-xml={results}", *options]
    limits = {"artifact": ARTIFACT_LIMIT, "control_plane": CLUSTER_LIMIT, "cluster": CLUSTER_LIMIT}
    if tier not in limits:
        return Suite(name, tier, (tuple(command),), junit=results, obstacle=obstacle)
    # Clusters and environments take longer to come up than a test may otherwise be silent.
    command.append("--override-ini=faulthandler_timeout=600")
    return Suite(name, tier, (tuple(command),), limit=limits[tier], junit=results, obstacle=obstacle)


def all_suites(clone: Path, output: Path, *, evidence: bool = False) -> list[Suite]:
    """Every suite of ``clone``; ``output`` is where results may be written.

    ``evidence`` leaves nothing out that takes too long for every run.
    """
    python = sys.executable
    sample = () if evidence else SAMPLE
    packages = ["ansible_collections.conductor.trainer.plugins", *python_packages(clone), "tests"]
    scenarios = sorted(found.parent.name for found in clone.glob("molecule/*/molecule.yml"))
    suites = [
        Suite("ruff", "static", ((python, "-m", "ruff", "check"), (python, "-m", "ruff", "format", "--check"))),
        Suite("mypy", "static", ((python, "-m", "mypy", *(word for name in packages for word in ("-p", name))),)),
        Suite("yamllint", "static", (("yamllint", "--strict", *yaml_sources(clone)),)),
        Suite("ansible-lint", "static", (("ansible-lint", "--offline", "--strict"),)),
        Suite("changelog", "static", (("antsibull-changelog", "lint"),)),
        Suite("bundles", "generated", ((str(clone / "tools/bundles/generate"), "--check"),), 900, obstacle=no_go),
        # Ours against upstream's own render, and the list of differences against what really differs; and the
        # comparison itself, which has to find mistakes.
        pytest_suite("fidelity", "generated", "tests/component/fidelity", output, no_go),
        pytest_suite("unit", "unit", "tests/unit", output, nothing),
        pytest_suite("schedules", "unit", "tests/component/schedules", output, nothing, *sample),
        pytest_suite("playbooks", "unit", "tests/component/playbooks", output, nothing),
        pytest_suite("awx", "unit", "tests/component/awx", output, nothing),
        pytest_suite("artifact", "artifact", "tests/packaging/artifact", output, nothing),
        *(
            pytest_suite(
                f"core-{core}",
                "artifact",
                "tests/packaging/cores",
                output,
                no_environment(clone / ".venvs" / f"core-{core}"),
                f"--core={core}",
            )
            for core in sorted(CORES + MORE_CORES if evidence else CORES)
        ),
        *(
            pytest_suite(
                f"mutation-{target}",
                "artifact",
                "tests/mutation",
                output,
                no_environment(clone / ".venvs" / "mutation"),
                f"--target={target}",
            )
            for target in (MUTATED if evidence else ())
        ),
        pytest_suite(
            "control-plane", "control_plane", "tests/integration/control_plane", output, no_control_plane, *sample
        ),
        *(
            Suite(
                f"molecule-{name}",
                "cluster",
                (("molecule", "test", "--scenario-name", name),),
                limit=CLUSTER_LIMIT,
                obstacle=no_container_engine,
            )
            for name in scenarios
        ),
        *(
            pytest_suite(name, "cluster", f"tests/integration/{name}", output, no_container_engine, *sample)
            for name in ("stories", "connections", "fleet", "faults")
        ),
    ]
    return [replace(suite, limit=EVIDENCE_LIMIT) for suite in suites] if evidence else suites
