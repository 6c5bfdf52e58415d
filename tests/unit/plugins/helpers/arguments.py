# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module gets its arguments where no Ansible brings them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.common.parameters import PASS_VARS

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    # ansible-core before 2.17 has no function for it.
    @contextmanager
    def patch_module_args(module_args: dict[str, Any] | None = None) -> Iterator[None]:
        """See ansible.module_utils.testing."""
        encoded = json.dumps({"ANSIBLE_MODULE_ARGS": module_args or {}}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", encoded):
            yield


# A module of a recent ansible-core shows its arguments only where it is told to; an older one does not know the word.
SHOWN = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}

__all__ = ["SHOWN", "patch_module_args"]
