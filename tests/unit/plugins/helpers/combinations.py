# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as people may combine them: for each option values that fit any others (Hypothesis)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import (
    CONTROLLERS,
    CUSTOMIZE,
    OWN,
    SHARED,
)

Values = st.SearchStrategy[Any]

# Part of every secret, and of nothing else.
SECRET = "s3cret"  # noqa: S105 - no password of anybody
_SECRETS = st.text("abcdef-_$ ", max_size=6).map(lambda text: f"{SECRET}{text}")
_WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
_NAMES = st.builds(lambda first, rest: f"{first}{rest}", st.sampled_from("abcxyz"), _WORDS)
_LABELS = st.dictionaries(_NAMES | _NAMES.map(lambda name: f"example.com/{name}"), _WORDS, min_size=1, max_size=3)
_EXPRESSION = st.fixed_dictionaries(
    {"key": _NAMES, "operator": st.just("In"), "values": st.lists(_WORDS, min_size=1, max_size=2)}
)
_TERM = st.fixed_dictionaries({"matchExpressions": st.lists(_EXPRESSION, min_size=1, max_size=2)})
_TOLERATION = (
    st.just({"operator": "Exists"})
    | st.fixed_dictionaries({"key": _NAMES, "operator": st.just("Exists")})
    | st.fixed_dictionaries({"key": _NAMES, "value": _WORDS, "effect": st.sampled_from(["NoSchedule", "NoExecute"])})
)
_REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from(["20m", "0.2"]),
        "memory": st.sampled_from(["64Mi", "1e8"]),
        "example.com/device": st.just("1"),
    },
)
_LIMITS = st.fixed_dictionaries(
    {}, optional={"cpu": st.sampled_from(["2", "2500m"]), "memory": st.sampled_from(["1Gi", "4G"])}
)
_GATES: dict[str, Values] = {
    "trainer": st.fixed_dictionaries({}, optional={"TrainJobStatus": st.booleans()}),
    # TLS needs its gate.
    "jobset": st.fixed_dictionaries({}, optional={"ElasticJobSet": st.booleans(), "TLSOptions": st.just(True)}),
}
_REGISTRIES = ("ghcr.io", "ghcr.io/kubeflow/trainer", "registry.k8s.io", "docker.io", "nvcr.io", "*")
_IMAGES = (
    "ghcr.io/kubeflow/trainer/trainer-controller-manager",
    "registry.k8s.io/jobset/jobset",
    "docker.io/pytorch/pytorch",
)


def _config(first_port: int) -> Values:
    """Keys that both controllers have, without those that other options rely on."""
    return st.fixed_dictionaries(
        {},
        optional={
            "clientConnection": st.fixed_dictionaries({"qps": st.integers(1, 999)}, optional={"burst": st.just(5)}),
            "webhook": st.fixed_dictionaries({"port": st.integers(first_port, first_port + 9)}),
            "metrics": st.fixed_dictionaries(
                {"bindAddress": st.integers(first_port + 10, first_port + 19).map(":{}".format)}
            ),
            "leaderElection": st.just({"leaseDuration": "60s", "renewDeadline": "40s", "retryPeriod": "5s"}),
        },
    )


# Below each other and away from those of the release, so that both controllers fit on one node.
_CONFIGS = {"trainer": _config(20000), "jobset": _config(30000)}


def _tls(version: str) -> Values:
    """One version for both controllers: only those of 1.2 can be chosen suites."""
    suites = st.just(["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"])
    return st.fixed_dictionaries(
        {"min_version": st.just(version)}, optional={"cipher_suites": suites} if version == "1.2" else {}
    )


def _shared(version: str) -> dict[str, Values]:
    return {
        "replicas": st.integers(1, 5),
        "disruption_budget": st.sampled_from(["auto", "none", {"max_unavailable": 1}, {"max_unavailable": "50%"}]),
        "spread": st.sampled_from(["node", "zone", "none", [{"topologyKey": "rack"}]]),
        "tolerations": st.lists(_TOLERATION, min_size=1, max_size=3),
        "node_selector": _LABELS,
        "affinity": st.fixed_dictionaries(
            {
                "nodeAffinity": st.fixed_dictionaries(
                    {
                        "requiredDuringSchedulingIgnoredDuringExecution": st.fixed_dictionaries(
                            {"nodeSelectorTerms": st.lists(_TERM, min_size=1, max_size=2)}
                        )
                    }
                )
            }
        ),
        "priority_class": st.sampled_from(["system-cluster-critical", "mine"]),
        "resources": st.fixed_dictionaries({"requests": _REQUESTS}, optional={"limits": _LIMITS}),
        "host_network": st.booleans(),
        "log_level": st.sampled_from(["0", "2", "10", "debug", "error"]),
        "feature_gates": st.builds(lambda *gates: {**gates[0], **gates[1]}, *_GATES.values()),
        "tls": _tls(version),
        "image_pull_policy": st.sampled_from(["Always", "IfNotPresent", "Never"]),
        "image_pull_secrets": st.lists(_NAMES, min_size=1, max_size=2, unique=True),
    }


