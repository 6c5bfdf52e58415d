#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: trainer_operator_info
short_description: Gather facts about a cluster and report installation blockers
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Reads a cluster without changing it. Reports the Trainer and JobSet that are installed, who manages them and whether
    they are healthy, related software, objects of users, and the permissions of this identity.
  - Reports everything that would prevent an installation of O(release) as RV(blockers), and what to know before one as
    RV(warnings_found).
  - Works with any permissions. Facts that cannot be read are reported as unknown, and RV(permissions.unreadable) lists
    the missing permissions.
  - Fails only if the server does not answer or rejects the credentials. The caller decides what to do about the
    findings.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.own_certificates
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  accept:
    description:
      - Codes of warnings to leave out of RV(warnings_found); docs/findings.md lists them.
      - Unknown codes and codes of blockers are rejected.
    type: list
    elements: str
    default: []
  adopt:
    description: Tools whose Trainer or JobSet an install would adopt. Their installation is then not a blocker.
    type: list
    elements: str
    choices: [helm, argocd, flux, olm, juju, other]
    default: []
notes:
  - Sends at most 32 requests, all of them reads. The permission reviews are not stored by the server.
  - Reads at most the first 500 objects of a list (100 nodes). The counts of objects are exact nevertheless.
seealso:
  - module: conductor.trainer.trainer_operator
  - module: conductor.trainer.wait_for_controllers
"""

EXAMPLES = r"""
- name: Inspect a cluster
  conductor.trainer.trainer_operator_info:
    kubeconfig: ~/.kube/config
    context: production
  register: info

- name: Fail if there are blockers
  ansible.builtin.assert:
    that: info.blockers == []
    fail_msg: "{{ info.blockers | map(attribute='cause') | join('\n') }}"
"""

RETURN = r"""
cluster:
  description: The cluster.
  returned: success
  type: dict
  contains:
    server:
      description: Address of its API server.
      type: str
    uid:
      description: Uid of its namespace C(kube-system); empty if it cannot be read.
      type: str
    kubernetes:
      description: Version of its API server.
      type: str
    distribution:
      description: For example C(kind), C(k3s), C(eks), C(gke), C(aks), C(openshift); C(kubernetes) if no distribution
        is recognised, C(unknown) if it cannot be determined.
      type: str
    provider:
      description: Provider of its machines, the beginning of their C(providerID); may be empty.
      type: str
  sample: {server: "https://10.0.0.1:6443", uid: 6a1b, kubernetes: 1.35.1, distribution: kind, provider: kind}
wanted:
  description: What would be installed. RV(blockers) and RV(warnings_found) refer to it.
  returned: success
  type: dict
  contains:
    release:
      description: Trainer release.
      type: str
    jobset:
      description: JobSet version of the release.
      type: str
    jobset_mode:
      description: The option O(jobset).
      type: str
    jobset_selected:
      description: JobSet that an install would use, C(bundled) or C(external).
      type: str
    adopt:
      description: The option O(adopt), sorted.
      type: list
      elements: str
    certificates:
      description: The option O(certificates).
      type: str
    missing_classes:
      description: PriorityClasses that the controllers need and the cluster does not have.
      type: list
      elements: str
    host_network:
      description: Controllers to schedule that use the network of their node.
      type: list
      elements: str
    invalid_certificates:
      description: With V(external), the Secrets that cannot be used.
      type: list
      elements: dict
      contains:
        object:
          description: The Secret.
          type: str
        problem:
          description: What is wrong with it, and what to do next.
          type: str
    expiring_certificates:
      description: With V(external), the Secrets that expire in less than 30 days and less than a quarter of their
        lifetime.
      type: list
      elements: dict
      contains:
        object:
          description: The Secret.
          type: str
        days_left:
          description: Whole days until its certificate or CA expires.
          type: int
    kubernetes:
      description: Oldest Kubernetes version that the release supports.
      type: str
    namespace:
      description: Namespace of the operator.
      type: str
