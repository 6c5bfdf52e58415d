#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: trainer_operator_info
short_description: Say what is on a cluster and what speaks against installing Kubeflow Trainer there
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Reads which Trainer and which JobSet a cluster has, who installed them and how they are, what else runs there that
    matters to them, what people keep there, and what this identity may do.
  - Says all at once what speaks against an install of O(release), as RV(blockers) and RV(warnings_found).
  - Works with whatever rights there are. What may not be read is unknown, and the right that lacks is named in
    RV(rights.unreadable).
  - Fails only where the server does not answer or does not know the credentials. What it finds is for the caller to
    judge.
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
      - Codes of warnings that are known here and left out of RV(warnings_found); docs/blockers.md lists them.
      - A code that there is not is refused, and so is that of a blocker.
    type: list
    elements: str
    default: []
  adopt:
    description: The tools an install would be told to take Trainer over from; what they installed is no blocker then.
    type: list
    elements: str
    choices: [helm, argocd, flux, olm, juju, other]
    default: []
notes:
  - It sends at most 25 requests, all of them reads; reviews of one's own rights are not stored by the server.
  - Lists are read up to their first 500 objects (nodes 100). Numbers of objects are right all the same.
seealso:
  - module: conductor.trainer.trainer_operator
  - module: conductor.trainer.wait_for_controllers
"""

EXAMPLES = r"""
- name: Look before anything is changed
  conductor.trainer.trainer_operator_info:
    kubeconfig: ~/.kube/config
    context: production
  register: info

- name: Stop with all that is in the way
  ansible.builtin.assert:
    that: info.blockers == []
    fail_msg: "{{ info.blockers | map(attribute='cause') | join('\n') }}"
"""

RETURN = r"""
cluster:
  description: Which cluster it is.
  returned: success
  type: dict
  contains:
    server:
      description: The address of its API server.
      type: str
    uid:
      description: The uid of its namespace C(kube-system); empty where that may not be read.
      type: str
    kubernetes:
      description: Its version, as the server says it.
      type: str
    distribution:
      description: For example C(kind), C(k3s), C(eks), C(gke), C(aks), C(openshift); C(kubernetes) where nothing shows
        any of them, C(unknown) where that cannot be told.
      type: str
    provider:
      description: Who runs its machines, as their C(providerID) begins; may be empty.
      type: str
  sample: {server: "https://10.0.0.1:6443", uid: 6a1b, kubernetes: 1.35.1, distribution: kind, provider: kind}
wanted:
  description: What an install would bring; RV(blockers) and RV(warnings_found) are about that.
  returned: success
  type: dict
  contains:
    release:
      description: The Trainer release.
      type: str
    jobset:
      description: Its JobSet version.
      type: str
    jobset_mode:
      description: The option O(jobset).
      type: str
    jobset_selected:
      description: What that comes to here, C(bundled) or C(external).
      type: str
    adopt:
      description: The option O(adopt), sorted.
      type: list
      elements: str
    certificates:
      description: The option O(certificates).
      type: str
    invalid_certificates:
      description: With V(external) the Secrets that would not do.
      type: list
      elements: dict
      contains:
        object:
          description: The Secret.
          type: str
        problem:
          description: What is wrong with it, and what to do.
          type: str
    expiring_certificates:
      description: With V(external) the Secrets that end in less than 30 days and a quarter of their life.
      type: list
      elements: dict
      contains:
        object:
          description: The Secret.
          type: str
        days_left:
          description: Whole days until it ends, or what it is trusted by.
          type: int
    kubernetes:
      description: The oldest Kubernetes it runs on.
      type: str
    namespace:
      description: The operator's namespace.
      type: str
