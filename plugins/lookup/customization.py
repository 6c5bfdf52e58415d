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
  read_files:
    description:
      - Whether to replace the paths in C(conductor_extra_objects) by the objects in these files. The modules do so
        themselves; the filter P(conductor.trainer.images#filter) does not.
    type: bool
    default: false
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

import os
from collections.abc import Mapping
from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CUSTOMIZE

_PREFIX = "conductor_"
_OBJECTS = "extra_objects"


class LookupModule(LookupBase):
    """The class that Ansible loads."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """See LookupBase.run."""
        given = variables or {}
        found = {
            name: self._templar.template(given[_PREFIX + name])
            for name in CUSTOMIZE
            if given.get(_PREFIX + name) is not None
        }
        if kwargs.get("read_files") and found.get(_OBJECTS):
            found[_OBJECTS] = self._with_files(found[_OBJECTS], given)
        return [found]

    def _with_files(self, items: Any, variables: Mapping[str, Any]) -> Any:
        """Return objects instead of paths."""
        # Only some inventories have any.
        from ansible_collections.conductor.trainer.plugins.plugin_utils.object_files import with_files

        decrypted: list[str] = []

        def find(path: str) -> str | None:
            found = self.find_file_in_search_path(
                variables, "files", os.path.expanduser(path.strip()), ignore_missing=True
            )
            return str(found) if found else None

        def readable(path: str) -> str:
            decrypted.append(str(self._loader.get_real_file(path)))
            return decrypted[-1]

        try:
            return with_files(items, find, readable)
        finally:
            for path in decrypted:
                self._loader.cleanup_tmp_file(path)