trainer:
  description: The installed Trainer.
  returned: success
  type: dict
  contains:
    state:
      description:
        - C(absent), C(complete), C(incomplete), C(terminating) or C(unknown).
        - C(complete) means that CRDs, webhook configurations and the Deployment exist, not that they are healthy.
      type: str
    release:
      description: Its release, from the running image, its public ConfigMap or its CRD (only the minor version), in
        this order.
      type: str
    sources:
      description: Release according to C(image), C(config_map) and C(crd); empty if unknown.
      type: dict
    sources_agree:
      description: Whether these agree; null if fewer than two are known.
      type: bool
    owner:
      description: The tool that manages it.
      type: dict
      contains:
        kind:
          description: C(conductor), C(kubectl), C(helm), C(argocd), C(flux), C(olm), C(juju), C(operator), C(other),
            C(mixed), or C(none) if nothing is installed.
          type: str
        name:
          description: The same in words, for example with the name of the Helm release.
          type: str
        adoptable:
          description: Whether an install can take it over, from kubectl automatically and from other tools with
            O(adopt).
          type: bool
    namespace:
      description: Namespace of its controller; empty if there is none.
      type: str
    namespaces:
      description: All namespaces in which its controllers run; more than one is an error.
      type: list
      elements: str
    image:
      description: Image of its controller.
      type: str
    missing:
      description: Missing parts of an incomplete Trainer.
      type: list
      elements: str
    terminating:
      description: Parts that are being deleted, and the finalizers that they wait for.
      type: list
      elements: str
    healthy:
      description: Whether its controller is ready, without testing its webhooks; null if unknown.
      type: bool
    problems:
      description: Why it is not healthy.
      type: list
      elements: str
record:
  description: The install record of Conductor.
  returned: success
  type: dict
  contains:
    release:
      description: The release installed last; empty if there is no record.
      type: str
    profile:
      description: The profile installed last.
      type: str
    jobset:
      description: The JobSet of the last install, C(bundled) or C(external); empty if there is no record.
      type: str
    objects:
      description: Number of objects in the record.
      type: int
    same_bundle:
      description: Whether it was written from the bundle of O(release).
      type: bool
options:
  description: >-
    How the installation differs from its release, by the options in the install record. Without an installation, by
    the options of this task.
  returned: success
  type: dict
  contains:
    digest:
      description: Digest of the options, the same on clusters with the same options; empty without options.
      type: str
    summary:
      description: The options in a few words each.
      type: list
      elements: str
    fields:
      description: Number of fields that differ from the release because of options.
      type: int
    objects:
      description: Number of objects that options add or remove.
      type: int
    differences:
      description:
        - The fields that differ from the release, each with C(object), C(field), C(release), C(value) and C(set_by),
          the option behind it. C(field) is empty for an object that an option adds or removes. Values are shortened,
          and masked in a Secret. At most 50 rows; the last one counts the others.
      type: list
      elements: dict
    problem:
      description: Why the options in the install record cannot be used; empty if they can.
      type: str
    others:
      description: Field managers, and how many fields of the controllers' Deployments each of them has added.
      type: dict
  sample:
    digest: 3f1c0a9b7d2e4856
    summary: [1 toleration]
    fields: 1
    objects: 0
    differences:
      - object: Deployment kubeflow-system/jobset-controller-manager
        field: spec.template.spec.tolerations
        release:
        value: "[{'key': 'CriticalAddonsOnly', 'operator': 'Exists'}]"
        set_by: customize.tolerations
    problem: ""
    others: {kubectl-patch: 1}
options_changed:
  description:
    - How the options of this task differ from those in the install record. Secrets are not shown. At most 10 lines; the
      last one counts the others.
  returned: success
  type: list
  elements: str
  sample: [customize.registries.ghcr.io is mirror.example.com/ghcr in the install record and not given here]
