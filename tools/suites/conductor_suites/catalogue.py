# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites of this project: what they run and need, and about how long they take."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# What a suite needs besides the environment: "generated" and "control_plane" Go, "cluster" a container engine.
TIERS = ("static", "generated", "unit", "artifact", "control_plane", "cluster")
# Seconds for each command of a suite: one that hangs must not hang the run. On a new machine the longer ones build
# programs and images.
LIMIT, LONG_LIMIT, EVIDENCE_LIMIT = 900, 2700, 3 * 3600
# The releases of ansible-core that every run tests, and those between (conductor_setup.setup).
CORES, MORE_CORES = ("2.16", "2.21"), ("2.17", "2.18", "2.19", "2.20")
# Code that is changed on purpose, to see whether the unit tests notice (tools/mutation).
MUTATED = ("planner", "verdicts", "options", "option-objects", "option-settings")
# Tests with this mark take too long for every run; `make evidence` runs them too. Scenarios read the variable.
SAMPLE, SAMPLE_SCENARIO = ("-m", "not evidence"), ("env", "CONDUCTOR_SAMPLE=true")
# About how many seconds a scenario takes, if more than 90.
SCENARIOS = {"adopt": 110, "broken": 100, "default": 100, "ha": 120, "options": 150, "uninstall": 150}


@dataclass(frozen=True)
class Suite:
    """Commands that run one after the other; the suite has passed when all have exited with 0."""

    name: str
    tier: str
    commands: tuple[tuple[str, ...], ...]
    limit: float = LIMIT
    # About how many seconds it takes: the longest suites are started first.
    seconds: float = 60
    # Where the last command writes its results, test by test; None: the suite counts as one test.
    junit: Path | None = None
    # An environment in .venvs that it needs.
    environment: str = ""


def obstacle(suite: Suite, clone: Path) -> str | None:
    """Return why a suite cannot run here; None if it can."""
    if suite.environment and not (clone / ".venvs" / suite.environment).is_dir():
        return f"{suite.environment} was not set up: `make setup-test` says why"
    needed = {"generated": ["go"], "control_plane": ["go", "setpriv"]}.get(suite.tier, [])
    if missing := [program for program in needed if shutil.which(program) is None]:
        return f"not on PATH: {', '.join(missing)}"
    # The cluster tool starts an engine only as root on Debian.
    if suite.tier != "cluster" or (os.geteuid() == 0 and Path("/etc/debian_version").is_file()):
        return None
    if shutil.which("docker") is None:
        return "no docker on PATH, and only as root on Debian can it be installed here"
    answer = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=30, check=False)
    return None if answer.returncode == 0 else f"docker does not answer: {answer.stderr.strip()}"


def all_suites(clone: Path, output: Path, *, evidence: bool = False) -> list[Suite]:
    """Return every suite, cheapest first. ``evidence`` leaves nothing out. Results go to ``output``."""
    python = sys.executable
    packages = sorted({found.parent.name for found in clone.glob("tools/*/*_*/*.py")})
    packages = ["ansible_collections.conductor.trainer.plugins", *packages, "tests"]
    # Given "." yamllint would walk through caches and environments to ignore them.
    yamls = sorted(
        entry.name
        for entry in clone.iterdir()
        if not entry.name.startswith(".") and (entry.is_dir() or entry.suffix in (".yml", ".yaml"))
    )

    def limit(tier: str) -> int:
        quick = tier in ("static", "generated", "unit")
        return EVIDENCE_LIMIT if evidence else LIMIT if quick else LONG_LIMIT

    def suite(name: str, tier: str, *commands: tuple[str, ...], seconds: float = 60, environment: str = "") -> Suite:
        return Suite(name, tier, commands, limit(tier), seconds, environment=environment)

    def tests(name: str, tier: str, seconds: float, folder: str, *options: str, environment: str = "") -> Suite:
        junit = output / f"{name}.xml"
        # Clusters and environments take longer to come up than a test may otherwise be silent.
        slow = [] if tier in ("generated", "unit") else ["--override-ini=faulthandler_timeout=600"]
        sample = () if evidence else SAMPLE
        command = (python, "-m", "pytest", f"tests/{folder}", f"--junit-xml={junit}", *slow, *options, *sample)
        return Suite(name, tier, (command,), limit(tier), seconds, junit, environment)

    return [
        suite("ruff", "static", (python, "-m", "ruff", "check"), (python, "-m", "ruff", "format", "--check")),
        suite("mypy", "static", (python, "-m", "mypy", *(word for name in packages for word in ("-p", name)))),
        suite("yamllint", "static", ("yamllint", "--strict", ".ansible-lint", ".yamllint", ".config", *yamls)),
        suite("ansible-lint", "static", ("ansible-lint", "--offline", "--strict")),
        suite("changelog", "static", ("antsibull-changelog", "lint")),
        suite("docs", "static", (str(clone / "tools/docs/build"),), environment="docs"),
        suite("bundles", "generated", (str(clone / "tools/bundles/generate"), "--check")),
        tests("fidelity", "generated", 60, "component/fidelity"),
        tests("unit", "unit", 90, "unit"),
        *(tests(name, "unit", 30, f"component/{name}") for name in ("schedules", "hostile", "playbooks", "awx")),
        tests("artifact", "artifact", 90, "packaging/artifact"),
        *(
            tests(name, "artifact", 250, "packaging/cores", f"--core={name[5:]}", environment=name)
            for name in sorted(f"core-{core}" for core in (CORES + MORE_CORES if evidence else CORES))
        ),
        *(
            tests(f"mutation-{name}", "artifact", 3600, "mutation", f"--target={name}", environment="mutation")
            for name in (MUTATED if evidence else ())
        ),
        tests("control-plane", "control_plane", 400, "integration/control_plane"),
        tests("kubeconfigs", "control_plane", 40, "integration/kubeconfigs"),
        *(
            suite(
                f"molecule-{name}",
                "cluster",
                (*(() if evidence else SAMPLE_SCENARIO), "molecule", "test", "--scenario-name", name),
                seconds=SCENARIOS.get(name, 90),
            )
            for name in sorted(found.parent.name for found in clone.glob("molecule/*/molecule.yml"))
        ),
        tests("stories", "cluster", 150, "integration/stories"),
        tests("connections", "cluster", 110, "integration/connections"),
        tests("fleet", "cluster", 80, "integration/fleet"),
        tests("faults", "cluster", 130, "integration/faults"),
    ]
