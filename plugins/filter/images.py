# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(images) filter: list the images that an installation needs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: images
short_description: List the images that an installation needs
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Returns every image that a release with these options needs, those included that the controllers start themselves.
  - No cluster is contacted.
options:
  _input:
    description: The option C(customize) of the modules.
    type: dict
    required: true
  release:
    description: The option C(release) of the modules.
    type: str
    required: true
  runtimes:
    description: The option C(runtimes) of the modules; by default all.
    type: list
    elements: str
  jobset:
    description: The option C(jobset) of the modules. The image of JobSet is left out only with V(external).
    type: str
    default: auto
  smoke_image:
    description: The image of the smoke job.
    type: str
    default: docker.io/library/busybox:1.37
"""

EXAMPLES = r"""
- name: List the images
  ansible.builtin.debug:
    msg: "{{ lookup('conductor.trainer.customization') | conductor.trainer.images('2.3.0', ['torch-distributed']) }}"
"""

RETURN = r"""
_value:
  description: The images.
  type: list
  elements: dict
  contains:
    source:
      description: The image of the release.
      type: str
    image:
      description: The image that is used with these options.
      type: str
    copied:
      description: Whether the second is a copy of the first, in another registry.
      type: bool
    platforms:
      description: The architectures for which the image of the release exists; null if they are unknown.
      type: list
      elements: str
    users:
      description: The objects that need it.
      type: list
      elements: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError
from ansible_collections.conductor.trainer.plugins.module_utils.options.pulls.image_list import image_rows
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import given_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.words import check_names
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import ALL_RUNTIMES
from ansible_collections.conductor.trainer.plugins.module_utils.release.images import SMOKE_IMAGE
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from ansible_collections.conductor.trainer.plugins.plugin_utils.bundles import find_bundle


def images(
    customize: Mapping[str, Any],
    release: str,
    runtimes: Sequence[str] | None = None,
    jobset: str = "auto",
    smoke_image: str = SMOKE_IMAGE,
) -> list[dict[str, Any]]:
    """Return the images that a release with these options needs."""
    try:
        check_names(customize)
        bundle = load_bundle(find_bundle(release)).with_runtimes([ALL_RUNTIMES] if runtimes is None else runtimes)
        return image_rows(
            bundle, given_options(customize), smoke_image, "external" if jobset == "external" else "bundled"
        )
    except ConductorError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"images": images}
