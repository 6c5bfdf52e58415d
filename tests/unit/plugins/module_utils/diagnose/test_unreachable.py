# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.unreachable import unreachable_verdict
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, UnreachableError
from tests.unit.plugins.helpers.fakes import failure


def test_a_temporary_error_is_a_verdict() -> None:
    verdict = unreachable_verdict(UnreachableError("connection refused"))
    assert (verdict.subject, verdict.state, verdict.evidence) == ("API server", "unknown", "connection refused")
    assert unreachable_verdict(failure(503)).state == "unknown"


def test_a_permanent_error_is_raised() -> None:
    with pytest.raises(ApiError):
        unreachable_verdict(failure(403))
