# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites of this project, cheapest first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conductor_suites.suite import Suite

TIERS = ("static", "generated", "unit", "cluster")


def no_go() -> str | None:
    """Why generated files cannot be made again here."""
    return None if shutil.which("go") else "no Go on PATH"


def no_container_engine() -> str | None:
    """Why no local cluster can be had here; the cluster tool starts an engine only as root on Debian."""
    if os.geteuid() == 0 and Path("/etc/debian_version").is_file():
        return None
    if shutil.which("docker") is None:
        return "no docker on PATH, and only as root on Debian can it be installed here"
    answer = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=30, check=False)
    return None if answer.returncode == 0 else f"docker does not answer: {answer.stderr.strip()}"


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


def all_suites(clone: Path, output: Path) -> list[Suite]:
    """Every suite of ``clone``; ``output`` is where results may be written."""
    python = sys.executable
    packages = ["ansible_collections.conductor.trainer.plugins", *python_packages(clone), "tests"]
    unit_results = output / "unit.xml"
    playbook_results = output / "playbooks.xml"
    awx_results = output / "awx.xml"
    fleet_results = output / "fleet.xml"
    fleet_junit = f"--junit-xml={fleet_results}"
    scenarios = sorted(found.parent.name for found in clone.glob("molecule/*/molecule.yml"))
    return [
        Suite("ruff", "static", ((python, "-m", "ruff", "check"), (python, "-m", "ruff", "format", "--check"))),
        Suite("mypy", "static", ((python, "-m", "mypy", *(word for name in packages for word in ("-p", name))),)),
        Suite("yamllint", "static", (("yamllint", "--strict", *yaml_sources(clone)),)),
        Suite("ansible-lint", "static", (("ansible-lint", "--offline", "--strict"),)),
        Suite("changelog", "static", (("antsibull-changelog", "lint"),)),
        Suite("bundles", "generated", ((str(clone / "tools/bundles/generate"), "--check"),), 900, obstacle=no_go),
        # Ours against upstream's own render, and the list of differences against what really differs.
        Suite("fidelity", "generated", ((str(clone / "tools/bundles/compare"),),), 900, obstacle=no_go),
        Suite(
            "unit",
            "unit",
            ((python, "-m", "pytest", "tests/unit", f"--junit-xml={unit_results}"),),
            junit=unit_results,
        ),
        Suite(
            "playbooks",
            "unit",
            ((python, "-m", "pytest", "tests/playbooks", f"--junit-xml={playbook_results}"),),
            junit=playbook_results,
        ),
        Suite(
            "awx",
            "unit",
            ((python, "-m", "pytest", "tests/awx", f"--junit-xml={awx_results}"),),
            junit=awx_results,
        ),
        Suite(
            "fleet",
            "cluster",
            # Clusters take longer to come up than a test may otherwise be silent.
            ((python, "-m", "pytest", "tests/fleet", "--override-ini=faulthandler_timeout=600", fleet_junit),),
            limit=2700,
            junit=fleet_results,
            obstacle=no_container_engine,
        ),
        *(
            Suite(
                f"molecule-{name}",
                "cluster",
                (("molecule", "test", "--scenario-name", name),),
                # A first run may have to build the node image.
                limit=2700,
                obstacle=no_container_engine,
            )
            for name in scenarios
        ),
    ]
