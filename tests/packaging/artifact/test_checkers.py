# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs by which the ecosystem judges a collection: Galaxy's importer and the antsibull family."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_artifact.build import build_raw, copy_tracked
from tests.support.playing import CLONE, Played
from tests.support.shipped import DEPENDENCY, PROGRAMS, Shipped

CHECKERS = CLONE / ".venvs" / "checkers" / "bin"
# The importer's own switches; what they would only log as a warning counts as well, see below.
STRICT = """\
[galaxy-importer]
CHECK_REQUIRED_TAGS = True
REQUIRE_V1_OR_GREATER = True
RUN_ANSIBLE_DOC = True
RUN_ANSIBLE_LINT = True
RUN_FLAKE8 = True
OFFLINE_ANSIBLE_LINT = True
RUN_ANSIBLE_TEST = False
"""


def check(*command: str | Path, cwd: Path, **variables: str) -> Played:
    """Runs one of the checkers, which find Ansible's programs on the PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "GALAXY_IMPORTER"))}
    path = f"{CHECKERS}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, "PATH": path, "HOME": str(cwd), "NO_COLOR": "1", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Played(done.returncode, done.stdout, done.stderr)


def imported(tarball: Path, work: Path) -> Played:
    """The importer's answer to a tarball."""
    settings = work / "galaxy-importer.cfg"
    settings.write_text(STRICT)
    shutil.copy(tarball, work)
    return check(
        *(CHECKERS / "python", "-m", "galaxy_importer.main", tarball.name),
        cwd=work,
        GALAXY_IMPORTER_CONFIG=str(settings),
        # The dependency, where the importer's Ansible finds it: it installs none, and our fragments extend one of it.
        PYTHONPATH=str(DEPENDENCY.parents[2]),
    )


def complaints(answer: Played) -> list[str]:
    """What the importer warns of; it succeeds in spite of it."""
    found: list[str] = re.findall(r"^(?:WARNING|ERROR|CRITICAL):? .*$", answer.errors + answer.output, re.MULTILINE)
    # PEP 8 recommends since 2016 what this rule of flake8 forbids, and formatters write it so.
    return [line for line in found if "W503 line break before binary operator" not in line]


@pytest.fixture
def with_address(tmp_path: Path) -> Path:
    """The same artifact but for an address of its sources, which the project does not have yet."""
    tree = tmp_path / "tree"
    copy_tracked(CLONE, tree)
    with (tree / "galaxy.yml").open("a") as settings:
        settings.write("repository: https://conductor.example/trainer\n")
    return build_raw(tree, tmp_path / "built", PROGRAMS / "ansible-galaxy")


def test_galaxy_misses_the_address_of_the_sources_alone(tarball: Path, tmp_path: Path) -> None:
    # To be dropped once galaxy.yml names one.
    assert complaints(imported(tarball, tmp_path)) == [
        "ERROR: The import failed for the following reason: Invalid collection metadata. 'repository' is required"
    ]


@pytest.mark.evidence
def test_with_an_address_galaxy_would_import_it_without_a_warning(
    with_address: Path, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    answer = imported(with_address, tmp_path)
    assert answer.code == 0, answer.text
    assert "Importer processing completed successfully" in answer.text
    assert complaints(answer) == []
    record_testsuite_property("galaxy-importer", "0 warnings, once galaxy.yml names a repository")


def test_the_documentation_can_be_built(installed: Shipped) -> None:
    answer = check(
        CHECKERS / "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--validate-collection-refs=all",
        "--skip-rstcheck",
        installed.root,
        cwd=installed.home,
        ANSIBLE_COLLECTIONS_PATH=str(installed.collections),
    )
    assert (answer.code, answer.text) == (0, "")


def test_the_changelog_can_be_read(installed: Shipped) -> None:
    answer = check(
        PROGRAMS / "antsibull-changelog",
        "lint-changelog-yaml",
        installed.root / "changelogs" / "changelog.yaml",
        cwd=installed.home,
    )
    assert (answer.code, answer.text) == (0, "")