trainer:
  description: The Trainer that is there.
  returned: success
  type: dict
  contains:
    state:
      description:
        - C(absent), C(complete), C(incomplete), C(terminating) or C(unknown).
        - C(complete) is about CRDs, webhook configurations and the Deployment being there, not about their health.
      type: str
    release:
      description: Its release, by the image that runs, or else its public ConfigMap, or else its CRD (a series only).
      type: str
    sources:
      description: What C(image), C(config_map) and C(crd) say each; empty where they say nothing.
      type: dict
    sources_agree:
      description: Whether they agree; null where fewer than two speak.
      type: bool
    owner:
      description: Who installed it.
      type: dict
      contains:
        kind:
          description: C(conductor), C(kubectl), C(helm), C(argocd), C(flux), C(olm), C(juju), C(operator), C(other),
            C(mixed), or C(none) where there is nothing.
          type: str
        name:
          description: The same in words, with the name of the Helm release and the like.
          type: str
        adoptable:
          description: Whether an install takes it over, from kubectl without being asked to, from others by O(adopt).
          type: bool
    namespace:
      description: The namespace it runs in; empty where there is none.
      type: str
    namespaces:
      description: All namespaces in which a controller of it runs; more than one is a fault.
      type: list
      elements: str
    image:
      description: The image of its controller.
      type: str
    missing:
      description: What a whole Trainer has and this one lacks.
      type: list
      elements: str
    terminating:
      description: What of it is being deleted, and the finalizers it waits for.
      type: list
      elements: str
    healthy:
      description: Whether its controller serves, as far as can be seen without asking it; null where that is not known.
      type: bool
    problems:
      description: What keeps it from that.
      type: list
      elements: str
record:
  description: The install record of Conductor.
  returned: success
  type: dict
  contains:
    release:
      description: The release installed last; empty where there is no record.
      type: str
    profile:
      description: Its profile.
      type: str
    jobset:
      description: Whose JobSet it was installed with, C(bundled) or C(external); empty where there is no record.
      type: str
    objects:
      description: How many objects it holds.
      type: int
    same_bundle:
      description: Whether it was made from the very bundle of O(release).
      type: bool
jobset:
  description: The JobSet that is there.
  returned: success
  type: dict
  contains:
    state:
      description:
        - C(absent); C(bundled), in Trainer's namespace; C(external), in another one; C(crd_only), a CRD without a
          controller; C(split), in more than one place; or C(unknown).
      type: str
    evidence:
      description: What that is told from.
      type: str
    version:
      description: Its version, by the image that runs, or else by its CRD (a series only).
      type: str
    sufficient:
      description: Whether it is new enough for O(release) and serves C(v1alpha2); null where that is not known.
      type: bool
    served_versions:
      description: The API versions its CRD serves.
      type: list
      elements: str
    owner:
      description: Who installed it, like RV(trainer.owner).
      type: dict
    namespace:
      description: The namespace it runs in, or its webhooks point to.
      type: str
    image:
      description: The image of its controller.
      type: str
    healthy:
      description: Whether its controller serves, as far as can be seen without asking it; null where that is not known.
      type: bool
    problems:
      description: What keeps it from that.
      type: list
      elements: str
    terminating:
      description: Its CRD, if that is being deleted, and the finalizers it waits for; otherwise empty.
      type: str
neighbours:
  description: What else runs there and matters. C(present) is null where it cannot be told.
  returned: success
  type: dict
  contains:
    kueue:
      description: C(present), C(version), C(trainer) (the series its TrainJob integration is built on, empty if not
        known), C(fits) (whether that is the series of O(release)) and C(handles_train_jobs).
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
      description: C(volcano), C(coscheduling), C(kai), those that are there.
      type: list
      elements: str
    training_operator:
      description: C(present), of Training Operator v1.
      type: dict
namespace:
  description: What the operator's namespace imposes on pods.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    exists:
      description: Whether it is there; null where it may not be read.
      type: bool
    terminating:
      description: Whether it is being deleted.
      type: bool
    pod_security:
      description: The Pod Security level it enforces; empty where its labels say none.
      type: str
    istio_injection:
      description: Whether its labels ask for sidecars.
      type: bool
    quotas:
      description: The names of its ResourceQuotas; null where they may not be read.
      type: list
      elements: str
    quota_exceeded:
      description: What the controllers' pods would take beyond a quota.
      type: list
      elements: str
    quota_missing_resources:
      description: What a quota obliges containers to state, and one of the controllers' does not.
      type: list
      elements: str
    default_deny:
      description: The NetworkPolicies that close every pod to callers they do not name; null if they may not be read.
      type: list
      elements: str
    webhook_port_open:
      description: Whether NetworkPolicies let everybody call the webhooks; null where they may not be read.
      type: bool
