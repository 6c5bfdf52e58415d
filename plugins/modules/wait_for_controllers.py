#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for_controllers
short_description: Wait until the Trainer and JobSet controllers really serve
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Blocks until every CRD is established, both Deployments are rolled out, every webhook has its C(caBundle), both
    webhook Services have ready endpoints, the certificate of each is for it, signed by what the C(caBundle) trusts and
    valid now, and every webhook has proven by dry runs that it refuses what is bad and lets pass or completes what is
    good.
  - Reads the certificates in the Secrets, and drops the private keys that come with them at once. Where it may not, or
    the Python library C(cryptography) is missing, it says so in RV(certificates), and the dry runs have to do. Warns of
    a certificate in its last 30 days, of a short life in its last quarter.
  - A JobSet that is somebody else's (see O(jobset)) has to serve as well, wherever it is. It is only read and asked by
    dry runs.
  - Each API server of a cluster learns of webhooks, and reaches them, by itself. So the webhooks are asked over as many
    new connections as it takes to reach every API server that the cluster shows; and before it ends everything is
    listed anew, in case something was lost meanwhile.
  - Nothing short of that is called ready. On a timeout it says which of these is missing, since when, and why.
  - Ends before the timeout, with cause and remedy, where the cluster says that a controller cannot start. What may
    still come right by itself, such as a registry that does not answer or a node that an autoscaler may add, is waited
    for.
  - Without O(refresh_certificates) and O(retry_stuck) it only reads and sends dry runs.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
    details:
      - Waits in check mode as well, and neither touches nor deletes a pod.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  timeout:
    description: Seconds to wait at most; V(0) looks once.
    type: int
    default: 300
  refresh_certificates:
    description:
      - Touch the pods that wait for the kubelet to mount their new certificate, so that it does so at once and not at
        its next sync of the pod, a minute or more later. So are pods that are ready and show the API server another
        certificate than their Secret holds, such that it does not trust them.
      - Sets one annotation through the C(pods/status) subresource. Without the right to patch that it warns, and waits
        for the kubelet.
    type: bool
    default: false
  progress:
    description:
      - Say what is waited for when that changes, and each 5 seconds otherwise. With a local connection the lines come
        at once, otherwise when the wait has ended.
    type: bool
    default: true
  retry_stuck:
    description:
      - Let be tried again at once what an earlier run left in a back-off, which may last five minutes and more. Pods of
        the controllers in C(ImagePullBackOff) or C(CrashLoopBackOff) are deleted, and so replaced; a Deployment whose
        pods were refused gets an annotation through the C(deployments/status) subresource.
      - Happens once, when the wait begins. Without the right to it, it warns, and waits as long as it takes.
    type: bool
    default: false
  prove_runtimes:
    description:
      - When all of it serves, send a dry-run TrainJob to each of O(runtimes), and fail where one is missing or refused.
        M(conductor.trainer.cluster_training_runtime_info) asks the same without waiting, and leaves the verdict to the
        caller.
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

- name: Is it ready now?
  conductor.trainer.wait_for_controllers:
    kubeconfig: ~/.kube/config
    context: production
    timeout: 0
"""

RETURN = r"""
controllers:
  description: The controllers as they run.
  returned: success, or failure of a runtime
  type: list
  elements: dict
  contains:
    name:
      description: The Deployment.
      type: str
    namespace:
      description: Its namespace.
      type: str
    ready:
      description: Ready replicas of wanted ones.
      type: str
    status:
      description: The phase of the newest pod.
      type: str
    image:
      description: The image it runs.
      type: str
    certificate_secrets:
      description: The Secrets its webhook certificate is in.
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
  description: Why the JobSet that is there cannot serve Trainer, however long one waits.
  returned: failure, when somebody else's JobSet will not do
  type: list
  elements: str
checks:
  description: What was checked and what was found; on failure only what is not ready.
  returned: success, or failure of the wait
  type: list
  elements: dict
  contains:
    subject:
      description: The object.
      type: str
    rule:
      description: The rule it has to meet.
      type: str
    state:
      description: V(ready), V(progressing), V(failed) or V(unknown).
      type: str
    evidence:
      description: What was found.
      type: str
    since:
      description: Since when the server has it so, in UTC; empty where it does not say.
      type: str
