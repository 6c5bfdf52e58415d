# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every value of Helm's charts for this release, and what sets it here: one row for each leaf of their values.yaml.

tests/component/fidelity compares the rows with the charts, tests/unit/test_helm_values.py with docs/options.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

# After the change, a field or an object is gone, or has any other value.
GONE, OTHER = "gone", "other"
CONFIG = "controller_manager_config.yaml"
REAL = load_bundle(str(BUNDLE))

Changes = dict[str, Any]


class Settable(NamedTuple):
    """A value that variables set.

    Args:
        variables: example values by the name of the variable, without its prefix.
        changes: what they change, by object and path; list items are named as Kubernetes merges them.
    """

    variables: dict[str, Any]
    changes: Changes


class Rejected(NamedTuple):
    """A value that cannot be set.

    Args:
        reason: why.
        attempt: the variables with which somebody would try it, if there are some.
        says: what they read then; empty for the reason itself.
    """

    reason: str
    attempt: dict[str, Any] | None = None
    says: str = ""


class Later(NamedTuple):
    """A value of something that Conductor does not install yet."""

    what: str


Row = Settable | Rejected | Later


# -- what changes --------------------------------------------------------------------------------------------------


def flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Return the path of each part of an object that has a value of its own; an item of a list by its name."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            yield from flat(yaml.safe_load(part) if name == CONFIG else part, f"{path}/{escaped}")
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) and "name" in item for item in value):
        for item in value:
            yield from flat({name: part for name, part in item.items() if name != "name"}, f"{path}/{item['name']}")
    else:
        yield path, value


def objects(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """Return the objects by kind and name, of which no two are alike."""
    return {f"{manifest['kind']} {manifest['metadata']['name']}": manifest for manifest in bundle.objects()}


@cache
def fields() -> dict[str, Any]:
    """Return the value of every part of every object of the release."""
    return {path: value for name, manifest in objects(REAL).items() for path, value in flat(manifest, f"{name} ")}


def changed(after: Bundle) -> Changes:
    """Return how a bundle differs from the release, as C(Settable) has it."""
    before = objects(REAL)
    found: Changes = {}
    for name in {**before, **objects(after)}:
        manifest = objects(after).get(name, {})
        if manifest != before.get(name):
            old, new = (dict(flat(one, f"{name} ")) if one else {} for one in (before.get(name), manifest))
            found |= {
                path: new.get(path, GONE) for path in {**old, **new} if old.get(path, GONE) != new.get(path, GONE)
            }
    return found


def expected(changes: Changes) -> Changes:
    """Return the changes of a row in the form of C(changed): of objects that are gone, every path."""
    found: Changes = {}
    for place, value in changes.items():
        if value is GONE and "/" not in place:
            found |= {path: GONE for path in fields() if path.startswith(f"{place} /")}
        else:
            found |= flat(value, place)
    return found


# -- the objects of the release ------------------------------------------------------------------------------------

DEPLOYMENTS = {
    "trainer": "Deployment kubeflow-trainer-controller-manager",
    "jobset": "Deployment jobset-controller-manager",
}
CONFIG_MAPS = {"trainer": "ConfigMap kubeflow-trainer-config", "jobset": "ConfigMap jobset-manager-config"}
_PREFIX = "app.kubernetes.io"
_SELECTORS = {
    "trainer": {f"{_PREFIX}/component": "manager", f"{_PREFIX}/name": "trainer", f"{_PREFIX}/part-of": "kubeflow"},
    "jobset": {
        f"{_PREFIX}/instance": "jobset",
        f"{_PREFIX}/managed-by": "kustomize",
        f"{_PREFIX}/name": "jobset",
        "control-plane": "controller-manager",
    },
}
_RUNTIMES = (
    *("deepspeed-distributed", "jax-distributed", "mlx-distributed", "mpi-distributed", "torch-distributed"),
    *("torchtune-llama3.2-1b", "torchtune-llama3.2-3b", "torchtune-qwen2.5-1.5b", "xgboost-distributed"),
)
_WEBHOOKS = {
    "MutatingWebhookConfiguration defaulter.trainer.kubeflow.org": ("defaulter.trainjob.trainer.kubeflow.org",),
    "MutatingWebhookConfiguration jobset-mutating-webhook-configuration": ("mjobset.kb.io", "mpod.kb.io"),
    "ValidatingWebhookConfiguration jobset-validating-webhook-configuration": ("vjobset.kb.io", "vpod.kb.io"),
    "ValidatingWebhookConfiguration validator.trainer.kubeflow.org": tuple(
        f"validator.{kind}.trainer.kubeflow.org" for kind in ("clustertrainingruntime", "trainingruntime", "trainjob")
    ),
}


def _everywhere(path: str, value: Any) -> Changes:
    return {f"{name} {path}": value for name in objects(REAL)}


def _pod(component: str, path: str, value: Any) -> Changes:
    return {f"{DEPLOYMENTS[component]} /spec/template/spec/{path}": value}


def _container(component: str, path: str, value: Any) -> Changes:
    return _pod(component, f"containers/manager/{path}", value)


def _config(component: str, path: str, value: Any) -> Changes:
    """A key of the configuration, and the annotation by which the pods restart."""
    return {
        f"{CONFIG_MAPS[component]} /data/{CONFIG}/{path}": value,
        f"{DEPLOYMENTS[component]} /spec/template/metadata/annotations/conductor.trainer~1config-sha256": OTHER,
    }


def _image(before: str, after: str) -> Changes:
    """Every reference to a repository, or to those below a registry."""
    return {
        path: value.replace(before, after)
        for path, value in fields().items()
        if path.endswith("/image") and value.startswith((f"{before}:", f"{before}/"))
    }


def _only(*runtimes: str) -> Changes:
    return {f"ClusterTrainingRuntime {name}": GONE for name in _RUNTIMES if name not in runtimes}


def _several(component: str, number: int, **limit: Any) -> Changes:
    """Several pods, spread over nodes, and the budget for their disruption."""
    labels = {"matchLabels": _SELECTORS[component]}
    constraint = {
        "labelSelector": labels,
        "matchLabelKeys": ["pod-template-hash"],
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
    }
    name = DEPLOYMENTS[component].partition(" ")[2]
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"labels": {"conductor.trainer/managed": "true"}, "name": name, "namespace": "kubeflow-system"},
        "spec": {**limit, "selector": labels, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
    }
    return {
        f"{DEPLOYMENTS[component]} /spec/replicas": number,
        **_pod(component, "topologySpreadConstraints", [constraint]),
        f"PodDisruptionBudget {name} ": budget,
    }


