# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server rejected: messages of Kubernetes 1.31 to 1.37, of policy engines, of Trainer and JobSet."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.rejections.catalogue import (
    BY_REASON,
    BY_STATUS,
    ENTRIES,
    FALLBACKS,
)
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.rejection import (
    Scene,
    event_rejection,
    rejection_of,
)

CALL = 'Internal error occurred: failed calling webhook "inject.example.io": failed to call webhook: '
POST = CALL + 'Post "https://mesh.mesh-system.svc:443/inject?timeout=10s": '
TRAINER = 'admission webhook "validator.trainjob.trainer.kubeflow.org" denied the request: '
VAP = "ValidatingAdmissionPolicy 'labels' with binding 'everything' denied request: "
MAP = "policy 'sidecars' with binding 'all' denied request: "
POD = 'pods "trainer-1" is forbidden: '
JOB = 'Job.batch "mnist-node-0" is invalid: '
TYPED = "failed to create typed patch object (team/mnist; trainer.kubeflow.org/v1alpha1, Kind=TrainJob): "
STRICT = 'TrainJob in version "v1alpha1" cannot be handled as a TrainJob: strict decoding error: '
KYVERNO = (
    "\n\nresource Pod/default/x was blocked due to the following policies \n\nrequire-labels:\n  check-team: |\n    "
)