proof:
  description: How the webhooks were proved.
  returned: success
  type: dict
  contains:
    api_servers:
      description:
        - How many API servers the cluster shows, each of which calls webhooks by itself; V(2) is assumed where that may
          not be read. Of a load balancer in front of them only its one address may be seen.
      type: int
      sample: 3
    rounds:
      description: Over how many rounds of new connections all webhooks answered as they should.
      type: int
      sample: 35
diagnosis:
  description: A closer look at each controller that is not ready. Nothing in it that looks like a secret is shown.
  returned: failure of the wait
  type: list
  elements: dict
  contains:
    object:
      description: The Deployment.
      type: str
      sample: Deployment kubeflow-system/jobset-controller-manager
    rule:
      description: The rule it does not meet.
      type: str
      sample: rollout
    seconds:
      description: For how long it was seen not to meet it.
      type: float
      sample: 13.5
    pod:
      description: Its newest pod; empty where there is none.
      type: str
    container:
      description: The container that holds it up, and its state in the words of the kubelet.
      type: str
      sample: "manager: CrashLoopBackOff"
    exit_code:
      description: With what the container ended last; none where it has not ended.
      type: int
      sample: 1
    restarts:
      description: How often it was started again.
      type: int
      sample: 3
    replica_set:
      description: Where there is no pod, what is known of the ReplicaSet that should have made it; empty otherwise.
      type: str
      sample: "ReplicaSet jobset-controller-manager-5489fc9c66: 0 of 1 pods are there, 0 available; FailedCreate: ..."
    log:
      description: The last lines of its log, 10 at most; of the run before, where it is between two.
      type: list
      elements: str
    events:
      description: The newest warnings about the Deployment, its ReplicaSets and pods, 5 at most, oldest first.
      type: list
      elements: str
    cause:
      description: The likely cause, one of those in docs/causes.md; empty where it is not known.
      type: str
      sample: its configuration has the field noSuchKey, which this release does not know
    next_step:
      description: What to do about it.
      type: str
    command:
      description: A command to look further.
      type: str
      sample: kubectl -n kubeflow-system logs jobset-controller-manager-5489fc9c66-jf9zw --previous
    unreadable:
      description: What could not be read, and why.
      type: list
      elements: str
certificates:
  description: The certificates behind the webhook configurations; empty where nothing else was ready yet.
  returned: success, or failure of the wait
  type: list
  elements: dict
  contains:
    configuration:
      description: The webhook configuration.
      type: str
    secret:
      description: The Secret its pods serve from.
      type: str
    service:
      description: The Service it calls.
      type: str
    not_after:
      description: When the first of the certificates ends that trust goes by, in UTC; empty where that is not known.
      type: str
    days_left:
      description: Whole days until then; below V(0) where it has passed, V(null) where it is not known.
      type: int
    problem:
      description: What is wrong with it and what to do; empty where nothing is known to be.
      type: str
    not_checked:
      description: What could not be looked at, and why; empty where everything was.
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
  description: Every ClusterTrainingRuntime of the cluster.
  returned: with O(prove_runtimes), on success, or failure of a runtime
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    framework:
      description: Its label C(trainer.kubeflow.org/framework); may be empty.
      type: str
    expected:
      description: Whether it is one of O(runtimes).
      type: bool
    proven:
      description: Whether a dry-run TrainJob with it was accepted; null where none was sent.
      type: bool
    message:
      description: The words it was refused with.
      type: str
  sample:
    - {name: torch-distributed, framework: torch, expected: true, proven: true, message: ""}
touched:
  description: The pods that were touched.
  returned: success
  type: list
  elements: str
retried:
  description: The pods that were deleted, and the Deployments that were annotated, so that they are tried again.
  returned: success
  type: list
  elements: str
timeline:
  description: What was waited for, and from which second on.
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
    - What was said meanwhile, a line each; the last 20. Empty where it was ready at once, or with O(progress=false).
  returned: success, or failure of the wait
  type: list
  elements: str
  sample: ["1 s  webhooks have no certificate yet", "7 s  all of it serves"]
elapsed:
  description: Seconds it took.
  returned: success, or failure of the wait
  type: float
  sample: 6.8
status:
  description: The HTTP status the API server refused with.
  returned: failure, when the API server refused a request
  type: int
  sample: 403
reason:
  description: The server's own word for it; may be empty.
  returned: failure, when the API server refused a request
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
    """Waits; touching or replacing a pod is part of waiting and no change of the operator."""
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


VERB = ModuleOperation(
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
    """Entry point."""
    run_module(VERB)


if __name__ == "__main__":
    main()