helm_releases:
  description: With V(helm) in O(adopt), the releases of Helm to which the installed Trainer and JobSet belong.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the release.
      type: str
    namespace:
      description: Namespace of the release; empty if unknown.
      type: str
    stored_in:
      description:
        - Secrets and ConfigMaps in which Helm stores the release, with the status of each revision; null if they cannot
          be read. While there are any, C(helm uninstall) can delete the adopted objects.
      type: list
      elements: str
immutable_fields:
  description:
    - Fields of objects that an install takes over or adopts, which differ from those of O(release) and which Kubernetes
      does not change.
  returned: success
  type: list
  elements: dict
  contains:
    object:
      description: The object.
      type: str
    owner:
      description: The tool that manages it.
      type: str
    field:
      description: The field.
      type: str
    found:
      description: Its value.
      type: str
    wanted:
      description: Its value in O(release).
      type: str
second_controllers:
  description: Controllers in the namespace of Trainer that an adoption does not replace, because they have other names.
  returned: success
  type: list
  elements: str
jobset:
  description: The installed JobSet.
  returned: success
  type: dict
  contains:
    state:
      description:
        - C(absent); C(bundled), in the namespace of Trainer; C(external), in another namespace; C(crd_only), a CRD
          without a controller; C(split), in several places; or C(unknown).
      type: str
    evidence:
      description: From what the state was determined.
      type: str
    version:
      description: Its version, from the running image or its CRD (only the minor version), in this order.
      type: str
    sufficient:
      description: Whether its version is sufficient for O(release) and it serves C(v1alpha2); null if unknown.
      type: bool
    served_versions:
      description: API versions that its CRD serves.
      type: list
      elements: str
    owner:
      description: The tool that manages it, with the keys of RV(trainer.owner).
      type: dict
    namespace:
      description: Namespace of its controller, or to which its webhooks point.
      type: str
    image:
      description: Image of its controller.
      type: str
    healthy:
      description: Whether its controller is ready, without testing its webhooks; null if unknown.
      type: bool
    problems:
      description: Why it is not healthy.
      type: list
      elements: str
    terminating:
      description: Its CRD if it is being deleted, with the finalizers that it waits for; otherwise empty.
      type: str
neighbours:
  description: Related software on the cluster. C(present) is null if unknown.
  returned: success
  type: dict
  contains:
    kueue:
      description: C(present), C(version), C(trainer) (the minor version of its TrainJob integration, empty if unknown),
        C(fits) (whether that matches O(release)) and C(handles_train_jobs).
      type: dict
    leader_worker_set:
      description: C(present) and C(version).
      type: dict
    cert_manager:
      description: C(present) and C(version).
      type: dict
    istio:
      description: C(present).
      type: dict
    gang_schedulers:
      description: The gang schedulers found, of C(volcano), C(coscheduling) and C(kai).
      type: list
      elements: str
    training_operator:
      description: C(present), for Training Operator v1.
      type: dict
namespace:
  description: Constraints of the operator's namespace on pods.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    exists:
      description: Whether it exists; null if unknown.
      type: bool
    terminating:
      description: Whether it is being deleted.
      type: bool
    pod_security:
      description: The Pod Security level that its labels enforce; empty if none.
      type: str
    istio_injection:
      description: Whether its labels request sidecar injection.
      type: bool
    quotas:
      description: Names of its ResourceQuotas; null if they cannot be read.
      type: list
      elements: str
    quota_exceeded:
      description: Resources that the pods of the controllers would use beyond a quota.
      type: list
      elements: str
    quota_missing_resources:
      description:
        - Resources that a quota requires containers to state, and that a container of the controllers has neither by
          itself nor by a default of a LimitRange.
      type: list
      elements: str
    limit_ranges:
      description: Names of its LimitRanges; null if they cannot be read.
      type: list
      elements: str
    limit_ranges_broken:
      description: Limits of LimitRanges that reject the pods of the controllers.
      type: list
      elements: str
    pull_secrets_missing:
      description:
        - Secrets of O(customize.image_pull_secrets) that do not exist in it. A Secret that cannot be read is not among
          them.
      type: list
      elements: str
    default_deny:
      description: NetworkPolicies that close all pods to callers that they do not name; null if they cannot be read.
      type: list
      elements: str
    webhook_port_open:
      description: Whether NetworkPolicies allow every caller to reach the webhooks; null if they cannot be read.
      type: bool
    closed_ports:
      description: Ports of webhooks that NetworkPolicies close.
      type: list
      elements: int
