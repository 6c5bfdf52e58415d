# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the cluster, our permissions, external certificates, the namespace and neighbours, as data."""

from __future__ import annotations

from .entry import CatalogueEntry

CLUSTER = (
    CatalogueEntry(
        "kubernetes_too_old",
        "blocker",
        "Kubernetes is {found}, and Trainer {release} requires {needed} or newer, because older API servers reject "
        "its CRDs",
        "upgrade the cluster to Kubernetes {needed} or newer",
    ),
    CatalogueEntry(
        "kubernetes_untested",
        "warning",
        "Kubernetes is {found}, and upstream tests Trainer {release} on {first} to {last} only",
        "run the verify playbook after the install and check the controllers' logs for errors; to suppress this "
        "warning, set `conductor_accept: [kubernetes_untested]`",
    ),
    CatalogueEntry(
        "admission_unanswered",
        "blocker",
        "an admission webhook of another owner does not answer, and it handles every kind of object: {what}",
        "repair what the webhook calls, or restrict its rules: {remedy}",
    ),
    CatalogueEntry(
        "admission_rejects",
        "warning",
        "an admission webhook or policy of another owner rejects requests of every kind: {what}",
        "check that it admits the objects of an install: {remedy}",
    ),
    CatalogueEntry(
        "no_schedulable_node",
        "blocker",
        "none of the {total} nodes accepts {pods}: {why}",
        "uncordon a node, add a node without taints, or wait until a node is Ready; to use nodes with taints, set "
        "`conductor_tolerations`, for example to {tolerations}; if nodes have another label, change "
        "`conductor_node_selector` or `conductor_affinity`",
    ),
    CatalogueEntry(
        "no_supported_node",
        "blocker",
        "no node has a supported architecture: the nodes are {found}, and the controllers' images exist for {known}",
        "add a node with one of the supported architectures",
    ),
    CatalogueEntry(
        "insufficient_capacity",
        "blocker",
        "the controllers' pods request {needed} CPU and {memory} of memory{update}, and no node has more than {free} "
        "CPU free",
        "free CPU or memory on a node, add a node, or lower `conductor_resources` or `conductor_replicas`",
    ),
    CatalogueEntry(
        "host_ports_taken",
        "blocker",
        "not enough nodes have the ports {ports} free, which the controllers' pods need, because they use the "
        "network of the nodes",
        "add a node, lower `conductor_replicas`, or change the ports in `config` of `conductor_trainer_controller` or "
        "`conductor_jobset_controller`",
    ),
    CatalogueEntry(
        "priority_class_missing",
        "blocker",
        "the cluster has no PriorityClass {name}, and the API server rejects pods with it",
        "create it, or change `conductor_priority_class`; every cluster has system-cluster-critical",
    ),
)

PERMISSIONS = (
    CatalogueEntry(
        "permissions_missing",
        "blocker",
        "this identity may not {permission}",
        "grant this permission",
    ),
    CatalogueEntry(
        "role_not_grantable",
        "blocker",
        "this identity cannot create the controllers' roles: it does not have every permission that they grant, and "
        "it may not {permission}",
        "grant these verbs, or use the credentials of a cluster administrator",
    ),
    CatalogueEntry(
        "repair_not_permitted",
        "warning",
        "the installation is as recorded, but this identity could not repair it: it may not {permission}",
        "grant it before the next change is due",
    ),
    CatalogueEntry(
        "permissions_optional",
        "warning",
        "this identity may not {permission}; an install works without it, but {consequence}",
        "grant it (examples/rbac/install.yaml), or accept it with `conductor_accept`",
    ),
    CatalogueEntry(
        "permissions_unknown",
        "warning",
        "the server does not list the permissions of this identity",
        "run the install, which checks every permission before it writes",
    ),
    CatalogueEntry(
        "unreadable",
        "warning",
        "some facts are unknown, because this identity may not {permission}",
        "grant it to see all facts",
    ),
)

