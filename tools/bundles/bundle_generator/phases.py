# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sort objects into the phases of an installation."""

from collections.abc import Iterable
from typing import Any

from .documents import GenerateError, canonical

#: Phase → kinds. The objects of a phase may be applied at the same time, in any order.
PHASES = {
    "foundation": "Namespace CustomResourceDefinition",
    "access": "ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding ConfigMap Secret Service",
    "controllers": "Deployment",
    "admission": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "runtimes": "ClusterTrainingRuntime",
}
_PHASE_OF = {kind: phase for phase, kinds in PHASES.items() for kind in kinds.split()}

Object = dict[str, Any]


def identity(obj: Object) -> tuple[str, str, str, str]:
    """Return apiVersion, kind, namespace ("" if cluster-scoped) and name."""
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"]


def into_phases(objects: Iterable[Object]) -> list[dict[str, Any]]:
    """Return ``[{"name": phase, "objects": [...]}]`` in the order of installation; raises GenerateError."""
    phases: dict[str, list[Object]] = {name: [] for name in PHASES}
    seen = set()
    for obj in objects:
        key = identity(obj)
        if key in seen:
            raise GenerateError(f"{' '.join(key)} exists twice: remove one of them from the kustomization")
        seen.add(key)
        if obj["kind"] not in _PHASE_OF:
            raise GenerateError(f"{' '.join(key)}: no phase for this kind: add it to PHASES in {__name__}")
        phases[_PHASE_OF[obj["kind"]]].append(obj)
    for members in phases.values():
        # The biggest first, so that the longest of parallel requests is not the last to start.
        members.sort(key=lambda obj: (-len(canonical(obj)), obj["kind"], obj["metadata"]["name"], identity(obj)))
    return [{"name": name, "objects": members} for name, members in phases.items()]


def replacements(default: Iterable[Object], profile: Iterable[Object]) -> list[Object]:
    """Return a profile's objects that differ from the default ones, sorted by phases; raises GenerateError."""
    before = {identity(obj): obj for obj in default}
    after = {identity(obj): obj for obj in profile}
    if before.keys() != after.keys():
        odd = ", ".join(" ".join(key) for key in sorted(before.keys() ^ after.keys()))
        raise GenerateError(f"a profile may only patch objects, but these exist in one of the two only: {odd}")
    changed = [obj for key, obj in after.items() if obj != before[key]]
    return [obj for phase in into_phases(changed) for obj in phase["objects"]]
