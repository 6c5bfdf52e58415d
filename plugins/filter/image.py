# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(image) filter: find what an image is replaced by."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image
short_description: Find what an image is replaced by
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Returns an image with the registries of mirrors and the images that replace others, as an install uses it.
options:
  _input:
    description: The image.
    type: str
    required: true
  customize:
    description: The option C(customize) of the modules, of which C(registries) and C(images) are used.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show from where the nodes pull the image of the smoke job
  ansible.builtin.debug:
    msg: "{{ 'busybox:1.37' | conductor.trainer.image(lookup('conductor.trainer.customization')) }}"
"""

RETURN = r"""
_value:
  description: The image; the same one if nothing replaces it.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.options.pulls.mirrors import with_images


def image(reference: str, customize: Mapping[str, Any]) -> str:
    """Return the image that is used instead of this one."""
    return with_images(str(reference), customize)


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"image": image}