# Message, kind, and the words that it must give.
SAID: list[tuple[str, str, dict[str, str]]] = [
    # -- webhooks that cannot be called ------------------------------------------------------------------------
    *(
        (POST + words, "webhook_unanswered", {"name": "inject.example.io"})
        for words in (
            "dial tcp 10.96.0.9:443: connect: connection refused",
            'no endpoints available for service "mesh"',
            "context deadline exceeded",
            "net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "x509: certificate has expired or is not yet valid: current time is after 2026-01-01",
            'service "mesh" not found',
            "EOF",
            "remote error: tls: internal error",
            "proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused",
            "the server is currently unable to handle the request",
        )
    ),
    (CALL + 'service "mesh" not found', "webhook_unanswered", {"name": "inject.example.io"}),
    (CALL + "an error on the server", "webhook_unanswered", {"name": "inject.example.io"}),
    (
        'Internal error occurred: failed calling webhook "a.b.c": received invalid webhook response: '
        "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
        "webhook_unanswered",
        {"name": "a.b.c"},
    ),
    ('failed calling webhook "a.b.c"; no further details available', "webhook_unanswered", {"name": "a.b.c"}),
    (
        'Internal error occurred: failed calling webhook "a.b.c": Unparsable URL: parse ":x": missing scheme',
        "webhook_unanswered",
        {"name": "a.b.c"},
    ),
    (
        # Releases before 1.19 do not quote the URL.
        'failed calling webhook "sidecar-injector.istio.io": Post https://istiod.istio-system.svc:443/inject?'
        "timeout=30s: dial tcp 10.129.45.155:15017: i/o timeout",
        "webhook_unanswered",
        {"name": "sidecar-injector.istio.io"},
    ),
    (
        'Error creating: Internal error occurred: failed calling webhook "linkerd-proxy-injector.linkerd.io": failed '
        'to call webhook: Post "https://linkerd-proxy-injector.linkerd.svc:443/?timeout=10s": context deadline '
        "exceeded",
        "webhook_unanswered",
        {"name": "linkerd-proxy-injector.linkerd.io"},
    ),
    (
        'Internal error occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post '
        '"https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s": dial tcp 10.0.0.1:443: connect: '
        "no route to host",
        "webhook_unanswered",
        {"name": "webhook.cert-manager.io"},
    ),
    # What a webhook's server answers is quoted: it must not decide.
    (
        POST + 'an error on the server ("User \\"x\\" cannot create resource \\"pods\\"") has prevented the request',
        "webhook_unanswered",
        {"name": "inject.example.io"},
    ),
    # -- webhooks that deny ------------------------------------------------------------------------------------
    ('admission webhook "a.b.c" denied the request: no', "webhook_denied", {"name": "a.b.c", "detail": "no"}),
    ('admission webhook "a.b.c" denied the request without explanation', "webhook_denied", {"name": "a.b.c"}),
    (
        'admission webhook "a.b.c" denied the request: exceeded quota: mine, User "x" cannot create resource "pods"',
        "webhook_denied",
        {"name": "a.b.c"},
    ),
    (
        'admission webhook "a.b.c" denied the request: pods "x" is forbidden: violates PodSecurity "restricted"',
        "webhook_denied",
        {"name": "a.b.c"},
    ),
    (
        'Error creating: admission webhook "validation.gatekeeper.sh" denied the request: [ns-must-have-team] you must '
        "provide labels",
        "webhook_gatekeeper",
        {"policy": "ns-must-have-team"},
    ),
    (
        'admission webhook "validate.kyverno.svc-fail" denied the request: ' + KYVERNO + "no",
        "webhook_kyverno",
        {"policy": "require-labels"},
    ),
    (
        'admission webhook "validation.gatekeeper.sh" denied the request: [denied by ns-must-have-team] you must',
        "webhook_gatekeeper",
        {"policy": "ns-must-have-team"},
    ),
    (
        'admission webhook "validate.kyverno.svc-fail" denied the request: \n\npolicy Pod/team/p for resource '
        "violation: \n\nrequire-labels:\n  check: no",
        "webhook_kyverno",
        {"policy": "require-labels"},
    ),
    (
        'admission webhook "ivpol.validate.kyverno.svc-fail" denied the request: Policy: signed error: no',
        "webhook_kyverno",
        {"policy_": "signed"},
    ),
    (
        'admission webhook "validate.kyverno.svc-fail" denied the request: Policy require-labels failed: no',
        "webhook_kyverno",
        {"policy_": "require-labels"},
    ),
    (
        'admission webhook "clusterwide-no-privileged.kubewarden.admission" denied the request: Privileged container',
        "webhook_denied",
        {"name": "clusterwide-no-privileged.kubewarden.admission"},
    ),
    (
        'admission webhook "validating-webhook.openpolicyagent.org" denied the request: no',
        "webhook_denied",
        {"name": "validating-webhook.openpolicyagent.org"},
    ),
    (
        'admission webhook "warden-validating.common-webhooks.networking.gke.io" denied the request: GKE Warden '
        "rejected the request because it violates one or more constraints",
        "webhook_denied",
        {"name": "warden-validating.common-webhooks.networking.gke.io"},
    ),
    ('admission webhook "a.b.c" does not support dry run', "webhook_no_dry_run", {"name": "a.b.c"}),
    (
        'Internal error occurred: admission webhook "a.b.c" attempted to modify the object, which is not supported for '
        "this operation",
        "webhook_misbehaves",
        {"name": "a.b.c"},
    ),
    # -- Trainer's and JobSet's own ----------------------------------------------------------------------------
    (
        TRAINER + 'spec.RuntimeRef: Invalid value: {"name":"nope"}: ClusterTrainingRuntime.trainer.kubeflow.org "nope" '
        "not found: specified clusterTrainingRuntime must be created before the TrainJob is created",
        "webhook_runtime_missing",
        {"runtime": "clusterTrainingRuntime"},
    ),
    (
        TRAINER + 'spec.runtimeRef: Invalid value: {"name":"nope","kind":"TrainingRuntime"}: '
        "specified trainingRuntime must be created before the TrainJob is created",
        "webhook_runtime_missing",
        {"runtime": "trainingRuntime"},
    ),
    (
        TRAINER + 'spec.runtimeRef: Invalid value: {"name":"t"}: must have dataset-initializer job when trainJob is '
        "configured with input datasetConfig",
        "webhook_runtime_without_initializer",
        {"job": "dataset-initializer"},
    ),
    (
        TRAINER + 'spec.runtimeRef: Invalid value: {"name":"t"}: must have container with name - model-initializer in '
        "the model-initializer job",
        "webhook_runtime_without_initializer",
        {"job": "model-initializer"},
    ),
    (
        TRAINER + 'spec.trainer.env: Invalid value: [{"name":"PET_NNODES","value":"2"}]: must not have reserved envs, '
        "invalid envs configured: [PET_NNODES]",
        "webhook_reserved_env",
        {"names": "[PET_NNODES]"},
    ),
    (
        TRAINER + "spec.runtimePatches: Invalid value: []: must not have replicated job that doesn't exist in the "
        "runtime job template",
        "webhook_invalid",
        {"field": "spec.runtimePatches"},
    ),
    (
        'admission webhook "vjobset.kb.io" denied the request: spec.replicatedJobs[0].name: Invalid value: "x": no',
        "webhook_invalid",
        {"field": "spec.replicatedJobs[0].name"},
    ),
    (
        'Internal error occurred: failed calling webhook "defaulter.trainjob.trainer.kubeflow.org": failed to call '
        'webhook: Post "https://kubeflow-trainer-controller-manager.kubeflow-system.svc:443/x?timeout=10s": EOF',
        "webhook_unanswered_trainer",
        {"name": "defaulter.trainjob.trainer.kubeflow.org"},
    ),
    (
        'Internal error occurred: failed calling webhook "mpod.kb.io": failed to call webhook: Post '
        '"https://jobset-webhook-service.kubeflow-system.svc:443/mutate--v1-pod?timeout=10s": EOF',
        "webhook_unanswered_jobset",
        {"name": "mpod.kb.io"},
    ),
    (
        'failed calling webhook "mpod.kb.io": failed to call webhook: service "jobset-webhook-service" not found',
        "webhook_unanswered_jobset",
        {},
    ),
    # The default names of a generator: another program has them, too.
    (
        'failed calling webhook "mpod.kb.io": failed to call webhook: Post "https://webhook.kueue.svc:443/x": EOF',
        "webhook_unanswered",
        {"name": "mpod.kb.io"},
    ),
    (
        'admission webhook "vpod.kb.io" denied the request: leader pod not yet scheduled, not creating follower pod. '
        "this is an expected, transient error",
        "webhook_waits_for_leader",
        {},
    ),
    (
        'admission webhook "vpod.kb.io" denied the request: follower pod node selector not set',
        "webhook_waits_for_leader",
        {},
    ),
    ('admission webhook "vpod.kb.io" denied the request: no kueue queue', "webhook_denied", {}),
    (
        'admission webhook "vjobset.kb.io" denied the request: the product of replicas and parallelism must not '
        "exceed 1",
        "webhook_denied_by_operator",
        {"name": "vjobset.kb.io"},
    ),
    (
        'admission webhook "vjobset.kb.io" denied the request: spec.replicatedJobs[0].name: Invalid value: "a-b-0": '
        "JobSet name is too long, job names generated for this JobSet will exceed 63 characters",
        "webhook_name_too_long",
        {},
    ),
    # -- policies ----------------------------------------------------------------------------------------------
    (VAP + "needs a team", "validating_policy", {"name": "labels", "binding": "everything"}),
    ("ValidatingAdmissionPolicy 'labels' denied request: no", "validating_policy", {"name": "labels"}),
    (POD + VAP + "failed expression: has(object.metadata.labels)", "validating_policy", {"name": "labels"}),
    *(
        (POD + VAP + words, "validating_policy_broken", {"name": "labels"})
        for words in (
            "expression 'object.metadata.labels.team' resulted in error: no such key: labels",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'x'",
            "validation failed due to running out of cost budget, no further validation rules will be run",
            "failed to configure policy: failed to find resource referenced by paramKind: 'x'",
            "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
            "no params found for policy binding with `Deny` parameterNotFoundAction",
        )
    ),
    (MAP + "no such key: sidecar", "mutating_policy", {"name": "sidecars", "binding": "all"}),
    ('pods "x" is forbidden: policy "sidecars" denied request: x', "mutating_policy", {"name": "sidecars"}),
    ("Internal error occurred: " + MAP + "failed to configure policy: x", "mutating_policy", {"name": "sidecars"}),
    (
        POD + "image policy webhook backend denied one or more images: unsigned",
        "image_policy",
        {},
    ),
    # -- the rules of a namespace ------------------------------------------------------------------------------
    (
        POD + 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "manager" must '
        "set securityContext.allowPrivilegeEscalation=false)",
        "pod_security",
        {"level": "restricted:latest"},
    ),
    (
        POD + "maximum cpu usage per Container is 100m, but limit is 500m",
        "limit_range",
        {"bound": "maximum", "resource": "cpu", "type": "Container", "value": "100m", "asked": "500m"},
    ),
    (
        POD
        + "[maximum cpu usage per Container is 100m, but limit is 500m, maximum memory usage per Container is 64Mi, "
        "but limit is 512Mi]",
        "limit_range",
        {"resource": "cpu", "value": "100m"},
    ),
    (
        POD + "maximum memory usage per Pod is 64Mi.  No limit is specified",
        "limit_range",
        {"resource": "memory", "type": "Pod", "value": "64Mi"},
    ),
    (
        POD + "minimum nvidia.com/gpu usage per Container is 1.  No request is specified",
        "limit_range",
        {"bound": "minimum", "resource": "nvidia.com/gpu", "value": "1"},
    ),
    (
        POD + "minimum memory usage per Container is 1Gi, but request is 64Mi",
        "limit_range",
        {"bound": "minimum", "value": "1Gi"},
    ),
    (
        POD + "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
        "limit_range_ratio",
        {"resource": "cpu", "value": "2"},
    ),
    (
        POD + "memory max limit to request ratio per Pod is 1500m, but no limit is specified or limit is 0",
        "limit_range_ratio",
        {"resource": "memory", "value": "1500m"},
    ),
    (
        POD + "exceeded quota: team-a.small, requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1",
        "quota_exceeded",
        {"name": "team-a.small"},
    ),
    (
        POD + "failed quota: compute: must specify limits.cpu for: manager; limits.memory for: manager",
        "quota_unspecified",
        {"name": "compute", "missing": "limits.cpu for: manager; limits.memory for: manager"},
    ),
    (
        POD + "failed quota: compute: must specify limits.cpu,limits.memory",
        "quota_unspecified",
        {"name": "compute", "missing": "limits.cpu,limits.memory"},
    ),
    (
        POD + 'unable to validate against any security context constraint: [provider "restricted-v2": '
        ".spec.securityContext.fsGroup: Invalid value: []int64{65532}: 65532 is not an allowed group]",
        "security_context_constraint",
        {},
    ),
    (POD + "pod node label selector conflicts with its namespace node label selector", "node_selector", {}),
    (POD + "pod node label selector labels conflict with its namespace whitelist", "node_selector", {}),
    (POD + "status unknown for quota: compute, resources: limits.cpu", "quota_failed", {}),
    (POD + "insufficient quota to match these scopes: [{PriorityClass In [high]}]", "quota_failed", {}),
    (
        POD + "error looking up service account kubeflow-system/jobset-controller-manager: serviceaccount "
        '"jobset-controller-manager" not found',
        "service_account_missing",
        {"namespace": "kubeflow-system", "name": "jobset-controller-manager"},
    ),
    (
        POD
        + 'volume with secret.secretName="a" is not allowed because service account default does not reference that '
        "secret",
        "service_account_secrets",
        {"name": "default"},
    ),
    (POD + "no PriorityClass with name urgent was found", "priority_class_missing", {"name": "urgent"}),
    (POD + 'pod rejected: RuntimeClass "gvisor" not found', "runtime_class_missing", {"name": "gvisor"}),
    (
        'deployments.apps "x" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a '
        "resource you "
        "can't set finalizers on: , <nil>",
        "owner_reference",
        {},
    ),
    (
        'pods "x" is forbidden: node "worker-1" can only create pods with spec.nodeName set to itself',
        "node_restriction",
        {},
    ),
    ('nodes "x" is forbidden: is not allowed to modify labels: a/b', "node_restriction", {}),
    # -- permissions -------------------------------------------------------------------------------------------
    (
        'pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods" in API group "" in the '
        'namespace "team"',
        "permission",
        {"user": "system:serviceaccount:a:b", "verb": "create", "resource": "pods"},
    ),
    (
        'forbidden: User "system:anonymous" cannot get path "/apis"',
        "permission",
        {"user": "system:anonymous", "resource": "/apis"},
    ),
    (
        'clusterroles.rbac.authorization.k8s.io "x" is forbidden: user "u" (groups=["g"]) is attempting to grant RBAC '
        'permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["*"]}',
        "escalation",
        {},
    ),
    # A name of a user that looks like another message.
    (
        'pods is forbidden: User "admission webhook \\"x\\" denied the request" cannot list resource "pods" in '
        "API group "
        '"" at the cluster scope',
        "permission",
        {"verb": "list"},
    ),
    # -- namespaces and objects that are being deleted -----------------------------------------------------------
    (
        POD + "unable to create new content in namespace team because it is being terminated",
        "namespace_terminating",
        {},
    ),
    ('namespaces "team" not found', "namespace_missing", {"name": "team"}),
    ('namespaces "kube-system" is forbidden: this namespace may not be deleted', "namespace_protected", {}),
    ('object is being deleted: jobs.batch "x" already exists', "still_terminating", {}),
    # -- the object --------------------------------------------------------------------------------------------
    (STRICT + 'unknown field "spec.podTemplateOverrides"', "field_renamed", {}),
    (STRICT + 'unknown field "spec.podSpecOverrides"', "field_renamed", {}),
    (TYPED + ".spec.podTemplateOverrides: field not declared in schema", "field_renamed", {}),
    (STRICT + 'unknown field "spec.labels"', "field_removed", {"name": "labels"}),
    (STRICT + 'unknown field "spec.mlPolicy.torch.numProcPerNode"', "field_of_torch", {}),
    (TYPED + ".spec.mlPolicy.torch.elasticPolicy: field not declared in schema", "field_of_torch", {}),
    (STRICT + 'unknown field "spec.trainr"', "field_unknown", {"name": "spec.trainr"}),
    (STRICT + 'unknown field "spec.a", unknown field "spec.b"', "field_unknown", {"name": "spec.a"}),
    (TYPED + ".spec.trainr: field not declared in schema", "field_unknown", {"name_": ".spec.trainr"}),
    (
        'strict decoding error: unknown field "spec.template.spec.containers[0].imag"',
        "field_unknown",
        {"name": "spec.template.spec.containers[0].imag"},
    ),
    (STRICT + 'duplicate field "spec.suspend"', "field_duplicate", {"name": "spec.suspend"}),
    (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct '
        "field DeploymentSpec.spec.replicas of type int32",
        "undecodable",
        {},
    ),
    (TYPED + ".spec.trainer.numNodes: expected numeric (int or float), got string", "undecodable", {}),
    ("the API version in the data (v1) does not match the expected API version (v2)", "does_not_match", {}),
    (
        "the name of the object (a) does not match the name on the URL (b)",
        "does_not_match",
        {},
    ),
    (
        'TrainJob.trainer.kubeflow.org "My_Job" is invalid: metadata.name: Invalid value: "My_Job": a lowercase '
        "RFC 1123 "
        "subdomain must consist of lower case alphanumeric characters",
        "name_invalid",
        {},
    ),
    (
        'TrainJob.trainer.kubeflow.org "1-job" is invalid: <nil>: Invalid value: metadata.name must match RFC 1035 DNS '
        "label format",
        "name_invalid",
        {},
    ),
    (
        JOB + 'spec.template.spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of',
        "name_invalid",
        {"field": "spec.template.spec.containers[0].name"},
    ),
    (
        JOB + 'metadata.labels: Invalid value: "x": must be no more than 63 characters',
        "value_invalid",
        {"field": "metadata.labels"},
    ),
    (
        JOB + 'spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to '
        "cpu limit of 1",
        "requests_above_limits",
        {"resource": "cpu"},
    ),
    (
        "jobs.batch is forbidden: x\n" + JOB + "spec.template.spec.containers[0].resources.requests[memory]: Invalid "
        'value: "2Gi": must be less than or equal to memory limit',
        "requests_above_limits",
        {"resource": "memory"},
    ),
    (
        'Deployment.apps "x" is invalid: spec.selector: Invalid value: {"matchLabels":{}}: field is immutable',
        "field_immutable",
        {"field": "spec.selector"},
    ),
    (
        'TrainJob.trainer.kubeflow.org "x" is invalid: spec.runtimeRef: Invalid value: "object": field is immutable',
        "field_immutable",
        {"field": "spec.runtimeRef"},
    ),
    (
        'TrainJob.trainer.kubeflow.org "x" is invalid: spec.trainer.numProcPerNode: Invalid value: "string": '
        'spec.trainer.numProcPerNode in body must be of type integer: "string"',
        "number_of_processes",
        {},
    ),
    (
        'ConfigMap "x" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
        "value_too_long",
        {"field": "metadata.annotations"},
    ),
    (
        'Pod "x" is invalid: spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never"',
        "value_unsupported",
        {"field": "spec.restartPolicy", "values": '"Always", "Never"'},
    ),
    ('TrainJob.trainer.kubeflow.org "x" is invalid: spec.runtimeRef: Required value', "value_missing", {}),
    (
        'TrainJob.trainer.kubeflow.org "x" is invalid: spec.trainer.numNodes: Invalid value: 0: should be '
        "greater than 0",
        "value_invalid",
        {"field": "spec.trainer.numNodes"},
    ),
    # A value that looks like another message.
    (
        'TrainJob.trainer.kubeflow.org "x" is invalid: spec.trainer.image: Invalid value: "exceeded quota: x": no',
        "value_invalid",
        {"field": "spec.trainer.image"},
    ),
    ('Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas', "field_conflict", {}),
    (
        'Operation cannot be fulfilled on jobs.batch "x": the object has been modified; please apply your changes to '
        "the latest version and try again",
        "modified",
        {},
    ),
    (
        'Operation cannot be fulfilled on pods "x": Precondition failed: UID in precondition: a, UID in object meta: b',
        "modified",
        {},
    ),
    ('trainjobs.trainer.kubeflow.org "x" already exists', "already_exists", {}),
    # -- the server --------------------------------------------------------------------------------------------
    ("Request entity too large: limit is 3145728", "too_large", {}),
    ("etcdserver: request is too large", "too_large", {}),
    ("rpc error: code = ResourceExhausted desc = trying to send message larger than max (3 vs. 2)", "too_large", {}),
    ("etcdserver: mvcc: database space exceeded", "storage_full", {}),
    ("etcdserver: leader changed", "storage", {}),
    ("etcdserver: request timed out", "storage", {}),
    ("rpc error: code = Unavailable desc = etcdserver: no leader", "storage", {}),
    ("the server has received too many requests and has asked us to try again later", "throttled", {}),
    ("Too many requests, please try again later.", "throttled", {}),
    ("Cannot evict pod as it would violate the pod's disruption budget.", "disruption_budget", {}),
    (POD + "not yet ready to handle request", "not_ready_yet", {}),
    ("the server could not find the requested resource", "type_missing", {}),
    ("404 page not found", "type_missing", {}),
    ('clusterroles.rbac.authorization.k8s.io "x" not found', "object_missing", {"name": "x"}),
    ('create is not supported on resources of kind "x"', "unsupported_method", {}),
    ("error trying to reach service: dial tcp 10.0.0.1:443: connect: connection refused", "aggregated_api", {}),
    ("Timeout: request did not complete within requested timeout - context deadline exceeded", "timeout", {}),
    ("The provided continue parameter is too old to display a consistent list result.", "expired", {}),
    (
        "conversion webhook for trainer.kubeflow.org/v1alpha1, Kind=TrainJob failed: Post "
        '"https://trainer.kubeflow-system.svc:443/convert?timeout=30s": dial tcp 10.0.0.1:443: connect: '
        "connection refused",
        "conversion_webhook",
        {"name": "trainer.kubeflow.org/v1alpha1, Kind=TrainJob"},
    ),
]


