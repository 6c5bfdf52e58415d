# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files that repeat what its argument specs say: defaults, and the options that all its modules share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.module_call import BUNDLE_ARG_SPEC, CONNECTION_ARG_SPEC
from ansible_collections.conductor.trainer.plugins.module_utils.release.versions import DEFAULT_RELEASE

HEAD = """\
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Generated from meta/argument_specs.yml by tools/docs/generate.
---
"""
# The default release as text: the place in a file is what stands between the groups.
RELEASE = {
    "roles/conductor/meta/argument_specs.yml": r"(conductor_release:\n(?:.*\n){1,6}?\s+default: )\S+",
    "plugins/doc_fragments/bundle.py": r"(\n  release:\n(?:.*\n){1,6}?\s+default: )\S+",
}


def defaults(variables: dict[str, dict[str, Any]]) -> str:
    """Return the content of defaults/main.yml."""
    lines = [f"{name}: {_scalar(option['default'])}\n" for name, option in variables.items() if "default" in option]
    return f"{HEAD}# The cluster has no default: the host must name it.\n{''.join(lines)}"


def module_defaults(variables: dict[str, dict[str, Any]]) -> str:
    """Return the content of vars/main.yml: the options that every module of the collection has."""
    lines = []
    for name in (*CONNECTION_ARG_SPEC, *BUNDLE_ARG_SPEC):
        variable = f"conductor_{name}"
        if variable in variables:
            omitted = "" if "default" in variables[variable] else " | default(omit)"
            lines.append(f'  {name}: "{{{{ {variable}{omitted} }}}}"\n')
    return f"{HEAD}# The options that every module of this collection has, set once for all tasks of the role.\n" + (
        f"__conductor_module_defaults:\n{''.join(lines)}"
    )


def with_default_release(path: str, text: str) -> str:
    """Return a file of C(RELEASE) with the default release in its place.

    Raises:
        ValueError: the file has no such place, or several.
    """
    found, count = re.subn(RELEASE[path], rf"\g<1>{DEFAULT_RELEASE}", text)
    if count != 1:
        raise ValueError(f"{path} names the default release {count} times instead of once")
    return found


def files(clone: Path, variables: dict[str, dict[str, Any]]) -> dict[Path, str]:
    """Return the files as they must be now."""
    role = clone / "roles" / "conductor"
    return {
        role / "defaults" / "main.yml": defaults(variables),
        role / "vars" / "main.yml": module_defaults(variables),
        **{clone / path: with_default_release(path, (clone / path).read_text("utf-8")) for path in RELEASE},
    }


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    return value if isinstance(value, str) else json.dumps(value)
