# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on objects as nobody has seen them: recorded ones with random damage (Hypothesis).

None raises, and none is ready without the evidence, which is looked for here in another way than the verdicts do.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.module_utils.verdicts.test_recorded_phases import Cluster, judge, moments, pods

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 99) | st.text(max_size=8) | st.sampled_from(["True", "Active", "t"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
# Every moment at which something is judged.
MOMENTS: list[tuple[str, str, Cluster]] = [
    (entry["kind"], entry["name"], cluster)
    for entry, cluster in moments()
    if entry["kind"] != "Pod" and entry["object"] is not None
]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a document."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in steps:
        yield (*at, name)
        yield from places(inner, (*at, name))


def true(item: Any, kind: str) -> bool:
    """Whether a condition is True."""
    status = item.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return isinstance(conditions, list) and {"True"} == {
        entry.get("status") for entry in conditions if isinstance(entry, dict) and entry.get("type") == kind
    }


def is_going(item: Any) -> bool:
    metadata = item.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("deletionTimestamp"))


def rolled_out(item: Any, _members: list[dict[str, Any]]) -> bool:
    status, metadata, spec = item["status"], item["metadata"], item.get("spec")
    wanted = spec.get("replicas", 1) if isinstance(spec, dict) else 1
    numbers = [status[name] for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return (
        status["observedGeneration"] >= metadata["generation"] >= 1
        and numbers[0] == numbers[1] >= wanted >= 1
        and numbers[2] >= wanted
        and not is_going(item)
    )


def has_its_pods(item: Any, _members: list[dict[str, Any]]) -> bool:
    status, wanted = item["status"], item["spec"]["replicas"]
    return (
        status["observedGeneration"] >= item["metadata"]["generation"] >= 1
        and status["replicas"] == status["availableReplicas"] == wanted >= 1
        and not is_going(item)
    )


def answers(item: Any, members: list[dict[str, Any]]) -> bool:
    uids = {str(pod["metadata"].get("uid")) for pod in members}
    ready = [
        str((endpoint.get("targetRef") or {}).get("uid"))
        for endpoint in item["endpoints"]
        if isinstance(endpoint, dict)
        and isinstance(endpoint.get("conditions"), dict)
        and endpoint["conditions"].get("ready") is True
    ]
    return bool(ready) and set(ready) <= uids


def trusted(item: Any, _members: list[dict[str, Any]]) -> bool:
    bundles = [webhook["clientConfig"]["caBundle"] for webhook in item["webhooks"] if isinstance(webhook, dict)]
    return all(isinstance(bundle, str) and bundle for bundle in bundles)


def held(item: Any, members: list[dict[str, Any]]) -> bool:
    holder = item["spec"]["holderIdentity"]
    return any(holder.startswith(pod["metadata"]["name"]) for pod in members)


EVIDENCE: Mapping[str, Callable[[Any, list[dict[str, Any]]], bool]] = {
    "Deployment": rolled_out,
    "EndpointSlice": answers,
    "Lease": held,
    "ReplicaSet": has_its_pods,
    "Namespace": lambda item, _members: item["status"]["phase"] == "Active" and not is_going(item),
    "CustomResourceDefinition": lambda item, _members: (
        true(item, "Established") and true(item, "NamesAccepted") and not is_going(item)
    ),
    "MutatingWebhookConfiguration": trusted,
    "ValidatingWebhookConfiguration": trusted,
}


@settings(max_examples=1500, deadline=None, database=None, derandomize=True)
@given(st.data())
def test_no_damage_raises_or_makes_ready_what_is_not(data: st.DataObject) -> None:
    kind, name, cluster = MOMENTS[data.draw(st.integers(0, len(MOMENTS) - 1))]
    item = copy.deepcopy(cluster[kind, name])
    for _damage in range(data.draw(st.integers(0, 3))):
        if not (found := list(places(item))):
            break
        place = data.draw(st.sampled_from(found))
        at: Any = item
        for step in place[:-1]:
            at = at[step]
        if data.draw(st.booleans()):
            del at[place[-1]]
        else:
            at[place[-1]] = data.draw(JSON)
    verdict = judge(kind, name, {**cluster, (kind, name): item})
    if verdict.ready:
        members = pods(cluster, "jobset-controller-manager" if "jobset" in name else "kubeflow-trainer")
        assert EVIDENCE[kind](item, members), item