@pytest.mark.parametrize("before", ["", "Error creating: ", "TrainJob resources reconciliation failed: "])
@pytest.mark.parametrize(("message", "kind", "words"), SAID)
def test_what_was_rejected(message: str, kind: str, words: dict[str, str], before: str) -> None:
    found = rejection_of(before + message, 500)
    assert found.kind == kind
    assert words.items() <= dict(found.words).items()
    # In a log or a condition the quotes may be escaped.
    assert rejection_of((before + message).replace('"', '\\"'), 500).kind == kind


@pytest.mark.parametrize(("message", "kind", "words"), SAID)
@pytest.mark.parametrize(
    "scene",
    [
        Scene(),
        Scene("its pods", "team", given=True),
        Scene("its pods", "kubeflow-system", given=True, install=True),
        Scene("the test object", "conductor-probe"),
    ],
)
def test_every_rejection_has_a_cause_and_a_next_step(message: str, kind: str, words: Any, scene: Scene) -> None:
    found = rejection_of(message)
    for text in (found.cause(scene), found.next_step(scene)):
        assert text
        assert text == text.strip()
        assert not re.search(r"[{}]| {2}|\(\)| ,|: *$", text.replace("[PET_NNODES]", "x")), text


@pytest.mark.parametrize(
    ("said", "resources"),
    [
        ("limits.cpu for: a,b; limits.memory for: b", "limits.cpu, limits.memory"),
        ("limits.cpu for: manager", "limits.cpu"),
        ("cpu,memory", "cpu,memory"),
        (
            "requests.nvidia.com/gpu for: a; limits.cpu for: a; memory for: b",
            "requests.nvidia.com/gpu, limits.cpu, memory",
        ),
    ],
)
def test_a_quota_names_every_resource_that_must_be_set(said: str, resources: str) -> None:
    found = rejection_of(f"{POD}failed quota: compute: must specify {said}")
    assert found.cause(Scene("its pods")) == f"the ResourceQuota compute rejects its pods, which must set {resources}"
    assert found.next_step().startswith(f"set {resources} on every container, ")


