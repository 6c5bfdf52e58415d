# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of any options together (Hypothesis)."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.objects import digest
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import canonical
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed.recorded import lay_recorded
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.record import differences, recordable
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CONTROLLERS, given_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE
from tests.unit.plugins.helpers.combinations import SECRET, combinations

# The same examples in every run: a red test is red for everybody. Making a failing one smaller takes minutes.
FEW = settings(max_examples=10, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
REAL = load_bundle(str(BUNDLE))
HASH = "conductor.trainer/config-sha256"


@pytest.fixture(autouse=True, scope="module")
def _quick_digests() -> Iterator[None]:
    """What is slow on purpose would be all that these tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "_ROUNDS", 1)
        yield


def objects(bundle: Bundle) -> dict[Key, dict[str, Any]]:
    return {key_of(manifest): manifest for manifest in bundle.objects()}


def turned(value: Any) -> Any:
    """The same value with the names of every mapping in another order."""
    if isinstance(value, dict):
        return {name: turned(below) for name, below in reversed(value.items())}
    return [turned(below) for below in value] if isinstance(value, list) else value


@FEW
@given(combinations())
def test_the_order_of_options_does_not_matter_and_they_are_laid_the_same_each_time(options: dict[str, Any]) -> None:
    laid = with_options(REAL, options)
    assert with_options(REAL, options) == laid
    assert with_options(REAL, turned(options)) == laid


@FEW
@given(combinations())
def test_neither_the_release_nor_the_options_are_changed(options: dict[str, Any]) -> None:
    release, given_before = canonical(REAL.objects()), copy.deepcopy(options)
    laid = with_options(REAL, options)
    # What is applied must not be a part of what was given, either.
    for manifest in laid.objects():
        json.dumps(manifest)
    assert canonical(REAL.objects()) == release
    assert options == given_before


@FEW
@given(combinations())
def test_each_change_is_that_of_an_option(options: dict[str, Any]) -> None:
    laid = with_options(REAL, options)
    before, after = objects(REAL), objects(laid)
    steps: dict[Key, list[Any]] = {}
    for change in laid.changes:
        name = change.option.partition("[")[0]
        own, _dot, option = name.partition(".")
        assert name in options or option in options[own]
        steps.setdefault(change.key, []).append(change)
    for key in {**before, **after}:
        states = [before.get(key)]
        for change in steps.get(key, ()):
            assert change.before == states[-1]
            states.append(change.after)
        assert states[-1] == after.get(key)


@FEW
@given(combinations())
def test_options_without_a_value_change_nothing(options: dict[str, Any]) -> None:
    nothings: tuple[Any, ...] = (None, {}, [])
    for nothing in nothings:
        empty = dict.fromkeys(options, nothing) | {name: {"tolerations": nothing} for name in CONTROLLERS.values()}
        assert with_options(REAL, given_options(empty)) is REAL


@FEW
@given(combinations())
def test_the_record_has_the_options_without_the_secrets(options: dict[str, Any]) -> None:
    laid = with_options(REAL, options)
    recorded = json.dumps(laid.options)
    assert SECRET not in recorded
    assert base64.b64encode(SECRET.encode()).decode()[:-2] not in recorded
    assert json.loads(recorded) == recordable(options)
    assert differences(json.loads(recorded), recordable(turned(options))) == []


@FEW
@given(combinations())
def test_the_recorded_options_make_the_same_release_without_the_secrets(options: dict[str, Any]) -> None:
    laid = with_options(REAL, options)
    recorded = lay_recorded(REAL, json.loads(json.dumps(laid.options)))
    assert objects(recorded) == {
        key: one for key, one in objects(laid).items() if key not in laid.extras or key.kind != "Secret"
    }
    assert (recorded.options, recorded.extras, recorded.known) == (laid.options, laid.extras, laid.known)


def relied_on(bundle: Bundle) -> dict[tuple[str, ...], Any]:
    """What Conductor and the controllers rely on, read in another way than the guards read it."""
    found: dict[tuple[str, ...], Any] = {}
    for key, manifest in objects(bundle).items():
        if key not in objects(REAL):
            continue
        name, spec = str(key), manifest.get("spec") or {}
        found[name, "managed"] = manifest["metadata"]["labels"]["conductor.trainer/managed"]
        if key.kind == "Deployment":
            pod = spec["template"]["spec"]
            [container] = [one for one in pod["containers"] if one.get("name") == "manager"]
            labels = spec["template"]["metadata"]["labels"]
            found[name, "selector"] = [spec["selector"], {one: labels[one] for one in spec["selector"]["matchLabels"]}]
            found[name, "account"] = pod["serviceAccountName"]
            found[name, "command"] = [container.get("command"), container["args"][:1]]
            found[name, "ready"] = container["readinessProbe"]["httpGet"]["path"]
            volumes, mounts = _mounted(key)
            found |= {(name, "volume", one["name"]): one for one in pod["volumes"] if str(one.get("name")) in volumes}
            found |= {
                (name, "mount", one["mountPath"]): one
                for one in container["volumeMounts"]
                if str(one.get("mountPath")) in mounts
            }
            assert spec.get("replicas", 1) > 0
            [config] = [
                one["configMap"]["name"]
                for one in pod["volumes"]
                if str(one.get("name")) in volumes and "configMap" in one
            ]
            data = objects(bundle)[Key("v1", "ConfigMap", key.namespace, config)]["data"]
            # The pods restart with each new configuration.
            assert spec["template"]["metadata"]["annotations"][HASH] == hashlib.sha256(canonical(data)).hexdigest()
            found |= _settings(name, data)
        elif key.kind == "Service":
            found[name, "service"] = [
                spec["selector"],
                [(port.get("name"), port.get("port")) for port in spec["ports"]],
            ]
        elif key.kind.endswith("WebhookConfiguration"):
            for webhook in manifest["webhooks"]:
                found[name, webhook.get("name")] = [webhook["clientConfig"], webhook["rules"]]
        elif key.kind == "CustomResourceDefinition":
            found[name, "names"] = [spec["group"], spec["names"], spec["scope"]]
        elif key.kind.endswith("RoleBinding"):
            found[name, "role"] = [
                manifest["roleRef"],
                [one for one in manifest["subjects"] if one in objects(REAL)[key]["subjects"]],
            ]
    return found


def _mounted(deployment: Key) -> tuple[set[str], set[str]]:
    """The names of the release's volumes, and the paths of its mounts: options may add others."""
    pod = objects(REAL)[deployment]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    return {one["name"] for one in pod["volumes"]}, {one["mountPath"] for one in container["volumeMounts"]}


def _settings(name: str, data: dict[str, str]) -> Iterator[tuple[tuple[str, str], Any]]:
    [text] = data.values()
    config = yaml.safe_load(text)
    for section in ("apiVersion", "kind", "certManagement", "internalCertManagement"):
        yield (name, section), config.get(section)
    yield (name, "lease"), config.get("leaderElection", {}).get("resourceName")


RELIED_ON = relied_on(REAL)


@FEW
@given(combinations())
def test_what_conductor_relies_on_survives_any_options(options: dict[str, Any]) -> None:
    assert relied_on(with_options(REAL, options)) == RELIED_ON


def places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """The path of every part of an object."""
    for name, below in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (*above, name)
        yield from places(below, *above, name)


SMALL = [manifest for manifest in REAL.objects() if manifest["kind"] != "CustomResourceDefinition"]
SCALARS: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-1, 70000) | st.sampled_from(["", "manager", "0", "x"])
)
JSON: st.SearchStrategy[Any] = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["name", "x", "$patch"]), SCALARS, max_size=2)
)


