# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that change what a release installs: C(customize) of the modules, one variable each of the role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

COMPONENTS = ("trainer", "jobset")

_DICT: dict[str, Any] = {"type": "dict"}
_DICTS: dict[str, Any] = {"type": "list", "elements": "dict"}
# Names, not secrets.
_NAMES: dict[str, Any] = {"type": "list", "elements": "str", "no_log": False}

# Options of the controllers. Each exists for both of them together and for each of them alone.
SHARED: dict[str, dict[str, Any]] = {
    "replicas": {"type": "int"},
    "disruption_budget": {"type": "raw"},
    "spread": {"type": "raw"},
    "tolerations": _DICTS,
    "node_selector": _DICT,
    "affinity": _DICT,
    "priority_class": {"type": "str"},
    "resources": _DICT,
    "host_network": {"type": "bool"},
    "log_level": {"type": "str"},
    "feature_gates": _DICT,
    "tls": _DICT,
    "image_pull_policy": {"type": "str", "choices": ["Always", "IfNotPresent", "Never"]},
    "image_pull_secrets": _NAMES,
}
# Options of one controller only.
OWN: dict[str, dict[str, Any]] = {
    "pod_labels": _DICT,
    "pod_annotations": _DICT,
    "env": _DICTS,
    "env_from": _DICTS,
    "volumes": _DICTS,
    "volume_mounts": _DICTS,
    "config": _DICT,
}
CONTROLLERS = {component: f"{component}_controller" for component in COMPONENTS}

CUSTOMIZE: dict[str, dict[str, Any]] = {
    "registries": _DICT,
    "images": _DICT,
    "image_pull_credentials": {"type": "dict", "no_log": True},
    **SHARED,
    **{name: {"type": "dict", "options": {**SHARED, **OWN}} for name in CONTROLLERS.values()},
    "labels": _DICT,
    "annotations": _DICT,
    "patches": _DICTS,
    # The action plugin replaces paths by the objects in these files.
    "extra_objects": {"type": "list", "elements": "raw"},
}

GIVEN, RECORDED = MODES = ("given", "recorded")


def given_options(customize: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options that are set, without those that are empty: null, an empty text, list or mapping."""
    found: dict[str, Any] = {}
    for name, value in (customize or {}).items():
        if name in CONTROLLERS.values():
            value = given_options(value)
        # A survey of AWX returns an empty text for a question without an answer.
        if value is not None and value != {} and value != [] and value != "":
            found[name] = value
    return found


def variables_of(options: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...]]]:
    """Yield each variable that sets an option of C(SHARED), its mapping, and the components that it is about."""
    yield f"conductor_{name}", options.get(name) or {}, COMPONENTS
    for component, own in CONTROLLERS.items():
        yield f"conductor_{own}.{name}", (options.get(own) or {}).get(name) or {}, (component,)