def test_the_table_has_every_entry() -> None:
    missing = {entry.kind for entry in ENTRIES} - {kind for _message, kind, _words in SAID}
    assert missing == {"invalid", "limit_range_unknown", "tolerations", "selector"}
    for message, kind in (
        (
            POD + "unable to create pods at this time because there was an error enforcing limit ranges",
            "limit_range_unknown",
        ),
        (
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace "
            "whitelist",
            "tolerations",
        ),
        ("field label not supported: spec.x", "selector"),
        ('Job.batch "x" is invalid', "invalid"),
    ):
        assert rejection_of(message).kind == kind


@pytest.mark.parametrize("status", [*BY_STATUS, 402, 418, 451, 501, 507, 520, 599, 301, 308, 0, 999])
@pytest.mark.parametrize("reason", ["", "Forbidden", "InternalError", "NeverHeardOf"])
@pytest.mark.parametrize("message", ["", "nothing known", "<html>Bad gateway</html>"])
def test_every_status_has_a_next_step(status: int, reason: str, message: str) -> None:
    found = rejection_of(message, status, reason)
    assert found.next_step()
    assert found.cause()
    assert found.entry in (*FALLBACKS, *BY_REASON.values(), *BY_STATUS.values())


@pytest.mark.parametrize(
    "words",
    [
        "a",
        "a.",
        '[a"',
        " ",
        "expression ",
        "conversion webhook for ",
        'User "x" cannot ',
        "a: Invalid value: ",
        "in the data (",
    ],
)
@pytest.mark.parametrize("before", ["", 'x "y" is invalid: ', TRAINER, VAP, STRICT])
def test_a_message_of_any_size(words: str, before: str) -> None:
    """A server may send anything: an expression that takes quadratic time would not come to an end."""
    found = rejection_of(before + words * 100_000, 500)
    assert found.cause()
    assert found.next_step()


