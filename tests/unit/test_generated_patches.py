# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches of any place of the release, with any value (Hypothesis): they are rejected, or the guarded fields stay.

What stays is written down here in another way than the guards do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
CONFIG = "controller_manager_config.yaml"
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9999) | st.sampled_from(["", "x", "manager", "cert", "true", "Helm"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of everything in an object."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in steps:
        # The schemas of CRDs are large, and only the server judges them.
        if name not in ("schema", "additionalPrinterColumns"):
            yield (*at, str(name))
            yield from places(inner, (*at, str(name)))


PLACES = [(key_of(manifest), path) for manifest in REAL.objects() for path in places(manifest)]


def pointer(path: tuple[str, ...]) -> str:
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)


def guarded(manifest: dict[str, Any]) -> Any:
    """What has to stay of one object."""
    found: list[Any] = [manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]]
    found.append(manifest["metadata"].get("namespace"))
    found.append(manifest["metadata"]["labels"]["conductor.trainer/managed"])
    spec = manifest.get("spec") or {}
    kind = manifest["kind"]
    if kind == "Deployment":
        pod = spec["template"]["spec"]
        [manager] = [container for container in pod["containers"] if container["name"] == "manager"]
        labels = spec["template"]["metadata"]["labels"]
        selector = spec["selector"]["matchLabels"]
        assert selector.items() <= labels.items()
        assert spec.get("replicas", 1) != 0
        own = [
            volume
            for volume in pod["volumes"]
            if volume["name"] in ("cert", "manager-config", "kubeflow-trainer-config")
        ]
        mounts = [mount for mount in manager["volumeMounts"] if mount["name"] in {volume["name"] for volume in own}]
        found += [selector, pod["serviceAccountName"], manager.get("command"), own, mounts]
        found += [argument for argument in manager["args"] if argument.startswith("--config")]
        found += [spec["template"]["metadata"]["annotations"]["conductor.trainer/config-sha256"]]
    elif kind == "Service":
        found += [spec["selector"], sorted(port["port"] for port in spec["ports"])]
    elif kind.endswith("WebhookConfiguration"):
        found += [[webhook["name"], webhook["clientConfig"], webhook["rules"]] for webhook in manifest["webhooks"]]
    elif kind == "CustomResourceDefinition":
        found += [spec["group"], spec["names"], [version["name"] for version in spec["versions"]]]
    elif kind.endswith("Binding"):
        found += [manifest["roleRef"]]
    elif kind == "ConfigMap" and CONFIG in manifest["data"]:
        config = yaml.safe_load(manifest["data"][CONFIG])
        found += [config.get("certManagement"), config.get("internalCertManagement")]
    return found


KEPT = {key_of(manifest): guarded(manifest) for manifest in REAL.objects()}


def patched(*operations: tuple[Key, tuple[str, ...], str, Any]) -> Bundle:
    patches = [
        {
            "target": {"kind": key.kind, "name": key.name},
            "json": [{"op": op, "path": pointer(path), "value": value}],
        }
        for key, path, op, value in operations
    ]
    return with_options(REAL, {"patches": patches})


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["add", "replace", "remove"]), JSON), min_size=1, max_size=2
    )
)
def test_guarded_fields_survive_any_patch(changes: list[tuple[tuple[Key, tuple[str, ...]], str, Any]]) -> None:
    try:
        laid = patched(*((key, path, op, value) for (key, path), op, value in changes))
    except InputError as error:
        refusal = error
    else:
        assert {key_of(manifest): guarded(manifest) for manifest in laid.objects()} == KEPT
        return
    # Never anything else, and with the option and what to do.
    assert "`conductor_patches[" in refusal.message
    assert refusal.next_step


@pytest.mark.parametrize("key", sorted({key for key, _path in PLACES}))
def test_no_place_can_be_removed_that_is_guarded(key: Key) -> None:
    for other, path in PLACES:
        if other != key:
            continue
        try:
            laid = patched((key, path, "remove", None))
        except InputError:
            continue
        assert {key_of(manifest): guarded(manifest) for manifest in laid.objects()} == KEPT, path
