#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for_controllers
short_description: Wait until the Trainer and JobSet controllers are ready
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Waits until every CRD is established, both Deployments are rolled out, every webhook has its C(caBundle), both
    webhook Services have ready endpoints, and the certificate of each Service is valid for it and signed by the CA in
    the C(caBundle). Finally it tests every webhook with dry runs - it must reject invalid objects, and accept or
    complete valid ones.
  - Reads the certificates in the Secrets and discards the private keys immediately. If it cannot read them, or the
    Python library C(cryptography) is missing, RV(certificates) contains the reason, and only the dry runs test the
    certificates. Warns if a certificate expires within 30 days, or has less than a quarter of a short lifetime left.
  - An external JobSet (see O(jobset)) must be ready as well. It is only read and tested with dry runs.
  - Each API server of a cluster learns of webhooks and connects to them independently. The webhooks are therefore
    tested over as many new connections as needed to reach every API server of the cluster. All objects are listed again
    at the end, in case an event was lost.
  - On a timeout, reports which of these conditions is not met, since when and why.
  - Fails before the timeout, with the cause and the next step, if a controller cannot start. Conditions that may
    resolve themselves, such as a registry that does not answer or a node that an autoscaler may add, are waited for.
  - Without O(refresh_certificates) and O(retry_stuck), it only reads and sends dry runs.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
    details:
      - Also waits in check mode, but neither annotates nor deletes a pod.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  timeout:
    description: Maximum number of seconds to wait; V(0) checks once.
    type: int
    default: 300
  refresh_certificates:
    description:
      - Annotate pods that wait for the kubelet to mount their new certificate, so that it does so immediately and not
        at its next sync of the pod, a minute or more later. Also annotate ready pods that serve another certificate
        than their Secret holds if the API server does not trust it.
      - Sets one annotation through the C(pods/status) subresource. If the permission to patch it is missing, the module
        warns and waits for the kubelet.
    type: bool
    default: false
  progress:
    description:
      - Print a line when the state of the wait changes, and every 5 seconds otherwise. With a local connection the
        lines are printed immediately, otherwise at the end of the wait.
    type: bool
    default: true
  retry_stuck:
    description:
      - Immediately retry pods that an earlier run left in back-off, which may last five minutes or more. Pods of the
        controllers in C(ImagePullBackOff) or C(CrashLoopBackOff) are deleted, so that they are replaced; a Deployment
        whose pods were rejected gets an annotation through the C(deployments/status) subresource.
      - Done once, at the beginning of the wait. If the permission is missing, the module warns and waits.
    type: bool
    default: false
  prove_runtimes:
    description:
      - When the controllers are ready, send a dry-run TrainJob for each of O(runtimes), and fail if a runtime is
        missing or rejected. M(conductor.trainer.cluster_training_runtime_info) tests the same without a wait, and only
        reports the results.
    type: bool
    default: false
seealso:
  - module: conductor.trainer.cluster_training_runtime_info
  - module: conductor.trainer.trainer_operator
"""

EXAMPLES = r"""
- name: Wait after an install
  conductor.trainer.wait_for_controllers:
    kubeconfig: ~/.kube/config
    context: production
    refresh_certificates: true
    retry_stuck: true
    prove_runtimes: true

- name: Check once whether the controllers are ready
  conductor.trainer.wait_for_controllers:
    kubeconfig: ~/.kube/config
    context: production
    timeout: 0
"""

RETURN = r"""
controllers:
  description: The controllers.
  returned: success, or failure of a runtime
  type: list
  elements: dict
  contains:
    name:
      description: Name of the Deployment.
      type: str
    namespace:
      description: Namespace of the Deployment.
      type: str
    ready:
      description: Number of ready replicas, a slash and the number of desired replicas.
      type: str
    status:
      description: Phase of the newest pod.
      type: str
    image:
      description: Image of the controller.
      type: str
    certificate_secrets:
      description: Secrets that hold its webhook certificate.
      type: list
      elements: str
  sample:
    - name: jobset-controller-manager
      namespace: kubeflow-system
      ready: 1/1
      status: Running
      image: registry.k8s.io/jobset/jobset:v0.12.0
      certificate_secrets: [jobset-webhook-server-cert]
jobset_problems:
  description: Why Trainer cannot use the external JobSet.
  returned: failure, if an external JobSet cannot be used
  type: list
  elements: str
checks:
  description: The checks and their results; on failure only those that are not ready.
  returned: success, or failure of the wait
  type: list
  elements: dict
  contains:
    subject:
      description: The object.
      type: str
    rule:
      description: The rule that it must meet.
      type: str
    state:
      description: V(ready), V(progressing), V(failed) or V(unknown).
      type: str
    evidence:
      description: What was found.
      type: str
    since:
      description: When this state began according to the server, in UTC; empty if the server does not report it.
      type: str
proof:
  description: How the webhooks were tested.
  returned: success
  type: dict
  contains:
    api_servers:
      description:
        - Number of API servers that the cluster shows, each of which connects to webhooks independently; V(2) is
          assumed if it cannot be read. A load balancer in front of them may show only one address.
      type: int
      sample: 3
    rounds:
      description: Number of rounds of new connections in which all webhooks passed.
      type: int
      sample: 35
