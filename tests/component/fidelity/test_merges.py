# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategic merges have the results of kustomize: for generated Deployments and patches (Hypothesis)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.options.objects.merge import MergeKeys, merged
from bundle_generator.sources import Programs

Case = tuple[dict[str, Any], dict[str, Any]]

NAMES = st.sampled_from(["a", "b", "c", "d"])
WORDS = st.sampled_from(["x", "y", "z"])


def table(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, values, max_size=3)


def listed(key: str, keys: st.SearchStrategy[Any], **others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A list whose items have different keys."""
    item = st.fixed_dictionaries({key: keys}, optional=others)
    return st.lists(item, max_size=3, unique_by=lambda found: found[key])


def containers(patch: bool) -> st.SearchStrategy[Any]:
    fields: dict[str, st.SearchStrategy[Any]] = {
        "image": WORDS,
        "args": st.lists(WORDS, min_size=1, max_size=3),
        "env": listed("name", NAMES, value=WORDS),
        "volumeMounts": listed("mountPath", NAMES, name=WORDS, readOnly=st.booleans()),
        "ports": listed("containerPort", st.integers(1, 4), name=WORDS),
        "resources": st.fixed_dictionaries({}, optional={"limits": table(WORDS), "requests": table(WORDS)}),
    }
    if patch:
        fields = {name: st.none() | value for name, value in fields.items()}
        fields["$patch"] = st.just("delete")
    return listed("name", NAMES, **fields)


def pods(patch: bool) -> st.SearchStrategy[dict[str, Any]]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "containers": containers(patch),
        "initContainers": containers(patch),
        "volumes": listed("name", NAMES, emptyDir=st.just({}), configMap=st.fixed_dictionaries({"name": WORDS})),
        "tolerations": listed("key", NAMES, operator=WORDS),
        "imagePullSecrets": listed("name", NAMES),
        "nodeSelector": table(WORDS),
        "hostNetwork": st.booleans(),
        "securityContext": st.fixed_dictionaries({}, optional={"runAsUser": st.integers(0, 2)}),
    }
    if patch:
        optional = {name: st.none() | value for name, value in optional.items()}
        directive = st.fixed_dictionaries({"$patch": st.sampled_from(["delete", "replace"])})
        optional["nodeSelector"] |= st.tuples(table(WORDS), directive).map(lambda both: {**both[0], **both[1]})
    return st.fixed_dictionaries({}, optional=optional)


def deployment(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "one"},
        "spec": {"template": {"spec": spec}},
    }


CASES = st.tuples(pods(patch=False).map(deployment), pods(patch=True).map(deployment))


@pytest.fixture
def compare(programs: Programs, tmp_path: Path) -> Callable[[list[Case]], None]:
    """Compares the results for some cases with one run of kustomize: each is an object with a name of its own."""

    def compared(cases: list[Case]) -> None:
        names = [f"n{number}" for number, _case in enumerate(cases)]
        objects = [{**before, "metadata": {"name": name}} for name, (before, _patch) in zip(names, cases, strict=True)]
        patches = [
            {"target": {"kind": "Deployment", "name": f"^{name}$"}, "patch": json.dumps(patch)}
            for name, (_before, patch) in zip(names, cases, strict=True)
        ]
        (tmp_path / "objects.yaml").write_text("\n---\n".join(map(json.dumps, objects)))
        (tmp_path / "kustomization.yaml").write_text(json.dumps({"resources": ["objects.yaml"], "patches": patches}))
        theirs = {found["metadata"]["name"]: found for found in yaml.safe_load_all(programs.kustomize(tmp_path))}
        for name, before, (_same, patch) in zip(names, objects, cases, strict=True):
            ours = merged(before, {**patch, "metadata": {}}, MergeKeys("apps/v1", "Deployment"))
            assert ours == theirs[name], (before, patch)

    return compared


@settings(
    max_examples=3,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
@given(cases=st.lists(CASES, min_size=12, max_size=12))
def test_some_merges(compare: Callable[[list[Case]], None], cases: list[Case]) -> None:
    compare(cases)


@pytest.mark.evidence
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases=st.lists(CASES, min_size=30, max_size=30))
def test_many_merges(compare: Callable[[list[Case]], None], cases: list[Case]) -> None:
    compare(cases)
