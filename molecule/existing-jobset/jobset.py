# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the objects of JobSet's own release as a List in JSON: ``jobset.py IMAGE``.

Its own manifest names an image of the staging registry; IMAGE is the released one, which the nodes have.
"""

from __future__ import annotations

import json
import sys

from tests.support.upstream_objects import jobset_objects

objects = jobset_objects()
for item in objects:
    if item["kind"] == "Deployment":
        item["spec"]["template"]["spec"]["containers"][0]["image"] = sys.argv[1]
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
