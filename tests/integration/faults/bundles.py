# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles like the collection's own, but for a field or two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import canonical
from tests.unit.plugins.helpers.builders import real_content

JOBSET = "jobset-controller-manager"
TRAINER = "kubeflow-trainer-controller-manager"


def altered_bundle(folder: Path, change: Callable[[dict[str, Any]], object], deployment: str = JOBSET) -> Path:
    """Writes the collection's bundle with the container of one controller changed; its checksum is right."""
    content = real_content()
    for phase in content["phases"]:
        for manifest in phase["objects"]:
            if manifest["kind"] == "Deployment" and manifest["metadata"]["name"] == deployment:
                change(manifest["spec"]["template"]["spec"]["containers"][0])
    del content["sha256"]
    path = folder / "bundle.json"
    path.write_text(json.dumps({**content, "sha256": hashlib.sha256(canonical(content)).hexdigest()}))
    return path


def image(name: str) -> Callable[[dict[str, Any]], object]:
    """Another image."""
    return lambda container: container.update(image=name)


def cpu(request: str) -> Callable[[dict[str, Any]], object]:
    """Another request for CPU."""
    return lambda container: container["resources"]["requests"].update(cpu=request)