diagnosis:
  description: Details of each controller that is not ready. Text that looks like a secret is masked.
  returned: failure of the wait
  type: list
  elements: dict
  contains:
    object:
      description: The Deployment.
      type: str
      sample: Deployment kubeflow-system/jobset-controller-manager
    rule:
      description: The rule that it does not meet.
      type: str
      sample: rollout
    seconds:
      description: For how many seconds it did not meet the rule.
      type: float
      sample: 13.5
    pod:
      description: Its newest pod; empty if there is none.
      type: str
    container:
      description: The container that is not ready, and its state as reported by the kubelet.
      type: str
      sample: "manager: CrashLoopBackOff"
    exit_code:
      description: Last exit code of the container; null if it has not terminated.
      type: int
      sample: 1
    restarts:
      description: Number of container restarts.
      type: int
      sample: 3
    replica_set:
      description: If there is no pod, the state of the ReplicaSet that should have created it; otherwise empty.
      type: str
      sample: "ReplicaSet jobset-controller-manager-5489fc9c66: 0 of 1 pods exist, 0 available; FailedCreate: ..."
    log:
      description: The last lines of its log, at most 10; of the previous run if the container is waiting for a restart.
      type: list
      elements: str
    events:
      description: >-
        The newest warning events of the Deployment, its newest ReplicaSet and its newest pod, at most 5, oldest first.
        Events of earlier objects of the same name are left out.
      type: list
      elements: str
    cause:
      description: The likely cause; docs/causes.md lists them. Empty if unknown.
      type: str
      sample: its configuration has the field noSuchKey, which this release does not support
    next_step:
      description: What to do next.
      type: str
    command:
      description: A command that shows the failure, in the log of the container, the pod or the ReplicaSet.
      type: str
      sample: kubectl -n kubeflow-system logs jobset-controller-manager-5489fc9c66-jf9zw --previous
    unreadable:
      description: What could not be read, and why.
      type: list
      elements: str
certificates:
  description: The certificates behind the webhook configurations; empty if no other check was ready yet.
  returned: success, or failure of the wait
  type: list
  elements: dict
  contains:
    configuration:
      description: The webhook configuration.
      type: str
    secret:
      description: The Secret from which the pods serve the certificate.
      type: str
    service:
      description: The Service that the webhooks call.
      type: str
    not_after:
      description: When the first certificate of the chain expires, in UTC; empty if unknown.
      type: str
    days_left:
      description: Whole days until then; negative after it expired, null if unknown.
      type: int
    problem:
      description: What is wrong with it, and what to do next; empty if no problem is known.
      type: str
    not_checked:
      description: What could not be checked, and why; empty if everything was checked.
      type: str
  sample:
    - configuration: validator.trainer.kubeflow.org
      secret: kubeflow-trainer-webhook-cert
      service: kubeflow-trainer-controller-manager
      not_after: "2027-11-27T09:00:00Z"
      days_left: 364
      problem: ""
      not_checked: ""
runtimes:
  description: All ClusterTrainingRuntimes of the cluster.
  returned: with O(prove_runtimes), on success, or failure of a runtime
  type: list
  elements: dict
  contains:
    name:
      description: Name of the runtime.
      type: str
    framework:
      description: Its label C(trainer.kubeflow.org/framework); may be empty.
      type: str
    expected:
      description: Whether O(runtimes) selects it.
      type: bool
    proven:
      description: Whether a dry-run TrainJob that uses it was accepted; null if none was sent.
      type: bool
    message:
      description: Error with which the TrainJob was rejected.
      type: str
  sample:
    - {name: torch-distributed, framework: torch, expected: true, proven: true, message: ""}
touched:
  description: Pods that were annotated.
  returned: success
  type: list
  elements: str
retried:
  description: Pods that were deleted and Deployments that were annotated for a retry.
  returned: success
  type: list
  elements: str
timeline:
  description: What was waited for, with the time at which each state began.
  returned: success, or failure of the wait
  type: list
  elements: dict
  contains:
    seconds:
      description: Seconds since the wait began.
      type: float
    waiting_for:
      description: What was not ready then, and why; empty at the end.
      type: list
      elements: str
progress:
  description:
    - The last 20 progress lines. Empty if everything was ready at once, or with O(progress=false).
  returned: success, or failure of the wait
  type: list
  elements: str
  sample: ["1 s  webhooks have no certificate yet", "7 s  all components ready"]
elapsed:
  description: Duration in seconds.
  returned: success, or failure of the wait
  type: float
  sample: 6.8
status:
  description: HTTP status with which the API server rejected a request.
  returned: failure, if the API server rejected a request
  type: int
  sample: 403
reason:
  description: Reason given by the API server; may be empty.
  returned: failure, if the API server rejected a request
  type: str
  sample: Forbidden
"""

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.identity import require_pinned
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.module_runner import run_module
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from ansible_collections.conductor.trainer.plugins.module_utils.wait.external_jobset import jobset_to_wait_for


def wait(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Wait for the controllers. Annotating or replacing a pod is part of the wait, not a change of the operator."""
    cluster = cluster.within(call.params["timeout"])
    require_pinned(cluster, call.params["cluster_uid"])
    refresh, retry = (call.params[name] and not call.check_mode for name in ("refresh_certificates", "retry_stuck"))
    bundle, external_jobset = jobset_to_wait_for(cluster, bundle, call.params["jobset"])
    say = call.say if call.params["progress"] else None
    prove = call.params["prove_runtimes"]
    waiter = ControllersWait(
        cluster, bundle, external_jobset=external_jobset, refresh=refresh, retry=retry, prove_runtimes=prove, say=say
    )
    result = waiter.run(call.params["timeout"])
    for warning in result.pop("warnings"):
        call.warn(warning)
    return {"changed": False, **result}


OPERATION = ModuleOperation(
    {
        "timeout": {"type": "int", "default": 300},
        "refresh_certificates": {"type": "bool", "default": False},
        "progress": {"type": "bool", "default": True},
        "retry_stuck": {"type": "bool", "default": False},
        "prove_runtimes": {"type": "bool", "default": False},
    },
    wait,
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
