# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bundle_generator import release as releases
from bundle_generator.release import Release
from bundle_generator.sources import Programs, render_upstream

CLONE = Path(__file__).resolve().parents[3]
RELEASE = "2.3.0"


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The pinned programs."""
    return Programs(CLONE)


@pytest.fixture(scope="session")
def release() -> Release:
    """The release that is compared."""
    return releases.load(CLONE, RELEASE)


@pytest.fixture(scope="session")
def upstreams(programs: Programs, release: Release) -> list[dict[str, Any]]:
    """Upstream's own objects of it."""
    return render_upstream(programs, CLONE, release)
