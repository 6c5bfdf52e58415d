# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LimitRanges and quotas with pods that they admit or reject. A real API server is asked about the same table."""

from __future__ import annotations

from typing import Any

Item = dict[str, Any]


def container(name: str = "c", requests: Item | None = None, limits: Item | None = None, **more: Any) -> Item:
    resources = {which: values for which, values in (("requests", requests), ("limits", limits)) if values is not None}
    return {"name": name, "image": "registry.invalid/i:1", **({"resources": resources} if resources else {}), **more}


def pod(*containers: Item, **spec: Any) -> Item:
    return {"containers": list(containers) or [container()], **spec}


def limit_range(*limits: Item, name: str = "r") -> Item:
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": name}, "spec": {"limits": list(limits)}}


def limit(kind: str = "Container", **values: Item) -> Item:
    return {"type": kind, **values}


def quota(hard: Item, **spec: Any) -> Item:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard, **spec}}


CPU, MEMORY = {"cpu": "500m"}, {"memory": "128Mi"}
BOTH = {**CPU, **MEMORY}
SIDECAR = container("side", {"cpu": "300m"}, restartPolicy="Always")

# Name to (LimitRanges, pod, the limits that reject it: a word for each).
LIMIT_RANGES: dict[str, tuple[list[Item], Item, tuple[str, ...]]] = {
    "nothing": ([], pod(), ()),
    "max below the request": ([limit_range(limit(max={"cpu": "100m"}))], pod(container(requests=CPU)), ("cpu",)),
    "max below the limit": ([limit_range(limit(max={"memory": "64Mi"}))], pod(container(limits=MEMORY)), ("memory",)),
    "max above both": ([limit_range(limit(max={"cpu": "1"}))], pod(container(requests=CPU, limits={"cpu": "1"})), ()),
    "max is the default of what states nothing": ([limit_range(limit(max={"cpu": "100m"}))], pod(), ()),
    "max equal to the request": ([limit_range(limit(max=CPU))], pod(container(requests=CPU)), ()),
    "min above the request": ([limit_range(limit(min={"cpu": "1"}))], pod(container(requests=CPU)), ("cpu",)),
    "min above the limit": ([limit_range(limit(min={"cpu": "1"}))], pod(container(limits=CPU)), ("cpu",)),
    "min is the default of what states nothing": ([limit_range(limit(min={"cpu": "1"}))], pod(), ()),
    "ratio too high": (
        [limit_range(limit(maxLimitRequestRatio={"cpu": "2"}))],
        pod(container(requests={"cpu": "100m"}, limits={"cpu": "300m"})),
        ("cpu",),
    ),
    "ratio reached": (
        [limit_range(limit(maxLimitRequestRatio={"cpu": "3"}))],
        pod(container(requests={"cpu": "100m"}, limits={"cpu": "300m"})),
        (),
    ),
    "ratio of a fraction": (
        [limit_range(limit(maxLimitRequestRatio={"memory": "1500m"}))],
        pod(container(requests={"memory": "100Mi"}, limits={"memory": "160Mi"})),
        ("memory",),
    ),
    "ratio without a limit": (
        [limit_range(limit(maxLimitRequestRatio={"cpu": "2"}))],
        pod(container(requests=CPU)),
        ("cpu",),
    ),
    "ratio of what states nothing": ([limit_range(limit(maxLimitRequestRatio={"cpu": "2"}))], pod(), ("cpu",)),
    "ratio of a limit alone": ([limit_range(limit(maxLimitRequestRatio={"cpu": "2"}))], pod(container(limits=CPU)), ()),
    "default limit below the request": (
        [limit_range(limit(default={"cpu": "100m"}))],
        pod(container(requests=CPU)),
        ("cpu",),
    ),
    "default limit": ([limit_range(limit(default={"cpu": "1"}, max={"cpu": "2"}))], pod(container(requests=CPU)), ()),
    "default request": ([limit_range(limit(defaultRequest={"cpu": "1"}, min={"cpu": "200m"}))], pod(), ()),
    "an init container": (
        [limit_range(limit(max={"cpu": "1"}))],
        pod(initContainers=[container("i", {"cpu": "2"})]),
        ("cpu",),
    ),
    "storage": (
        [limit_range(limit(max={"ephemeral-storage": "1Gi"}))],
        pod(container(limits={"ephemeral-storage": "2Gi"})),
        ("ephemeral-storage",),
    ),
    "a device": (
        [limit_range(limit(max={"example.com/gpu": "1"}))],
        pod(container(limits={"example.com/gpu": "2"})),
        ("example.com/gpu",),
    ),
    "the sum of a pod": (
        [limit_range(limit("Pod", max={"cpu": "900m"}))],
        pod(container("a", CPU, CPU), container("b", CPU, CPU)),
        ("cpu",),
    ),
    "the sum of a pod without limits": (
        [limit_range(limit("Pod", max={"cpu": "2"}))],
        pod(container(requests=CPU)),
        ("cpu",),
    ),
    "a pod that states nothing": ([limit_range(limit("Pod", min={"memory": "1Mi"}))], pod(), ("memory",)),
    "a pod with a large init container": (
        [limit_range(limit("Pod", max={"cpu": "1"}))],
        pod(container("a", CPU, CPU), initContainers=[container("i", {"cpu": "2"}, {"cpu": "2"})]),
        ("cpu",),
    ),
    "a pod with a sidecar": (
        [limit_range(limit("Pod", min={"cpu": "800m"}))],
        pod(container("a", CPU), initContainers=[SIDECAR]),
        (),
    ),
    "a pod's ratio": (
        [limit_range(limit("Pod", maxLimitRequestRatio={"cpu": "2"}))],
        pod(container("a", {"cpu": "100m"}, {"cpu": "1"})),
        ("cpu",),
    ),
    "one LimitRange gives what another requires": (
        [
            limit_range(limit(default={"cpu": "1"}), name="a"),
            limit_range(limit("Pod", max={"cpu": "2"}), name="b"),
        ],
        pod(container(requests=CPU)),
        (),
    ),
    "volumes are no pods": (
        [limit_range(limit("PersistentVolumeClaim", max={"storage": "1Gi"}))],
        pod(container(requests=CPU)),
        (),
    ),
}