def test_an_event_about_something_else_is_no_rejection() -> None:
    assert event_rejection("Created pod: mnist-node-0-0-x") is None


@pytest.mark.parametrize(
    ("message", "called", "service"),
    [
        (POST + "EOF", "Service mesh-system/mesh", ("mesh-system", "mesh")),
        (
            CALL + 'Post "https://hooks.example.com:8443/x?timeout=1s": EOF',
            "the server https://hooks.example.com:8443",
            ("", ""),
        ),
        (CALL + 'service "mesh" not found', "the server behind the webhook inject.example.io", ("", "")),
        (
            CALL + 'Post "https://a.b.svc.cluster.local:443/x": EOF',
            "Service b/a",
            ("b", "a"),
        ),
        (
            'failed calling webhook "x": Post https://istiod.istio-system.svc:443/inject?timeout=30s: i/o timeout',
            "Service istio-system/istiod",
            ("istio-system", "istiod"),
        ),
    ],
)
def test_who_is_called(message: str, called: str, service: tuple[str, str]) -> None:
    found = rejection_of(message)
    assert (found.called, found.service) == (called, service)
    assert called in found.next_step()


OURS = {"vpod.kb.io": frozenset({("kubeflow-system", "jobset-webhook-service")})}


@pytest.mark.parametrize(
    ("message", "ours"),
    [
        (
            'failed calling webhook "vpod.kb.io": Post "https://jobset-webhook-service.kubeflow-system.svc:443/x": EOF',
            True,
        ),
        # The same name, but the Service of another operator.
        ('failed calling webhook "vpod.kb.io": Post "https://webhook.other.svc:443/x": EOF', False),
        ('failed calling webhook "vpod.kb.io": Post "https://hooks.example.com/x": EOF', True),
        ('failed calling webhook "vpod.kb.io": failed to call webhook: service "x" not found', True),
        ('failed calling webhook "inject.example.io": EOF', False),
        ('admission webhook "vpod.kb.io" denied the request: no', True),
        ('admission webhook "other.kb.io" denied the request: no', False),
        ("ValidatingAdmissionPolicy 'vpod.kb.io' with binding 'b' denied request: no", False),
        ("exceeded quota: vpod.kb.io", False),
    ],
)
def test_whose_webhook_it_is(message: str, ours: bool) -> None:
    assert rejection_of(message).is_of(OURS) is ours


