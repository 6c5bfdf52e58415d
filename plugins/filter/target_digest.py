# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(target_digest) filter: a digest of what names a cluster, equal for all spellings of one address."""

from __future__ import annotations

DOCUMENTATION = r"""
name: target_digest
short_description: Return a digest of what names a cluster
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Returns a digest of a kubeconfig, a context and a host. It is equal for all spellings of one address, for example
    with and without the default port or a slash at the end.
  - A kubeconfig may contain secrets, so only the digest is stored as a fact.
options:
  _input:
    description: Kubeconfig, context and host; empty if not set.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Record the target of this host
  ansible.builtin.set_fact:
    target: "{{ ['', '', 'https://localhost:6443'] | conductor.trainer.target_digest }}"
"""

RETURN = r"""
_value:
  description: The digest.
  type: str
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.credentials import is_inline_text
from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.address import address_of


def target_digest(target: Sequence[Any]) -> str:
    """Return the digest of a kubeconfig, a context and a host."""
    kubeconfig, context, host = target
    if isinstance(kubeconfig, str) and kubeconfig and not is_inline_text(kubeconfig):
        kubeconfig = os.pathsep.join(
            os.path.normpath(os.path.expanduser(path)) for path in kubeconfig.split(os.pathsep) if path
        )
    try:
        host = address_of(str(host), "host").key if host else ""
    except TargetError:
        # The module reports it.
        host = str(host)
    text = json.dumps([kubeconfig, str(context or ""), host], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"target_digest": target_digest}
