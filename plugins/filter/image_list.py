# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(image_list) filter: show images as a table or as input for programs that copy images."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_list
short_description: Show images as a table or as input for programs that copy images
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes lists of the filter P(conductor.trainer.images#filter), of several hosts for example, and returns one text
    with each image once.
options:
  _input:
    description: The lists.
    type: list
    elements: list
    required: true
  format:
    description:
      - Format of the text.
      - V(skopeo) and V(crane) are scripts that copy each image of the release to its mirror. V(skopeo_sync) is the
        source of C(skopeo sync --src yaml), V(oc_mirror) an ImageSetConfiguration.
    type: str
    choices: [table, json, skopeo, skopeo_sync, crane, oc_mirror]
    default: table
"""

EXAMPLES = r"""
- name: Show the images
  ansible.builtin.debug:
    msg: "{{ [lookup('conductor.trainer.customization') | conductor.trainer.images('2.3.0')]
      | conductor.trainer.image_list('skopeo') }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.options.pulls.image_list import merged_rows, rendered


def image_list(lists: Sequence[Sequence[dict[str, Any]]], format: str = "table") -> str:  # noqa: A002 - an option
    """Return the images of all lists as a text."""
    return rendered(merged_rows(lists), format)


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"image_list": image_list}