# -- rows ----------------------------------------------------------------------------------------------------------


def _own(component: str, changes: Changes, **options: Any) -> Settable:
    return Settable({f"{component}_controller": options}, changes)


def _key(component: str, path: str, value: Any, *, more: Changes | None = None) -> Settable:
    """A key of a controller's configuration; C(more) follows from it."""
    config = value
    for name in reversed(path.split("/")):
        config = {name: config}
    return _own(component, {**_config(component, path, value), **(more or {})}, config=config)


def _guarded(path: str, value: Any, reason: str) -> Rejected:
    section, name = path.split("/")
    return Rejected(reason, {"trainer_controller": {"config": {section: {name: value}}}})


def _patch(component: str, path: str, value: Any) -> Settable:
    """A field of the container, or of the pod, that has no variable of its own."""
    target = {"kind": "Deployment", "component": component}
    merge = value
    for name in reversed(path.split("/")):
        merge = [{"name": "manager", **merge}] if name == "manager" else {name: merge}
    spec = {"spec": {"template": {"spec": merge}}}
    return Settable({"patches": [{"target": target, "merge": spec}]}, _pod(component, path, value))


_TOLERATIONS = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
_AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "node-pool", "operator": "Exists"}]}]
        }
    }
}
_ENV = [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}]
_ENV_FROM = [{"configMapRef": {"name": "proxy"}}]
_VOLUMES = [{"name": "ca", "configMap": {"name": "company-ca"}}]
_MOUNTS = [{"name": "ca", "mountPath": "/etc/ssl/company"}]
_SECURITY = "containers/manager/securityContext"
_TEMPLATE = "/spec/template/metadata"


