# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gets who installs the tarball; tests/packaging/cores asks the same of other releases of ansible-core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.artifact import contents_of
from tests.support.shipped import Shipped
from tests.support.shipped_checks import NAME, assert_documented, assert_every_playbook_asks_for_a_cluster


def verify(installed: Shipped) -> tuple[int, str]:
    answer = installed.run("ansible-galaxy", "collection", "verify", NAME, "--offline")
    return answer.code, answer.text


@pytest.fixture
def edited(installed: Shipped) -> Iterator[str]:
    """A file of the installation that somebody has changed."""
    name = "plugins/modules/trainer_operator.py"
    file = installed.root / name
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\n# changed\n", encoding="utf-8")
    yield name
    file.write_text(text, encoding="utf-8")


def test_all_files_of_the_tarball_are_installed(installed: Shipped, tarball: Path) -> None:
    present = {str(path.relative_to(installed.root)) for path in installed.root.rglob("*") if path.is_file()}
    assert present == set(contents_of(tarball).files)


def test_an_installation_is_verified(installed: Shipped) -> None:
    code, text = verify(installed)
    assert code == 0, text
    assert f"Verifying '{NAME}:1.0.0'" in text or "checksums match" in text


def test_a_changed_file_is_found(installed: Shipped, edited: str) -> None:
    code, text = verify(installed)
    assert code != 0
    assert edited in text


def test_every_plugin_and_role_is_documented(
    installed: Shipped, record_testsuite_property: Callable[[str, object], None]
) -> None:
    record_testsuite_property("ansible-doc", f"{assert_documented(installed)} plugins and roles")


def test_every_playbook_runs_by_its_name(
    installed: Shipped, record_testsuite_property: Callable[[str, object], None]
) -> None:
    record_testsuite_property("playbooks by name", assert_every_playbook_asks_for_a_cluster(installed))
