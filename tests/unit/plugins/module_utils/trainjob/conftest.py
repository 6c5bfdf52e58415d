# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.plugins.helpers.builders import bundle, installed, obj
from tests.unit.plugins.helpers.fakes import FakeCluster


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    fake = installed(bundle())
    fake.put(obj("Namespace", "team"))
    yield fake
    fake.released.set()