def _of_pods(component: str, prefix: str) -> dict[str, Row]:
    """The values that both charts have, below another word."""
    deployment = DEPLOYMENTS[component]
    annotation = {f"{deployment} {_TEMPLATE}/annotations/sidecar.istio.io~1inject": "false"}
    volumes = _pod(component, "volumes", _VOLUMES)
    return {
        f"{prefix}.replicas": _own(component, _several(component, 2, maxUnavailable=1), replicas=2),
        f"{prefix}.podAnnotations": _own(component, annotation, pod_annotations={"sidecar.istio.io/inject": "false"}),
        f"{prefix}.volumes": _own(component, volumes, volumes=_VOLUMES),
        f"{prefix}.volumeMounts": _own(
            component,
            # The mount is named after its volume.
            {**volumes, **_container(component, "volumeMounts", _MOUNTS)},
            volumes=_VOLUMES,
            volume_mounts=_MOUNTS,
        ),
        f"{prefix}.nodeSelector": _own(
            component, _pod(component, "nodeSelector", {"node-pool": "system"}), node_selector={"node-pool": "system"}
        ),
        f"{prefix}.affinity": _own(component, _pod(component, "affinity", _AFFINITY), affinity=_AFFINITY),
        f"{prefix}.tolerations": _own(
            component, _pod(component, "tolerations", _TOLERATIONS), tolerations=_TOLERATIONS
        ),
        f"{prefix}.env": _own(component, _container(component, "env", _ENV), env=_ENV),
        f"{prefix}.envFrom": _own(component, _container(component, "envFrom", _ENV_FROM), env_from=_ENV_FROM),
    }


def _of_image(repository: str, prefix: str) -> dict[str, Row]:
    """The values with the image of a controller or of a runtime."""
    registry, _slash, name = repository.partition("/")
    mirror, other = f"mirror.example.com/{registry}", f"mirror.example.com/{name}:v9"
    found: dict[str, Row] = {
        f"{prefix}.{part}": Settable({"images": {repository: other}}, dict.fromkeys(_image(repository, other), other))
        for part in ("repository", "tag")
    }
    return {f"{prefix}.registry": Settable({"registries": {registry: mirror}}, _image(registry, mirror)), **found}


def _of_pulls(component: str) -> dict[str, Row]:
    always, secrets = _container(component, "imagePullPolicy", "Always"), _pod(component, "imagePullSecrets/mirror", {})
    return {
        "image.pullPolicy": _own(component, always, image_pull_policy="Always"),
        "image.pullSecrets": _own(component, secrets, image_pull_secrets=["mirror"]),
    }


_NAMES = Rejected(
    "the names of the objects are those of the Trainer release; no variable changes them", {"fullname_override": "mine"}
)
_LABELS = Settable({"labels": {"team": "platform"}}, _everywhere("/metadata/labels/team", "platform"))
_INSTALLER = Rejected("Conductor applies the runtimes itself, without a Job in the cluster")
_SELECTOR = Rejected(
    "no server lets change the labels by which a Deployment finds its pods; others are added with pod_labels",
    {
        "patches": [
            {
                "target": {"kind": "Deployment", "component": "trainer"},
                "merge": {"spec": {"selector": {"matchLabels": {"team": "platform"}}}},
            }
        ]
    },
    "by which pods are found and which no server lets change\nNext: use `conductor_trainer_controller` with pod_labels",
)
_PROBED = "the probes of the pods call this endpoint"
_LEASE = "an uninstall removes the Lease of this name from the operator's namespace"
_CACHE, _CERT_MANAGER, _MONITORS = Later("the data cache"), Later("cert-manager"), Later("ServiceMonitors")
_VALIDATION = "trainer.kubeflow.org/webhook-validation"
_WORKERS = "controller/groupKindConcurrency"


def _enabled(name: str) -> Settable:
    return Settable({"runtimes": [name]}, _only(name))


