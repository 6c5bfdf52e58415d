# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(customization) lookup: collect the variables of the role that change what a release installs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: customization
short_description: Collect the variables that change what a release installs
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Returns the option C(customize) of the modules of this collection, from those variables of the host that set a
    part of it, C(conductor_registries) or C(conductor_tolerations) for example.
  - The role uses it, so that a variable that is not set costs no time.
options:
  _terms:
    description: Not used.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Check an installation with the options of the inventory
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    customize: "{{ lookup('conductor.trainer.customization') }}"
  check_mode: true
"""

RETURN = r"""
_raw:
  description: One mapping, from the names of the variables without their prefix to their values.
  type: list
  elements: dict
  sample:
    - registries: {ghcr.io: mirror.example.com/ghcr}
"""

from collections.abc import Mapping
from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CUSTOMIZE

_PREFIX = "conductor_"


class LookupModule(LookupBase):
    """The class that Ansible loads."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """See LookupBase.run."""
        given = variables or {}
        return [
            {
                name: self._templar.template(given[_PREFIX + name])
                for name in CUSTOMIZE
                if given.get(_PREFIX + name) is not None
            }
        ]
