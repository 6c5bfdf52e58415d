# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the result of each task in a file, one JSON line a task, for tests to read."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: keep_results
type: aggregate
short_description: Keep the result of each task
description:
  - Appends one JSON line for each task and host to the file named in the environment variable CONDUCTOR_TEST_RESULTS.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """What Ansible loads."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "keep_results"
    CALLBACK_NEEDS_ENABLED = True

    def _keep(self, result: Any, end: str) -> None:
        line = {
            "host": result.host.get_name(),
            "task": result.task.get_name(),
            "module": result.task.action,
            "end": end,
            "result": json.loads(json.dumps(dict(result.result), default=str)),
        }
        with open(os.environ["CONDUCTOR_TEST_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """See CallbackBase."""
        self._keep(result, "ok")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """See CallbackBase."""
        self._keep(result, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """See CallbackBase."""
        self._keep(result, "failed")