TRAINER: dict[str, Row] = {
    "nameOverride": _NAMES,
    "fullnameOverride": _NAMES,
    "crds.enabled": Rejected("an install always applies the CRDs", {"crds": False}),
    "jobset.install": Settable(
        {"jobset": "external"},
        {name: GONE for name in objects(REAL) if " jobset" in name},
    ),
    "jobset.fullnameOverride": _NAMES,
    "commonLabels": _LABELS,
    **_of_image("ghcr.io/kubeflow/trainer/trainer-controller-manager", "image"),
    **_of_pulls("trainer"),
    "manager.selectorLabels": _SELECTOR,
    "manager.labels": _own(
        "trainer", {f"{DEPLOYMENTS['trainer']} {_TEMPLATE}/labels/team": "platform"}, pod_labels={"team": "platform"}
    ),
    **_of_pods("trainer", "manager"),
    "manager.resources": _own(
        "trainer",
        _container("trainer", "resources/requests/cpu", "50m")
        | _container("trainer", "resources/limits", {"memory": "1Gi"}),
        resources={"requests": {"cpu": "50m"}, "limits": {"memory": "1Gi"}},
    ),
    "manager.securityContext.allowPrivilegeEscalation": _patch(
        "trainer", f"{_SECURITY}/allowPrivilegeEscalation", True
    ),
    "manager.securityContext.runAsNonRoot": _patch("trainer", f"{_SECURITY}/runAsNonRoot", False),
    "manager.securityContext.capabilities.drop": _patch("trainer", f"{_SECURITY}/capabilities/drop", ["NET_RAW"]),
    "manager.securityContext.seccompProfile.type": _patch("trainer", f"{_SECURITY}/seccompProfile/type", "Unconfined"),
    "manager.config.health.healthProbeBindAddress": _key(
        "trainer",
        "health/healthProbeBindAddress",
        ":8082",
        more=_container("trainer", "ports/health/containerPort", 8082),
    ),
    "manager.config.health.readinessEndpointName": _guarded("health/readinessEndpointName", "ready", _PROBED),
    "manager.config.health.livenessEndpointName": _guarded("health/livenessEndpointName", "live", _PROBED),
    "manager.config.metrics.bindAddress": _key(
        "trainer", "metrics/bindAddress", ":8444", more=_container("trainer", "ports/metrics/containerPort", 8444)
    ),
    "manager.config.metrics.secureServing": _key("trainer", "metrics/secureServing", False),
    "manager.config.webhook.port": _key(
        "trainer", "webhook/port", 9444, more=_container("trainer", "ports/webhook/containerPort", 9444)
    ),
    "manager.config.webhook.host": _key("trainer", "webhook/host", "0.0.0.0"),  # noqa: S104 - an example
    "manager.config.leaderElection.leaderElect": _key("trainer", "leaderElection/leaderElect", False),
    "manager.config.leaderElection.resourceName": _guarded("leaderElection/resourceName", "mine", _LEASE),
    "manager.config.leaderElection.resourceNamespace": _guarded("leaderElection/resourceNamespace", "mine", _LEASE),
    "manager.config.leaderElection.leaseDuration": _key("trainer", "leaderElection/leaseDuration", "60s"),
    "manager.config.leaderElection.renewDeadline": _key("trainer", "leaderElection/renewDeadline", "12s"),
    "manager.config.leaderElection.retryPeriod": _key("trainer", "leaderElection/retryPeriod", "4s"),
    **{
        f"manager.config.controller.groupKindConcurrency.{kind[0].lower()}{kind[1:]}": _key(
            "trainer", f"{_WORKERS}/{kind}.trainer.kubeflow.org", 20
        )
        for kind in ("TrainJob", "TrainingRuntime", "ClusterTrainingRuntime")
    },
    "manager.config.certManagement.enable": Settable(
        {"certificates": "external"},
        _config("trainer", "certManagement/enable", False)
        | _config("trainer", "certManagement/webhookSecretName", "kubeflow-trainer-webhook-tls")
        | _pod("trainer", "volumes/cert/secret/secretName", "kubeflow-trainer-webhook-tls")
        | _config("jobset", "internalCertManagement/enable", False)
        | _config("jobset", "metrics", {"certDir": "/tmp/k8s-webhook-server/serving-certs"})  # noqa: S108 - in the pod
        | _pod("jobset", "volumes/cert/secret/secretName", "jobset-webhook-tls"),
    ),
    "manager.config.certManagement.webhookServiceName": _guarded(
        "certManagement/webhookServiceName",
        "mine",
        "the certificate of the webhooks is made for the name of this Service",
    ),
    "manager.config.certManagement.webhookSecretName": _guarded(
        "certManagement/webhookSecretName", "mine", "Conductor looks for the certificate of the webhooks there"
    ),
    "manager.config.clientConnection.qps": _key("trainer", "clientConnection/qps", 200),
    "manager.config.clientConnection.burst": _key("trainer", "clientConnection/burst", 400),
    "manager.config.statusServer.port": _guarded(
        "statusServer/port", 10444, "TrainJobs report to the Service at this port"
    ),
    "manager.config.statusServer.qps": _key("trainer", "statusServer/qps", 50),
    "manager.config.statusServer.burst": _key("trainer", "statusServer/burst", 100),
    "manager.config.featureGates": Settable(
        {"feature_gates": {"TrainJobStatus": True}}, _config("trainer", "featureGates", {"TrainJobStatus": True})
    ),
    "webhook.failurePolicy": Settable(
        {"profile": "fail_open"},
        {
            f"{configuration} /webhooks/{webhook}/failurePolicy": "Ignore"
            for configuration, webhooks in _WEBHOOKS.items()
            for webhook in webhooks
        },
    ),
    "dataCache.enabled": _CACHE,
    "dataCache.lws.install": _CACHE,
    "dataCache.lws.fullnameOverride": _CACHE,
    "dataCache.cacheImage.registry": _CACHE,
    "dataCache.cacheImage.repository": _CACHE,
    "dataCache.cacheImage.tag": _CACHE,
    "dataCache.runtimes.torchDistributedWithCache.enabled": _CACHE,
    # All runtimes are the default here.
    "runtimes.defaultEnabled": Settable({"runtimes": ["all"]}, {}),
    f"runtimes.commonLabels.{_VALIDATION}": Settable(
        {
            "patches": [
                {
                    "target": {"kind": "ClusterTrainingRuntime"},
                    "merge": {"metadata": {"labels": {_VALIDATION: "enabled"}}},
                }
            ]
        },
        {
            f"ClusterTrainingRuntime {name} /metadata/labels/{_VALIDATION.replace('/', '~1')}": "enabled"
            for name in _RUNTIMES
        },
    ),
    "runtimes.installer.image.registry": _INSTALLER,
    "runtimes.installer.image.repository": _INSTALLER,
    "runtimes.installer.image.tag": _INSTALLER,
    "runtimes.installer.imagePullSecrets": _INSTALLER,
    "runtimes.installer.resources": _INSTALLER,
    "runtimes.installer.nodeSelector": _INSTALLER,
    "runtimes.installer.affinity": _INSTALLER,
    "runtimes.installer.tolerations": _INSTALLER,
    "runtimes.torchDistributed.enabled": _enabled("torch-distributed"),
    "runtimes.deepspeedDistributed.enabled": _enabled("deepspeed-distributed"),
    **_of_image("ghcr.io/kubeflow/trainer/deepspeed-runtime", "runtimes.deepspeedDistributed.image"),
    "runtimes.mlxDistributed.enabled": _enabled("mlx-distributed"),
    **_of_image("ghcr.io/kubeflow/trainer/mlx-runtime", "runtimes.mlxDistributed.image"),
    "runtimes.jaxDistributed.enabled": _enabled("jax-distributed"),
    "runtimes.xgboostDistributed.enabled": _enabled("xgboost-distributed"),
    **_of_image("ghcr.io/kubeflow/trainer/xgboost-runtime", "runtimes.xgboostDistributed.image"),
    **_of_image("ghcr.io/kubeflow/trainer/torchtune-trainer", "runtimes.torchtuneDistributed.image"),
    "runtimes.torchtuneDistributed.llama3_2_1B.enabled": _enabled("torchtune-llama3.2-1b"),
    "runtimes.torchtuneDistributed.llama3_2_3B.enabled": _enabled("torchtune-llama3.2-3b"),
    "runtimes.torchtuneDistributed.qwen2_5_1_5B.enabled": _enabled("torchtune-qwen2.5-1.5b"),
}