CERTIFICATES = (
    CatalogueEntry(
        "certificate_invalid",
        "blocker",
        "external certificates were requested, and one of them is invalid: {what}",
        "write a valid certificate into this Secret (see docs/certificates.md), or set "
        "`conductor_certificates: generated` to let the controllers issue their certificates",
    ),
    CatalogueEntry(
        "certificate_expiring",
        "warning",
        "the external certificate, or the CA that signed it, expires in {days} days",
        "renew the certificate in the Secret; the controllers reload it without a restart",
    ),
)

NAMESPACE = (
    CatalogueEntry(
        "quota_exceeded",
        "blocker",
        "the controllers' pods exceed the quota: {what}",
        "raise the quota, with `kubectl edit resourcequota --namespace {namespace} {name}` for example, or lower "
        "`conductor_resources` or `conductor_replicas`",
    ),
    CatalogueEntry(
        "quota_missing_resources",
        "blocker",
        "a quota limits {what}, which is not set, and no LimitRange of the namespace has a default for it: the API "
        "server rejects the pod",
        "set `conductor_resources`, for example to {example}, or create a LimitRange of type Container with `default` "
        "and `defaultRequest` for {resource} in namespace {namespace}",
    ),
    CatalogueEntry(
        "quota_defaults_unknown",
        "warning",
        "a quota limits {what}, which is not set, and the LimitRanges of the namespace, which may have a default for "
        "it, cannot be read",
        "grant `list limitranges` in namespace {namespace}, check that a LimitRange has a default for {resource}, or "
        "set `conductor_resources`, for example to {example}",
    ),
    CatalogueEntry(
        "limit_range",
        "blocker",
        "it rejects the pods of the controllers: {what}",
        "correct this limit, with `kubectl edit limitrange --namespace {namespace} {name}` for example, delete the "
        "LimitRange, or set `conductor_resources` to values that it allows",
    ),
    CatalogueEntry(
        "host_network_forbidden",
        "blocker",
        "the Pod Security level {level} of the namespace forbids the host network, which {pods} use",
        "run `kubectl label namespace {namespace} --overwrite pod-security.kubernetes.io/enforce=privileged`, or do "
        "not set `conductor_host_network`",
    ),
    CatalogueEntry(
        "pull_secret_missing",
        "blocker",
        "the controllers' images are to be pulled with the credentials in Secret {name}, which does not exist in "
        "namespace {namespace}",
        "create it with `kubectl create secret docker-registry --namespace {namespace} {name}`, or set "
        "`conductor_image_pull_credentials` instead of `conductor_image_pull_secrets`",
    ),
    CatalogueEntry(
        "pull_secret_expected",
        "warning",
        "the controllers' images are to be pulled with the credentials in Secret {name}, and its namespace {namespace} "
        "does not exist yet: without the Secret, an image that needs credentials cannot be pulled",
        "create the namespace {namespace} and the Secret before the install, or set "
        "`conductor_image_pull_credentials` instead of `conductor_image_pull_secrets`",
    ),
    CatalogueEntry(
        "default_deny",
        "warning",
        "NetworkPolicy {what} blocks the API server's calls to the webhooks' port {port}",
        "allow ingress to TCP port {port} from every source, because labels cannot select the API server: by a "
        "NetworkPolicy in `conductor_extra_objects` for example",
    ),
    CatalogueEntry(
        "istio_injection",
        "warning",
        "pods in namespace {namespace} get an Istio sidecar, which intercepts the API server's calls to the webhooks",
        "disable the injection for this namespace, or exclude inbound port {port} by `pod_annotations` in "
        "`conductor_trainer_controller` and `conductor_jobset_controller`",
    ),
)

NEIGHBOURS = (
    CatalogueEntry(
        "kueue_mismatch",
        "warning",
        "Kueue {version} is built for Trainer {trainer}; with Trainer {release} its TrainJobs may stay suspended",
        "use a Kueue release that is built for Trainer {release}, or disable its TrainJob integration; to suppress "
        "this warning, set `conductor_accept: [kueue_mismatch]`",
    ),
    CatalogueEntry(
        "training_operator",
        "warning",
        "Training Operator v1 is also installed; the two operators have different CRDs and are not tested together",
        "migrate its jobs to TrainJobs and remove it; its removal deletes its CRDs, and with them all of its jobs; to "
        "suppress this warning, set `conductor_accept: [training_operator]`",
    ),
)