# Name to (quota, LimitRanges, pod, the resources that are missing, the resources that are exceeded).
QUOTAS: dict[str, tuple[Item, list[Item], Item, tuple[str, ...], tuple[str, ...]]] = {
    "enough": (quota({"requests.cpu": "1", "pods": "1"}), [], pod(container(requests=CPU)), (), ()),
    "too much": (quota({"requests.cpu": "400m"}), [], pod(container(requests=CPU)), (), ("requests.cpu",)),
    "short names": (quota({"cpu": "400m", "memory": "1Gi"}), [], pod(container(requests=BOTH)), (), ("cpu",)),
    "limits without limits": (
        quota({"limits.cpu": "4", "limits.memory": "4Gi"}),
        [],
        pod(container(requests=BOTH)),
        ("limits.cpu", "limits.memory"),
        (),
    ),
    "limits by a default": (
        quota({"limits.cpu": "4"}),
        [limit_range(limit(default={"cpu": "1"}))],
        pod(container(requests=CPU)),
        (),
        (),
    ),
    "limits by a maximum": (
        quota({"limits.cpu": "4"}),
        [limit_range(limit(max={"cpu": "1"}))],
        pod(container(requests=CPU)),
        (),
        (),
    ),
    "defaults that exceed it": (
        quota({"limits.cpu": "1"}),
        [limit_range(limit(default={"cpu": "2"}))],
        pod(container(requests=CPU)),
        (),
        ("limits.cpu",),
    ),
    "requests by limits": (quota({"requests.cpu": "4"}), [], pod(container(limits=CPU)), (), ()),
    "an init container that states nothing": (
        quota({"requests.cpu": "4"}),
        [],
        pod(container(requests=CPU), initContainers=[container("i")]),
        ("requests.cpu",),
        (),
    ),
    "storage need not be stated": (quota({"requests.ephemeral-storage": "1Gi"}), [], pod(), (), ()),
    "storage": (
        quota({"limits.ephemeral-storage": "1Gi"}),
        [],
        pod(container(limits={"ephemeral-storage": "2Gi"})),
        (),
        ("limits.ephemeral-storage",),
    ),
    "a device": (
        quota({"requests.example.com/gpu": "1"}),
        [],
        pod(container(limits={"example.com/gpu": "2"})),
        (),
        ("requests.example.com/gpu",),
    ),
    "no pod": (quota({"pods": "0"}), [], pod(), (), ("pods",)),
    "no pod by its count": (quota({"count/pods": "0"}), [], pod(), (), ("count/pods",)),
    "a scope that ends, and a pod that does not": (quota({"pods": "0"}, scopes=["Terminating"]), [], pod(), (), ()),
    "a scope that ends": (
        quota({"pods": "0"}, scopes=["Terminating"]),
        [],
        pod(activeDeadlineSeconds=60),
        (),
        ("pods",),
    ),
    "a scope that does not end": (quota({"pods": "0"}, scopes=["NotTerminating"]), [], pod(), (), ("pods",)),
    "best effort": (quota({"pods": "0"}, scopes=["BestEffort"]), [], pod(), (), ("pods",)),
    "best effort, and amounts of zero": (
        quota({"pods": "0"}, scopes=["BestEffort"]),
        [],
        pod(container(requests={"cpu": "0"}, limits={"memory": "0Mi"})),
        (),
        ("pods",),
    ),
    "not best effort, and amounts of zero": (
        quota({"pods": "0"}, scopes=["NotBestEffort"]),
        [],
        pod(container(requests={"cpu": "0", "memory": 0})),
        (),
        (),
    ),
    "best effort, and a pod that is not": (
        quota({"pods": "0"}, scopes=["BestEffort"]),
        [],
        pod(container(requests=CPU)),
        (),
        (),
    ),
    "best effort, and a default": (
        quota({"pods": "0"}, scopes=["BestEffort"]),
        [limit_range(limit(defaultRequest=CPU))],
        pod(),
        (),
        (),
    ),
    "not best effort": (
        quota({"limits.cpu": "1"}, scopes=["NotBestEffort"]),
        [],
        pod(container(requests=CPU)),
        ("limits.cpu",),
        (),
    ),
    "another priority": (
        quota(
            {"pods": "0"},
            scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]},
        ),
        [],
        pod(),
        (),
        (),
    ),
}