user_objects:
  description: Objects of users. Lists hold five names and the number of the others.
  returned: success
  type: dict
  contains:
    train_jobs:
      description: C(total), C(unfinished), C(names) of unfinished ones, and C(whole), whether all of them were read;
        numbers are null if they cannot be read.
      type: dict
    job_sets:
      description: The same for JobSets that do not belong to a TrainJob.
      type: dict
    custom_runtimes:
      description: ClusterTrainingRuntimes that are neither built in nor Conductor's; null if they cannot be read.
      type: list
      elements: str
    runtimes_of_other_owners:
      description: ClusterTrainingRuntimes with the name of a built-in one that another tool or user created.
      type: list
      elements: str
    namespaced_runtimes:
      description: Number of TrainingRuntimes.
      type: int
    runtimes_with_finalizer:
      description: Runtimes with the finalizer C(trainer.kubeflow.org/resource-in-use).
      type: list
      elements: str
    terminating:
      description: TrainJobs, JobSets and runtimes that are being deleted.
      type: list
      elements: str
built_in_runtimes:
  description: The built-in ClusterTrainingRuntimes of O(release).
  returned: success
  type: dict
  contains:
    present:
      description: Existing ones, whoever created them; null if they cannot be read.
      type: list
      elements: str
    missing:
      description: Missing ones; null if they cannot be read.
      type: list
      elements: str
certificates:
  description:
    - The CA certificates by which the API server verifies the webhooks, one row for each webhook configuration of
      Trainer and JobSet; null if these cannot be read. They are public; Secrets are never read.
    - The expiry is known only if the Python library C(cryptography) is installed where the module runs.
  returned: success
  type: list
  elements: dict
  contains:
    configuration:
      description: Name of the webhook configuration.
      type: str
    not_after:
      description: When the first of its certificates expires; empty if it has none.
      type: str
    days_left:
      description: Whole days until then; null if it has none.
      type: int
  sample: [{configuration: validator.trainer.kubeflow.org, not_after: "2035-11-21T23:00:00Z", days_left: 3649}]
nodes:
  description: The nodes.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether nodes can be read. If not, the other values have no meaning.
      type: bool
    total:
      description: Number of nodes.
      type: int
    inspected:
      description: Number of nodes that were read; the other values refer to these.
      type: int
    ready:
      description: Number of Ready nodes.
      type: int
    schedulable:
      description: Number of nodes that accept the pods of the controllers; of the controller that the fewest accept, if
        the controllers have different placements.
      type: int
    architectures:
      description: Number of nodes by architecture.
      type: dict
    supported_architecture:
      description: Whether the images of the controllers exist for at least one of them; null if there are no nodes.
      type: bool
    taints:
      description: Number of nodes by taint.
      type: dict
    rejections:
      description: Why nodes do not accept the pods of the controllers.
      type: list
      elements: str
    refused:
      description: The controllers that no node accepts, each with C(deployment) and C(rejections).
      type: list
      elements: dict
    controllers_to_schedule:
      description: Number of controllers with pods that are still to be scheduled, because they do not run yet, get more
        replicas or are updated.
      type: int
    can_scale_up:
      description: Whether a node autoscaler is detected; only checked if the capacity is insufficient, otherwise null.
      type: bool
    capacity:
      description: C(cpu) and C(memory) requested by the pods that are still to be scheduled, C(free_cpu) of the node
        with the most free CPU among those that were checked, C(fits), null if unknown, C(updates), the Deployments
        without room for the pod that runs beside the present ones during an update, and C(host_ports), the ports of
        nodes that are taken.
      type: dict
