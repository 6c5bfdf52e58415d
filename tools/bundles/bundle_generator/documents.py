# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read YAML as Kubernetes does, sort objects into the phases of an installation, and write canonical JSON."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser reads a CRD in a tenth of the time
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


class GenerateError(Exception):
    """A bundle cannot be generated; the message names the input, the step and the cause."""


class KubernetesLoader(_Base):  # type: ignore[misc]  # the base is chosen at run time
    """A loader with YAML 1.2's core scalars only: PyYAML's YAML 1.1 would convert ``on``, ``12:30`` or a date."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    KubernetesLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
# 0644 is 644 in YAML 1.2, but octal in PyYAML's own constructor.
KubernetesLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node), 10))


def load_documents(text: str) -> list[dict[str, Any]]:
    """Return the non-empty documents of a YAML text; raises yaml.YAMLError."""
    return [document for document in yaml.load_all(text, Loader=KubernetesLoader) if document is not None]


def load_file(path: Path) -> Any:
    """Return the single document of a YAML file; raises OSError and yaml.YAMLError."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=KubernetesLoader)  # noqa: S506  # a safe loader, see above


def canonical(value: object) -> str:
    """Return the canonical JSON text of a value: compact, keys sorted, ASCII only; raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical text as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def seal(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bundle with the digest of everything else in it under ``sha256``."""
    content = {key: value for key, value in bundle.items() if key != "sha256"}
    return {**content, "sha256": digest(content)}


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
