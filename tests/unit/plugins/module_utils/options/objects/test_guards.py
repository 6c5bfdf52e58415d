# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that no option may change; tests/unit/test_generated_patches.py tries random patches."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.objects.guarded import config_hash
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
LEAVE = "leave this field as the release has it"
TRAINER, JOBSET = ("kubeflow-trainer-controller-manager", "jobset-controller-manager")
CONFIG = "controller_manager_config.yaml"
FLAG = f"--config=/{CONFIG}"
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "ours"}, "spec": {"hard": {"pods": "9"}}}


def refused(options: dict[str, Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        with_options(REAL, options)
    return caught.value


def merge(kind: str, name: str, change: dict[str, Any]) -> dict[str, Any]:
    return {"patches": [{"target": {"kind": kind, "name": name}, "merge": change}]}


def operate(kind: str, name: str, *operations: dict[str, Any]) -> dict[str, Any]:
    return {"patches": [{"target": {"kind": kind, "name": name}, "json": list(operations)}]}


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def manager(**container: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "manager", **container}])


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@pytest.mark.parametrize(
    ("options", "message", "next_step"),
    [
        (merge("Deployment", TRAINER, {"apiVersion": "apps/v2"}), "changes apiVersion of Deployment", LEAVE),
        (merge("Deployment", TRAINER, {"kind": "DaemonSet"}), "changes kind of", LEAVE),
        (merge("Deployment", TRAINER, {"metadata": {"name": "x"}}), "changes metadata.name of", LEAVE),
        (merge("Deployment", TRAINER, {"metadata": {"namespace": "x"}}), "changes metadata.namespace of", LEAVE),
        (merge("Deployment", TRAINER, {"metadata": None}), "changes metadata.name of", LEAVE),
        (
            merge("Service", "*", {"metadata": {"labels": {"conductor.trainer/managed": None}}}),
            "changes the label conductor.trainer/managed of Service",
            LEAVE,
        ),
        (
            {"annotations": {"meta.helm.sh/release-name": "x"}},
            "changes the labels or annotations of other installers of",
            "use other labels",
        ),
        (
            {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
            "changes the labels or annotations of other",
            "use other",
        ),
        (merge("Namespace", "*", {"metadata": {"finalizers": ["a/b"]}}), "changes one of metadata.uid", LEAVE),
        (
            merge("Namespace", "*", {"metadata": {"ownerReferences": [{"uid": "a"}]}}),
            "changes one of metadata.uid",
            LEAVE,
        ),
        (merge("Deployment", TRAINER, {"status": {"replicas": 1}}), "changes status of", LEAVE),
        (
            merge("Deployment", TRAINER, {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
            "changes spec.selector of Deployment kubeflow-system/kubeflow-trainer-controller-manager, by which pods "
            "are found and which no server lets change",
            "use `conductor_trainer_controller` with pod_labels",
        ),
        (
            merge("Deployment", JOBSET, {"spec": {"template": {"metadata": {"labels": {"control-plane": None}}}}}),
            "changes the selected labels of the pods of",
            "use `conductor_jobset_controller` with pod_labels",
        ),
        (
            operate("Deployment", JOBSET, replace("/spec/template/spec/containers/0/name", "m")),
            "changes the name",
            LEAVE,
        ),
        (
            merge("Deployment", TRAINER, pod(containers=[{"$patch": "replace"}])),
            "changes the name of the container",
            LEAVE,
        ),
        (merge("Deployment", JOBSET, manager(command=["/sh"])), "changes the command of the controller", "use"),
        (merge("Deployment", TRAINER, manager(args=["--zap-log-level=4"])), "changes the command of", "use"),
        (merge("Deployment", TRAINER, manager(args=["serve", FLAG])), "changes the command of", "use"),
        (merge("Deployment", TRAINER, manager(args=["--", FLAG])), "changes the command of", "use"),
        (merge("Deployment", TRAINER, manager(args=[FLAG, "-config=/mine"])), "changes the command of", "use"),
        (merge("Deployment", TRAINER, manager(args=[FLAG, "--config", "/mine"])), "changes the command of", "use"),
        (merge("Deployment", TRAINER, pod(serviceAccountName="x")), "changes serviceAccountName of", "add annotations"),
        (merge("Deployment", TRAINER, pod(automountServiceAccountToken=False)), "changes automountService", LEAVE),
        (merge("ServiceAccount", TRAINER, {"automountServiceAccountToken": False}), "changes automountServ", LEAVE),
        (
            merge("Deployment", TRAINER, pod(volumes=[{"name": "cert", "$patch": "delete"}])),
            "changes the volumes",
            "use",
        ),
        (
            merge("Deployment", TRAINER, pod(volumes=[{"name": "cert", "secret": {"secretName": "x"}}])),
            "changes the volumes with certificate",
            "use",
        ),
        (
            merge("Deployment", TRAINER, manager(volumeMounts=[{"mountPath": f"/{CONFIG}", "$patch": "delete"}])),
            "changes the mounts of certificate and configuration of",
            "use `conductor_trainer_controller` with volume_mounts",
        ),
        (merge("Deployment", TRAINER, manager(readinessProbe=None)), "changes the readiness probe", LEAVE),
        (merge("Deployment", TRAINER, {"spec": {"replicas": 0}}), "changes spec.replicas to 0 of", "remove"),
        (merge("Deployment", TRAINER, {"spec": {"paused": True}}), "changes spec.paused of", LEAVE),
        (
            merge(
                "Deployment",
                TRAINER,
                {"spec": {"template": {"metadata": {"annotations": {"conductor.trainer/config-sha256": "x"}}}}},
            ),
            "separates ConfigMap kubeflow-system/kubeflow-trainer-config from the annotation",
            "use `conductor_trainer_controller` with config",
        ),
        (
            merge("ConfigMap", "jobset-manager-config", {"data": {CONFIG: "internalCertManagement: {enable: true}\n"}}),
            "changes the certificates or the Lease in the configuration of",
            LEAVE,
        ),
        (
            merge(
                "ConfigMap",
                "jobset-manager-config",
                {
                    "data": {
                        CONFIG: "apiVersion: config.jobset.x-k8s.io/v1alpha1\nkind: Configuration\n"
                        "leaderElection: {leaderElect: false}\ninternalCertManagement: {enable: true}\n"
                    }
                },
            ),
            "separates ConfigMap kubeflow-system/jobset-manager-config from the annotation",
            "use `conductor_jobset_controller` with config",
        ),
        (
            merge("ConfigMap", "kubeflow-trainer-config", {"data": {CONFIG: "a: [\n"}}),
            "changes the certificates",
            LEAVE,
        ),
        (merge("ConfigMap", "kubeflow-trainer-public", {"data": {"kubeflow_trainer_version": "v9"}}), "changes", LEAVE),
        (merge("ConfigMap", "*", {"immutable": True}), "changes immutable of", LEAVE),
        (merge("Secret", "k*", {"immutable": True}), "changes immutable of", LEAVE),
        (merge("Secret", "k*", {"type": "kubernetes.io/tls"}), "changes type of Secret", LEAVE),
        (merge("Service", TRAINER, {"spec": {"selector": {"a": "b"}}}), "changes spec.selector of Service", LEAVE),
        (operate("Service", "jobset-web*", replace("/spec/ports/0/port", 444)), "changes spec.ports of", LEAVE),
        (merge("Service", TRAINER, {"spec": {"type": "ExternalName"}}), "changes spec.type to ExternalName", LEAVE),
        (
            operate("Service", "jobset-web*", replace("/spec/ports/0/targetPort", 8443)),
            "separates Service kubeflow-system/jobset-webhook-service from the port on which the webhooks of",
            "use `conductor_host_network`",
        ),
        (
            operate("Deployment", TRAINER, replace("/spec/template/spec/containers/0/ports/2/containerPort", 9)),
            "separates Service kubeflow-system/kubeflow-trainer-controller-manager from the port",
            "use `conductor_host_network`",
        ),
        (
            merge(
                "Deployment",
                JOBSET,
                {"spec": {"template": {"metadata": {"labels": {"app.kubernetes.io/component": "manager"}}}}},
            ),
            "gives the pods of Deployment kubeflow-system/jobset-controller-manager the labels by which Service "
            "kubeflow-system/kubeflow-trainer-controller-manager selects",
            "use other labels",
        ),
        (
            operate("MutatingWebhookConfiguration", "jobset*", replace("/webhooks/0/name", "x")),
            "changes names, rules",
            "use",
        ),
        (
            operate("ValidatingWebhookConfiguration", "v*", replace("/webhooks/0/clientConfig/service/path", "/x")),
            "changes names, rules or clientConfig of webhooks of",
            "use `conductor_certificates_ca`",
        ),
        (
            operate("ValidatingWebhookConfiguration", "v*", replace("/webhooks/0/rules", [])),
            "changes names, rules",
            "use",
        ),
        (merge("CustomResourceDefinition", "trainjobs*", {"spec": {"group": "x"}}), "changes spec.group", LEAVE),
        (
            merge("CustomResourceDefinition", "trainjobs*", {"spec": {"names": {"shortNames": ["t"]}}}),
            "changes spec.names",
            LEAVE,
        ),
        (
            operate("CustomResourceDefinition", "trainjobs*", replace("/spec/versions/0/served", False)),
            "changes the ver",
            LEAVE,
        ),
        (
            merge("CustomResourceDefinition", "jobsets*", {"spec": {"conversion": {"strategy": "None"}}}),
            "changes spec.con",
            LEAVE,
        ),
        (merge("ClusterRoleBinding", TRAINER, {"roleRef": {"name": "cluster-admin"}}), "changes roleRef of", LEAVE),
        (merge("ClusterRoleBinding", TRAINER, {"subjects": []}), "changes the subjects of", "only add subjects"),
        (merge("ClusterRole", TRAINER, {"rules": [{"verbs": ["get"]}]}), "changes the rules of", "only add rules"),
        (
            merge("ClusterRole", TRAINER, {"aggregationRule": {"clusterRoleSelectors": []}}),
            "changes aggregationRule",
            LEAVE,
        ),
    ],
)
def test_a_guarded_field(options: dict[str, Any], message: str, next_step: str) -> None:
    error = refused(options)
    [name] = options
    option = "patches[0]" if name == "patches" else name
    assert error.message.startswith(f"`conductor_{option}` {message}")
    assert (error.next_step or "").startswith(next_step)


def test_the_option_is_named_that_changed_the_field_first() -> None:
    harmless = {"target": {"kind": "Deployment"}, "merge": {"spec": {"revisionHistoryLimit": 3}}}
    guilty = {"target": {"name": TRAINER, "kind": "Deployment"}, "merge": {"spec": {"paused": True}}}
    assert (
        "patches[1]` changes spec.paused"
        in refused({"patches": [harmless, guilty, harmless | {"merge": {"spec": {"minReadySeconds": 1}}}]}).message
    )


def annotated(value: str) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": {"conductor.trainer/config-sha256": value}}}}}


def test_the_last_option_is_named_that_changed_one_of_several_objects_that_belong_together() -> None:
    harmless = {"metadata": {"annotations": {"a": "b"}}}
    moved = operate("Service", "jobset-web*", replace("/spec/ports/0/targetPort", 8443))["patches"]
    error = refused({"patches": [*merge("Service", "jobset-web*", harmless)["patches"], *moved]})
    assert error.message.startswith("`conductor_patches[1]` separates Service")
    wrong = merge("Deployment", TRAINER, annotated("x"))["patches"]
    error = refused({"patches": [*merge("Deployment", TRAINER, harmless)["patches"], *wrong]})
    assert error.message.startswith("`conductor_patches[1]` separates ConfigMap")


@pytest.mark.parametrize(("port", "moved"), [(9443, False), (9555, True)])
def test_the_port_of_the_webhooks_may_not_move_alone(port: int, moved: bool) -> None:
    [config] = [one for one in REAL.objects("ConfigMap") if one["metadata"]["name"] == "jobset-manager-config"]
    data = {CONFIG: f"{config['data'][CONFIG]}\nwebhook: {{port: {port}}}\n"}
    options = {
        "patches": [
            *merge("ConfigMap", "jobset-manager-config", {"data": data})["patches"],
            *merge("Deployment", JOBSET, annotated(config_hash({"data": data})))["patches"],
        ]
    }
    if moved:
        assert refused(options).message.startswith(
            "`conductor_patches[1]` separates Service kubeflow-system/jobset-webhook-service from the port"
        )
    else:
        assert with_options(REAL, options).changes


def test_what_is_changed_and_changed_back_is_kept() -> None:
    patches = [{"target": {"kind": "Deployment"}, "merge": {"spec": {"paused": paused}}} for paused in (True, None)]
    assert with_options(REAL, {"patches": patches}).objects() == REAL.objects()


@pytest.mark.parametrize(
    "options",
    [
        merge("Deployment", "*", pod(volumes=[{"name": "more", "emptyDir": {}}])),
        merge(
            "Deployment",
            "*",
            manager(volumeMounts=[{"name": "more", "mountPath": "/more"}], env=[{"name": "A", "value": "b"}]),
        ),
        merge("Deployment", "*", pod(containers=[{"name": "beside", "image": "a:b"}])),
        merge("Deployment", "*", {"spec": {"replicas": 2}}),
        operate(
            "ClusterRole",
            TRAINER,
            {"op": "add", "path": "/rules/-", "value": {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}},
        ),
        operate(
            "ClusterRoleBinding",
            TRAINER,
            {"op": "add", "path": "/subjects/-", "value": {"kind": "Group", "name": "a"}},
        ),
        merge("Service", TRAINER, {"metadata": {"annotations": {"a": "b"}}}),
        operate(
            "ValidatingWebhookConfiguration",
            "v*",
            {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"},
        ),
        merge("ServiceAccount", "*", {"metadata": {"annotations": {"iam": "role"}}}),
        merge("Deployment", TRAINER, manager(args=[FLAG, "--zap-encoder", "json", "--zap-devel"])),
        # A merge puts new items first.
        merge("Deployment", TRAINER, pod(volumes=[{"name": "ca", "configMap": {"name": "company-ca"}}])),
        merge("Deployment", TRAINER, pod(volumes=[{"name": "more", "configMap": {"name": "kubeflow-trainer-public"}}])),
    ],
)
def test_what_conductor_does_not_rely_on_may_change(options: dict[str, Any]) -> None:
    assert with_options(REAL, options).changes


def test_pods_of_the_user_are_not_behind_the_services_of_webhooks() -> None:
    template = {
        "metadata": {"labels": {"app.kubernetes.io/component": "manager", "app": "mine"}},
        "spec": {"containers": []},
    }
    mine = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "mine"},
        "spec": {"selector": {"matchLabels": {"app": "mine"}}, "template": template},
    }
    assert (
        "`conductor_extra_objects` gives the pods of Deployment kubeflow-system/mine"
        in refused({"extra_objects": [mine]}).message
    )
    elsewhere = {**mine, "metadata": {"name": "mine", "namespace": "other"}}
    assert with_options(REAL, {"extra_objects": [elsewhere]}).extras


def test_the_identity_of_the_users_objects_is_guarded_too() -> None:
    patch = {"target": {"kind": "ResourceQuota"}, "merge": {"metadata": {"name": "x"}}}
    error = refused({"extra_objects": [QUOTA], "patches": [patch]})
    assert "patches[0]` changes metadata.name of ResourceQuota kubeflow-system/ours" in error.message
    other = {"target": {"kind": "ResourceQuota"}, "merge": {"spec": {"hard": {"pods": "1"}}}}
    assert with_options(REAL, {"extra_objects": [QUOTA], "patches": [other]}).extras


def test_recorded_options_are_not_judged_again() -> None:
    assert with_options(REAL, merge("Deployment", TRAINER, {"spec": {"paused": True}}), recorded=True).changes
