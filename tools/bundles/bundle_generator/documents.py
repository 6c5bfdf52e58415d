# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read YAML as Kubernetes does, and write JSON in its canonical form."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser reads a CRD in a tenth of the time


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