def _host_network() -> Changes:
    """JobSet's own ports, because both controllers may run on the same node."""
    service = "Service jobset-controller-manager-metrics-service"
    return {
        **_pod("jobset", "hostNetwork", True),
        **_pod("jobset", "dnsPolicy", "ClusterFirstWithHostNet"),
        f"{DEPLOYMENTS['jobset']} /spec/strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
        },
        **_container("jobset", "ports/health", {"containerPort": 8082, "protocol": "TCP"}),
        **_container("jobset", "ports/metrics/containerPort", 8444),
        **_container("jobset", "ports/webhook-server/containerPort", 9444),
        **{
            path: port
            for probe in ("liveness", "readiness", "startup")
            for path, port in _container("jobset", f"{probe}Probe/httpGet/port", 8082).items()
        },
        **_config("jobset", "health/healthProbeBindAddress", ":8082"),
        **_config("jobset", "metrics/bindAddress", ":8444"),
        **_config("jobset", "webhook/port", 9444),
        f"{service} /spec/ports/https/targetPort": "metrics",
        # Its only port has no name.
        "Service jobset-webhook-service /spec/ports": [
            {"port": 443, "protocol": "TCP", "targetPort": "webhook-server"}
        ],
    }


def _amount(which: str, name: str, amount: str) -> Settable:
    return _own("jobset", _container("jobset", f"resources/{which}/{name}", amount), resources={which: {name: amount}})


