# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print upstream's own release as a List in JSON: ``upstream.py crds``, ``operator`` or ``runtimes``."""

from __future__ import annotations

import json
import sys

from tests.support.upstream_objects import trainer_objects

PARTS = {"CustomResourceDefinition": "crds", "ClusterTrainingRuntime": "runtimes"}

objects = [item for item in trainer_objects() if PARTS.get(item["kind"], "operator") == sys.argv[1]]
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