DENIED = 'admission webhook "mutate.kyverno.svc-fail" denied the request: '


@pytest.mark.parametrize(
    ("message", "lasting"),
    [
        (POST + "EOF", False),
        (VAP + "needs a team", True),
        (VAP + "failed to configure binding: paramKind kind `x` not yet synced to use for admission", False),
        (POD + "status unknown for quota: compute, resources: limits.cpu", False),
        (POD + "maximum cpu usage per Container is 100m, but limit is 500m", True),
        (JOB + 'spec.x: Invalid value: "2": must be less than or equal to cpu limit of 1', True),
        (POD + "unable to create new content in namespace team because it is being terminated", False),
        ("etcdserver: leader changed", False),
        ('object is being deleted: jobs.batch "x" already exists', False),
        # A webhook that cannot judge it now.
        (DENIED + 'failed to verify image: Get "https://ghcr.io/v2/": context deadline exceeded', False),
        (
            DENIED + "failed to load context: failed to call API: dial tcp 10.0.0.1:443: connect: connection refused",
            False,
        ),
        (DENIED + "cache is not synced", False),
        (DENIED + "try again later", False),
        (DENIED + "lookup ghcr.io: no such host", False),
        (DENIED + "set a label", True),
        (DENIED + 'violates PodSecurity "restricted:latest"', True),
        (POD + "exceeded quota: timeout, requested: pods=1", True),
    ],
)
def test_whether_time_helps(message: str, lasting: bool) -> None:
    assert rejection_of(message).is_lasting is lasting


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (POD + "exceeded quota: small, requested: pods=1", "-n team describe resourcequota small"),
        (POD + 'violates PodSecurity "restricted:latest": x', "level of the namespace team"),
        (
            VAP + "x",
            "exempt the namespace team from the ValidatingAdmissionPolicy labels (ValidatingAdmissionPolicyBinding",
        ),
        (MAP + "x", "(MutatingAdmissionPolicyBinding all)"),
        (POST + "EOF", "repair Service mesh-system/mesh"),
        (POST + "EOF", "exempt the namespace team"),
    ],
)
def test_a_next_step_names_the_namespace(message: str, words: str) -> None:
    assert words in rejection_of(message).next_step(Scene("its pods", "team", given=True))


def test_what_is_not_in_a_namespace_is_not_exempted_by_one() -> None:
    said = rejection_of(VAP + "needs a team").next_step(Scene("the ClusterTrainingRuntime"))
    assert "exempt the ClusterTrainingRuntime" in said
    assert "namespace" not in said