@st.composite
def _controller(draw: st.DrawFn, component: str, version: str) -> dict[str, Any]:
    """Options of one controller."""
    values = {
        **_shared(version),
        "feature_gates": _GATES[component],
        "pod_labels": _LABELS,
        "pod_annotations": _LABELS,
        "env": st.lists(st.fixed_dictionaries({"name": _NAMES, "value": _WORDS}), max_size=2, unique_by=_name),
        "env_from": st.lists(
            st.fixed_dictionaries({"configMapRef": st.fixed_dictionaries({"name": _NAMES})}), max_size=2
        ),
        "volumes": st.just([{"name": "ca", "configMap": {"name": "company-ca"}}, {"name": "more", "emptyDir": {}}]),
        "volume_mounts": st.just([{"name": "ca", "mountPath": "/etc/ssl/company"}]),
        "config": _CONFIGS[component],
    }
    if values.keys() != {**SHARED, **OWN}.keys():
        raise AssertionError("an option of the controllers has no values here")
    found: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=values))
    if "volume_mounts" in found:
        found["volumes"] = draw(values["volumes"])
    return found


def _name(item: dict[str, Any]) -> Any:
    return item["name"]


def _patches() -> Values:
    """Patches of fields that no other option sets, so that each has an effect."""
    return st.lists(
        st.sampled_from(
            [
                {"target": {"kind": "Deployment"}, "merge": {"spec": {"revisionHistoryLimit": 3}}},
                {"target": {"kind": "Deployment", "component": "trainer"}, "merge": {"spec": {"minReadySeconds": 5}}},
                {"target": {"name": "torch-distributed"}, "merge": {"metadata": {"annotations": {"patched": "yes"}}}},
                {"target": {"kind": "ServiceAccount"}, "merge": {"imagePullSecrets": [{"name": "patched"}]}},
                {
                    "target": {"kind": "Deployment", "component": "jobset"},
                    "merge": {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": None}}}},
                },
            ]
        ),
        min_size=1,
        max_size=3,
        unique_by=str,
    )


def _extra_objects() -> Values:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine", "namespace": "default"}}
    return st.lists(
        st.one_of(
            st.builds(lambda text: {**secret, "stringData": {"password": text}}, _SECRETS),
            st.just({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"a": "b"}}),
            st.just(
                {
                    "apiVersion": "scheduling.k8s.io/v1",
                    "kind": "PriorityClass",
                    "metadata": {"name": "mine"},
                    "value": 5,
                }
            ),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda item: item["kind"],
    )


@st.composite
def combinations(draw: st.DrawFn) -> dict[str, Any]:
    """Some options, each with a value."""
    version = draw(st.sampled_from(["1.2", "1.3"]))
    mirrors = _NAMES.map(lambda name: f"mirror.example.com/{name}")
    values: dict[str, Values] = {
        **_shared(version),
        **{name: _controller(component, version) for component, name in CONTROLLERS.items()},
        "registries": st.dictionaries(st.sampled_from(_REGISTRIES), mirrors, min_size=1, max_size=3),
        "images": st.dictionaries(
            st.sampled_from(_IMAGES), mirrors.map(lambda name: f"{name}:v9"), min_size=1, max_size=2
        ),
        "image_pull_credentials": st.dictionaries(
            st.sampled_from(["mirror.example.com", "ghcr.io"]),
            st.fixed_dictionaries({"username": _NAMES, "password": _SECRETS}),
            min_size=1,
        ),
        "labels": _LABELS,
        "annotations": _LABELS,
        "patches": _patches(),
        "extra_objects": _extra_objects(),
    }
    if values.keys() != CUSTOMIZE.keys():
        raise AssertionError("an option has no values here")
    found: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=values))
    return found