def alike(value: Any) -> st.SearchStrategy[Any]:
    """Values of the same type: others are rejected for that."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.integers(0, 70000)
    if isinstance(value, str):
        return st.sampled_from(["", "manager", "0", "x"])
    return st.just([]) if isinstance(value, list) else st.dictionaries(st.sampled_from(["name", "x"]), st.just("x"))


@st.composite
def any_patches(draw: st.DrawFn) -> dict[str, Any]:
    """A patch of any field of an object, with anything."""
    manifest = draw(st.sampled_from(SMALL))
    path = draw(st.sampled_from(list(places(manifest))))
    values: list[Any] = [manifest]
    for step in path:
        values.append(values[-1][step])
    value = draw(alike(values[-1]) | JSON)
    target = {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}
    if draw(st.booleans()):
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
        change = {"op": draw(st.sampled_from(["replace", "add", "remove"])), "path": pointer, "value": value}
        return {"target": target, "json": [change]}
    merge: Any = value
    for step, below in reversed(list(zip(path, values[1:], strict=True))):
        if isinstance(step, str):
            merge = {step: merge}
        else:
            keys = [one for one in ("name", "mountPath", "containerPort") if isinstance(below, dict) and one in below]
            merge = [{**{one: below[one] for one in keys}, **merge} if isinstance(merge, dict) else merge]
    return {"target": target, "merge": merge}


@settings(FEW, max_examples=100)
@given(st.lists(any_patches(), min_size=1, max_size=2))
def test_a_patch_is_rejected_or_leaves_what_conductor_relies_on(patches: list[dict[str, Any]]) -> None:
    try:
        laid = with_options(REAL, {"patches": patches})
    except InputError:
        return
    assert relied_on(laid) == RELIED_ON