_JOBSET_IMAGE = _of_image("registry.k8s.io/jobset/jobset", "image")

JOBSET: dict[str, Row] = {
    "nameOverride": _NAMES,
    "fullnameOverride": _NAMES,
    "commonLabels": _LABELS,
    "image.repository": _JOBSET_IMAGE["image.repository"],
    "image.tag": _JOBSET_IMAGE["image.tag"],
    **_of_pulls("jobset"),
    **_of_pods("jobset", "controller"),
    "controller.leaderElection.enable": _key("jobset", "leaderElection/leaderElect", False),
    "controller.clientConnection.qps": _key("jobset", "clientConnection/qps", 50),
    "controller.clientConnection.burst": _key("jobset", "clientConnection/burst", 100),
    "controller.annotations": Settable(
        {"annotations": {"example.com/owner": "platform"}},
        _everywhere("/metadata/annotations/example.com~1owner", "platform"),
    ),
    "controller.resources.requests.cpu": _amount("requests", "cpu", "50m"),
    "controller.resources.requests.memory": _amount("requests", "memory", "64Mi"),
    "controller.resources.limits.cpu": _amount("limits", "cpu", "2"),
    "controller.resources.limits.memory": _amount("limits", "memory", "1Gi"),
    "controller.securityContext.allowPrivilegeEscalation": _patch(
        "jobset", f"{_SECURITY}/allowPrivilegeEscalation", True
    ),
    "controller.securityContext.readOnlyRootFilesystem": _patch("jobset", f"{_SECURITY}/readOnlyRootFilesystem", False),
    "controller.securityContext.capabilities.drop": _patch("jobset", f"{_SECURITY}/capabilities/drop", ["NET_RAW"]),
    "controller.podSecurityContext.runAsNonRoot": _patch("jobset", "securityContext/runAsNonRoot", False),
    "controller.podSecurityContext.seccompProfile.type": _patch(
        "jobset", "securityContext/seccompProfile/type", "Unconfined"
    ),
    "controller.hostNetwork": _own("jobset", _host_network(), host_network=True),
    "controller.podDisruptionBudget.enabled": _own(
        "jobset", _several("jobset", 2, maxUnavailable=1), replicas=2, disruption_budget="auto"
    ),
    "controller.podDisruptionBudget.minAvailable": _own(
        "jobset", _several("jobset", 2, minAvailable=1), replicas=2, disruption_budget={"min_available": 1}
    ),
    "controller.podDisruptionBudget.maxUnavailable": _own(
        "jobset", _several("jobset", 2, maxUnavailable="50%"), replicas=2, disruption_budget={"max_unavailable": "50%"}
    ),
    "certManager.enable": _CERT_MANAGER,
    "certManager.issuerRef": _CERT_MANAGER,
    "prometheus.enable": _MONITORS,
    "prometheus.prometheusNamespace": _MONITORS,
    "prometheus.prometheusClientCertSecretName": _MONITORS,
}

# By the component of the release whose chart it is.
CHARTS: dict[str, dict[str, Row]] = {"trainer": TRAINER, "jobset": JOBSET}
