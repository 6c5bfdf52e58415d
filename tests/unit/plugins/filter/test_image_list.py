# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from ansible_collections.conductor.trainer.plugins.filter.image_list import FilterModule, image_list
from ansible_collections.conductor.trainer.plugins.filter.images import images


def test_each_image_of_several_hosts_once() -> None:
    rows = images({}, "2.3.0")
    assert json.loads(image_list([rows, rows], "json")) == rows
    assert len(image_list([rows, rows]).splitlines()) == len(rows) + 1


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"image_list": image_list}
