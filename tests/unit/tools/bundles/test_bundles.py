# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true of every bundle in the checkout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle_generator.documents import PHASES, canonical, into_phases, seal

FILES = Path(__file__).resolve().parents[4] / "roles" / "conductor" / "files" / "bundles"
BUNDLES = sorted(FILES.glob("*.json"))
CLIENT_SIDE_APPLY = 262_144  # bytes of annotation a client-side apply may need


@pytest.fixture(params=BUNDLES, ids=lambda path: path.stem)
def bundle(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text(encoding="ascii"))
    return loaded


def objects(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [obj for phase in bundle["phases"] for obj in phase["objects"]]


def test_there_are_bundles() -> None:
    assert BUNDLES


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_one_canonical_line_named_after_its_release(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    loaded = json.loads(text)
    assert text == canonical(loaded) + "\n"
    assert loaded["release"] == path.stem


def test_the_digest_fits(bundle: dict[str, Any]) -> None:
    assert seal(bundle) == bundle


def test_phases_are_sorted(bundle: dict[str, Any]) -> None:
    assert [phase["name"] for phase in bundle["phases"]] == list(PHASES)
    assert into_phases(reversed(objects(bundle))) == bundle["phases"]


def test_everything_namespaced_is_in_the_operators_namespace(bundle: dict[str, Any]) -> None:
    spaces = {obj["metadata"].get("namespace", bundle["namespace"]) for obj in objects(bundle)}
    assert spaces == {bundle["namespace"]}
    assert {bundle["namespace"], bundle["probe_namespace"]} == {
        obj["metadata"]["name"] for obj in objects(bundle) if obj["kind"] == "Namespace"
    }


def test_client_side_apply_fits(bundle: dict[str, Any]) -> None:
    assert max(len(canonical(obj)) for obj in objects(bundle)) < CLIENT_SIDE_APPLY


def test_fail_open_leaves_no_webhook_closed(bundle: dict[str, Any]) -> None:
    closed = {hook["name"] for obj in objects(bundle) for hook in obj.get("webhooks", [])}
    opened = {
        hook["name"]
        for obj in bundle["profiles"]["fail_open"]
        for hook in obj["webhooks"]
        if hook["failurePolicy"] == "Ignore"
    }
    assert opened == closed


def test_every_webhook_is_proven_by_a_refusal_or_a_change(bundle: dict[str, Any]) -> None:
    declared = {(hook["name"], obj["metadata"]["name"]) for obj in objects(bundle) for hook in obj.get("webhooks", [])}
    proven = {(p["webhook"], p["configuration"]) for p in bundle["probes"] if p["expect"] in ("denied", "mutated")}
    assert proven == declared


def test_probes_go_to_the_probe_namespace_or_are_cluster_scoped(bundle: dict[str, Any]) -> None:
    for probe in bundle["probes"]:
        namespace = probe["object"]["metadata"].get("namespace")
        assert namespace == (None if probe["object"]["kind"].startswith("Cluster") else bundle["probe_namespace"])


def test_what_a_probe_needs_is_in_the_bundle(bundle: dict[str, Any]) -> None:
    there = {(obj["kind"], obj["metadata"]["name"]) for obj in objects(bundle)}
    assert {(p["needs"]["kind"], p["needs"]["name"]) for p in bundle["probes"] if "needs" in p} <= there


def test_startup_outlasts_the_slowest_certificate(bundle: dict[str, Any]) -> None:
    for obj in objects(bundle):
        if obj["kind"] == "Deployment":
            (container,) = obj["spec"]["template"]["spec"]["containers"]
            startup = container["startupProbe"]
            assert startup["periodSeconds"] == 1
            assert startup["failureThreshold"] >= 300
            assert startup["httpGet"] == container["readinessProbe"]["httpGet"]
            assert "initialDelaySeconds" not in container["readinessProbe"]


# Reserved words of CEL. As the name of a field a server understands them only with compatibility version 1.31 or newer,
# and it compiles new expressions with the version before its own (apiserver/pkg/cel/environment).
RESERVED = (
    "as|break|const|continue|else|false|for|function|if|import|in|let|loop|package|namespace|null|return|true|var"
    "|void|while"
)
STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
RESERVED_FIELD = re.compile(rf"\.\s*\??\s*({RESERVED})\b(?!\s*\()")


def expressions(value: Any) -> Iterator[str]:
    """Every CEL expression: the rules and messages of CRDs, and the conditions of webhooks and policies."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("rule", "messageExpression", "expression") and isinstance(inner, str):
                yield inner
            yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def reserved_fields(expression: str) -> set[str]:
    return {found[1] for found in RESERVED_FIELD.finditer(STRINGS.sub('""', expression))}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("!has(t.metadata.namespace) || t.metadata.namespace.size() == 0", {"namespace"}),
        ("self.?package.hasValue() && self . if == 1", {"package", "if"}),
        ("self.__namespace__ == '' && self.namespaces == [] && self.inner == 'a.namespace'", set()),
        ('self.x == "\\".while" && self.x.matches(".var")', set()),
    ],
)
def test_reserved_words_are_found(expression: str, found: set[str]) -> None:
    assert reserved_fields(expression) == found


def test_rules_with_reserved_words_require_a_server_that_compiles_them(bundle: dict[str, Any]) -> None:
    rules = [rule for obj in objects(bundle) for rule in expressions(obj)]
    assert rules
    used = set().union(*map(reserved_fields, rules))
    minimum = tuple(map(int, bundle["kubernetes_minimum"].split(".")))
    assert not used or minimum >= (1, 32), used
