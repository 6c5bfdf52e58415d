# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the description of a release: ``releases/<release>/release.yaml``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .documents import GenerateError, load_file

RELEASES = Path("tools/bundles/releases")
PROGRAMS = Path("tools/bundles/programs")


@dataclass(frozen=True)
class Component:
    """One controller of a release; every path is relative to the root of the checkout."""

    name: str
    version: str
    module: str
    packages: list[str]
    crds: str
    controller: str
    cluster_role: str
    webhook_service: str
    webhook_configurations: dict[str, str]
    deployment: str
    config_map: str


@dataclass(frozen=True)
class Release:
    """One release; every path is relative to the root of the checkout."""

    release: str
    namespace: str
    probe_namespace: str
    kubernetes_minimum: str
    components: dict[str, Component]
    profiles: dict[str, str]
    # The profiles that change a controller's configuration -> folder of the patch with its digest.
    configured: dict[str, str]
    runtimes: str
    probes: str
    differences: str
    bundle: str

    def go_module(self, component: Component) -> Path:
        """Return the folder of the go.mod that pins a component: they do not always compile with the same libraries."""
        return RELEASES / self.release / "modules" / component.name


def names(root: Path) -> list[str]:
    """Return the names of the described releases, sorted."""
    return sorted(path.parent.name for path in (root / RELEASES).glob("*/release.yaml"))


def load(root: Path, name: str) -> Release:
    """Return the description of a release; raises GenerateError if it is missing or has missing or unknown keys."""
    path = root / RELEASES / name / "release.yaml"
    try:
        data: dict[str, Any] = load_file(path)
    except FileNotFoundError:
        raise GenerateError(f"release {name} is unknown; known: {', '.join(names(root)) or 'none'}") from None
    except yaml.YAMLError as error:
        raise GenerateError(f"{path} is not YAML: {error}") from error
    try:
        components = {key: Component(name=key, **value) for key, value in data.pop("components").items()}
        return Release(components=components, **data)
    except (KeyError, TypeError) as error:
        raise GenerateError(f"{path}: {error}; see releases/2.3.0/release.yaml for the format") from error