permissions:
  description: Permissions of this identity.
  returned: success
  type: dict
  contains:
    known:
      description: Whether the server lists its permissions.
      type: bool
    missing:
      description: Missing permissions that an install on an empty cluster requires, including those for dry runs.
      type: list
      elements: str
    not_grantable:
      description: Missing verbs without which the roles and bindings of the controllers cannot be created.
      type: list
      elements: str
    optional:
      description: Missing permissions that an install uses but does not require.
      type: list
      elements: dict
      contains:
        permissions:
          description: The permissions.
          type: list
          elements: str
        consequence:
          description: What does not work without them.
          type: str
    escalate:
      description: Whether it may C(escalate) any ClusterRole; null if unknown.
      type: bool
    bind:
      description: Whether it may C(bind) any ClusterRole; null if unknown.
      type: bool
    unreadable:
      description: Permissions to read that were missing during this inspection.
      type: list
      elements: str
    rejections:
      description: Webhooks and policies of other owners that rejected the review of the permissions. They most likely
        reject the objects of an install, too.
      type: list
      elements: dict
      contains:
        object:
          description: The webhook configuration and its owner, or the policy.
          type: str
        answers:
          description: Whether it rejected the request; V(false) if its program does not answer.
          type: bool
        cause:
          description: What is wrong.
          type: str
        next_step:
          description: What to do next.
          type: str
        message:
          description: The message of the API server.
          type: str
blockers:
  description: Findings that stop an install, in the order of docs/findings.md.
  returned: success
  type: list
  elements: dict
  contains: &finding
    code:
      description: Code of the finding.
      type: str
    object:
      description: The affected object.
      type: str
    cause:
      description: What is wrong.
      type: str
    next_step:
      description: What to do next.
      type: str
  sample:
    - code: kubernetes_too_old
      object: API server
      cause: Kubernetes is 1.30.2, and Trainer 2.3.0 requires 1.32 or newer, because older API servers reject its CRDs
      next_step: upgrade the cluster to Kubernetes 1.32 or newer
warnings_found:
  description: Findings to know before an install, without those that O(accept) suppresses, with the keys of
    RV(blockers).
  returned: success
  type: list
  elements: dict
  contains: *finding
requests:
  description: Number of requests that were sent.
  returned: success
  type: int
  sample: 24
elapsed:
  description: Duration in seconds.
  returned: success
  type: float
  sample: 0.2
status:
  description: HTTP status with which the API server rejected a request.
  returned: failure, if the API server rejected a request
  type: int
  sample: 401
reason:
  description: Reason given by the API server; may be empty.
  returned: failure, if the API server rejected a request
  type: str
  sample: Unauthorized
"""

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.provided import (
    pem_options,
    with_own_certificates,
)
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.identity import require_pinned
from ansible_collections.conductor.trainer.plugins.module_utils.findings.accepted import check_accepted, not_accepted
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.module_runner import run_module
from ansible_collections.conductor.trainer.plugins.module_utils.names import ADOPTABLE
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle


def info(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Inspect the cluster."""
    accepted = call.params["accept"]
    check_accepted(accepted)
    require_pinned(cluster, call.params["cluster_uid"])
    meant = with_own_certificates(bundle, call.params["certificates_pem"])
    found = inspect(cluster, meant, jobset_mode=call.params["jobset"], adopt=call.params["adopt"])
    return {"changed": False, **found, "warnings_found": not_accepted(found["warnings_found"], accepted)}


OPERATION = ModuleOperation(
    {
        "accept": {"type": "list", "elements": "str", "default": []},
        "adopt": {"type": "list", "elements": "str", "choices": list(ADOPTABLE), "default": []},
        "certificates_pem": pem_options(),
    },
    info,
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
