# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.playing import play
from tests.support.real_cluster import RealCluster, real_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[RealCluster]:
    """The one cluster of these tests; fresh for the first of them."""
    with real_cluster("stories") as found:
        yield found


@pytest.fixture(scope="module")
def installed(cluster: RealCluster) -> RealCluster:
    """The same cluster with the operator on it.

    After the story of the install there is nothing to do; after that of the uninstall, the last of its file, all.
    """
    played = play("install", cluster.variables)
    assert played.code == 0, played.output + played.errors
    return cluster