user_objects:
  description: What people keep there. Lists hold five names and say how many more there are.
  returned: success
  type: dict
  contains:
    train_jobs:
      description: C(total), C(unfinished), C(names) of unfinished ones, and C(whole), whether all of them were looked
        at; numbers are null where they may not be read.
      type: dict
    job_sets:
      description: The same of JobSets that belong to no TrainJob.
      type: dict
    custom_runtimes:
      description: ClusterTrainingRuntimes that are neither built in nor Conductor's; null where they may not be read.
      type: list
      elements: str
    runtimes_of_other_owners:
      description: ClusterTrainingRuntimes with the name of a built-in one that somebody else made.
      type: list
      elements: str
    namespaced_runtimes:
      description: The number of TrainingRuntimes.
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
      description: Those that are there, by whoever made them; null where they may not be read.
      type: list
      elements: str
    missing:
      description: Those that are not; null where they may not be read.
      type: list
      elements: str
certificates:
  description:
    - The certificates that the API server trusts the webhooks by, one row for each webhook configuration of Trainer and
      JobSet; null where those may not be read. They are public. Secrets are never read.
    - C(cryptography) reads them, where the module runs; without it nothing has an end.
  returned: success
  type: list
  elements: dict
  contains:
    configuration:
      description: The name of the webhook configuration.
      type: str
    not_after:
      description: When the first of its certificates ends; empty where it has none.
      type: str
    days_left:
      description: Whole days until then; null where it has none.
      type: int
  sample: [{configuration: validator.trainer.kubeflow.org, not_after: "2035-11-21T23:00:00Z", days_left: 3649}]
nodes:
  description: The machines.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether nodes may be read. The rest means nothing where they may not.
      type: bool
    total:
      description: How many there are.
      type: int
    inspected:
      description: How many of them the rest is about.
      type: int
    ready:
      description: How many are Ready.
      type: int
    schedulable:
      description: How many take the controllers' pods.
      type: int
    architectures:
      description: Architecture to number of nodes.
      type: dict
    supported_architecture:
      description: Whether the controllers' images exist for any of them; null where there is no node.
      type: bool
    taints:
      description: Taint to number of nodes.
      type: dict
    rejections:
      description: Why nodes do not take the controllers' pods.
      type: list
      elements: str
    controllers_to_schedule:
      description: How many controllers do not run here yet.
      type: int
    can_scale_up:
      description: Whether nodes may be added by themselves; only asked where there is no room, otherwise null.
      type: bool
    capacity:
      description: C(cpu) and C(memory) that the controllers still to be placed request, C(free_cpu) of the roomiest
        node looked into, and C(fits), null where that is not known.
      type: dict
permissions:
  description: What this identity may do.
  returned: success
  type: dict
  contains:
    known:
      description: Whether the server lists its rights.
      type: bool
    missing:
      description: Rights that lack and that an install on an empty cluster cannot do without, proofs by dry runs among
        them.
      type: list
      elements: str
    ungrantable:
      description: Verbs without which roles and bindings of the controllers cannot be made.
      type: list
      elements: str
    optional:
      description: Rights that lack and that an install makes use of, but can do without.
      type: list
      elements: dict
      contains:
        permissions:
          description: The rights.
          type: list
          elements: str
        consequence:
          description: What it is like without them.
          type: str
    escalate:
      description: Whether it may C(escalate) any ClusterRole; null where not known.
      type: bool
    bind:
      description: Whether it may C(bind) any ClusterRole; null where not known.
      type: bool
    unreadable:
      description: Rights to read that lacked in this very inspection.
      type: list
      elements: str
blockers:
  description: What would stop an install, in the order of the catalogue; see docs/blockers.md.
  returned: success
  type: list
  elements: dict
  contains: &finding
    code:
      description: Its code in the catalogue.
      type: str
    object:
      description: What it is about.
      type: str
    cause:
      description: What is wrong.
      type: str
    next_step:
      description: What to do.
      type: str
  sample:
    - code: kubernetes_too_old
      object: API server
      cause: Kubernetes is 1.30.2; Trainer 2.3.0 needs 1.31 or newer, because older API servers refuse its CRDs
      next_step: upgrade the cluster, or leave it without Trainer
warnings_found:
  description: What a person should know before an install, without what O(accept) names; like RV(blockers).
  returned: success
  type: list
  elements: dict
  contains: *finding
requests:
  description: How many requests it sent.
  returned: success
  type: int
  sample: 24
elapsed:
  description: Seconds it took.
  returned: success
  type: float
  sample: 0.2
status:
  description: The HTTP status the API server refused with.
  returned: failure, when the API server refused a request
  type: int
  sample: 401
reason:
  description: The server's own word for it; may be empty.
  returned: failure, when the API server refused a request
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
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.installers import ADOPTABLE
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle


def info(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Reads."""
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
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
