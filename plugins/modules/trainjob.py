#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: trainjob
short_description: Run a TrainJob and follow it to its end
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Submits a TrainJob, follows it through V(suspended), V(created) and V(running) to V(complete) or V(failed), and
    returns the state of its pods, with the last log lines of those that failed.
  - The task fails if the TrainJob fails. The error contains the cause, the exit codes and the last log lines of the
    pods.
  - Watches the objects and does not poll. Reads the log of a failed pod immediately, because the pod may be deleted
    soon after.
  - An existing TrainJob with the same name and content is followed instead of submitted again, also if it has ended;
    see O(recreate). O(definition) does not need the fields that the server fills in. A TrainJob that a user or a queue
    such as Kueue suspended or resumed counts as the same.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
    details:
      - Sends a dry run of what would be submitted, unless its namespace or runtime does not exist yet. An existing
        TrainJob is followed in check mode, too.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Except if O(delete_after) deletes the TrainJob, or C(metadata.generateName) creates a new one with each run.
options:
  state:
    description:
      - With V(present), the TrainJob exists, and has completed unless O(wait=false).
      - With V(absent), the TrainJob is deleted, with its pods and everything else that it owned.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the TrainJob if O(definition) or O(src) does not contain it.
      - Without O(definition) and O(src), the TrainJob to follow or to delete, whoever submitted it.
    type: str
  namespace:
    description: Namespace of the TrainJob if O(definition) or O(src) does not contain it.
    type: str
  definition:
    description:
      - The TrainJob, as a dictionary, as a list of objects, or as YAML or JSON text.
      - In addition to the TrainJob, it may contain its Namespace, ConfigMaps and TrainingRuntimes. They are applied
        first by server-side apply. Objects that are created for this TrainJob get the label
        C(conductor.trainer/made-for), and are deleted with it by O(delete_after) or O(state=absent), a namespace only
        if it contains nothing else. Objects that existed before are retained.
    type: raw
  src:
    description:
      - Path of a file with the content of O(definition), as YAML or JSON with one or more documents.
      - It is searched on the control node, including C(files/) beside the playbook, decrypted with Ansible Vault if
        needed, and copied to the machine on which the task runs. If it is not found, the path refers to that machine.
    type: path
  wait:
    description: Follow the TrainJob to its end. With V(false), the task ends after it has been submitted.
    type: bool
    default: true
  timeout:
    description:
      - Maximum number of seconds from the submission to the end of the TrainJob. Time in which it is suspended counts.
      - After that the task fails. The TrainJob continues unless O(delete_after=always).
    type: int
    default: 600
  log_lines:
    description: Number of last log lines to return for each pod; V(0) reads no logs.
    type: int
    default: 10
  logs:
    description:
      - Whether to read only the logs of failed pods, or the logs of all pods when the TrainJob has ended or the
        O(timeout) has expired.
    type: str
    choices: [failed, all]
    default: failed
  progress:
    description:
      - Print a line when the state changes, and every minute otherwise, also during the deletion. With a local
        connection the lines are printed immediately, otherwise at the end of the task.
    type: bool
    default: true
  recreate:
    description:
      - If a TrainJob with this name exists that differs or has failed, delete it with its pods and submit this one.
        Most fields of a TrainJob are immutable.
      - Without it, a TrainJob that differs is an error that names the fields, and a failed one is a failure.
    type: bool
    default: false
  delete_after:
    description:
      - Whether to delete the TrainJob if it completed, or in any case at the end of the task.
      - The task waits until it is deleted, with everything that it owned.
    type: str
    choices: [never, on_success, always]
    default: never
notes:
  - Requires the permissions to C(get) and C(create) C(trainjobs), to C(list) and C(watch) C(trainjobs), C(jobsets) and
    C(pods), and to C(get) C(pods/log) in the namespace; to C(delete) C(trainjobs) if it deletes; and to C(get),
    C(create), C(patch) and C(delete) the other objects in O(definition). If the permission to read logs is missing, the
    result contains a message in place of the lines.
  - Fails before it submits a TrainJob if permissions to follow it are missing, if a JobSet of its name exists that it
    would not own, or, with the permission to C(list) C(limitranges) and C(resourcequotas), if these reject its pods.
  - With the permission to C(list) C(jobs) and C(events) in the namespace, it also reports why a Job failed and what
    rejects its pods. It waits for conditions that time can change, such as a ResourceQuota that other pods use up;
    other conditions end the task.
seealso:
  - module: conductor.trainer.cluster_training_runtime_info
"""

EXAMPLES = r"""
- name: Run a TrainJob, and fail if it fails
  conductor.trainer.trainjob:
    kubeconfig: ~/.kube/config
    context: production
    namespace: team
    timeout: 7200
    definition:
      apiVersion: trainer.kubeflow.org/v1alpha1
      kind: TrainJob
      metadata:
        name: mnist
      spec:
        runtimeRef:
          name: torch-distributed
        trainer:
          image: registry.example.com/team/mnist:3
          command: [torchrun, train.py]
          numNodes: 2

- name: Run the TrainJob in a file, return its logs, and delete it
  conductor.trainer.trainjob:
    kubeconfig: ~/.kube/config
    context: production
    src: mnist.yml
    logs: all
    delete_after: always

- name: Follow an existing TrainJob
  conductor.trainer.trainjob:
    kubeconfig: ~/.kube/config
    context: production
    name: mnist
    namespace: team
"""

RETURN = r"""
name:
  description: Name of the TrainJob; chosen by the server with C(metadata.generateName).
  returned: success
  type: str
  sample: mnist
namespace:
  description: Namespace of the TrainJob.
  returned: success
  type: str
  sample: team
phase:
  description:
    - V(complete), V(failed), V(running), V(created) or V(suspended).
    - In check mode V(predicted) if it would be submitted. With O(state=absent) V(absent).
  returned: success, or failure of the TrainJob
  type: str
  sample: complete
cause:
  description: Message of the condition that decides the phase, or what the TrainJob waits for; may be empty.
  returned: success, or failure of the TrainJob
  type: str
  sample: "AllJobsCompleted: jobset completed successfully"
conditions:
  description: Conditions of the TrainJob.
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description: Type of the condition.
      type: str
    status:
      description: V(True), V(False) or V(Unknown).
      type: str
    reason:
      description: Reason given by the controller.
      type: str
    message:
      description: Message of the controller.
      type: str
refusals:
  description: Limits of LimitRanges and ResourceQuotas that would reject its pods; nothing was submitted.
  returned: failure, if policies of the namespace would reject its pods
  type: list
  elements: str
  sample: ["LimitRange tight: container node of replicated job node has a cpu request of 500m, and the maximum is 100m"]
submitted:
  description: The TrainJob, which was submitted and continues.
  returned: failure, if permissions to follow it are missing after it was submitted
  type: str
  sample: TrainJob team/mnist
failed_jobs:
  description: Failed Jobs of its JobSet with the cause, if Jobs can be listed.
  returned: failure of the TrainJob
  type: list
  elements: str
  sample: ["Job mnist-node-0: BackoffLimitExceeded: Job has reached the specified backoff limit"]
pods:
  description: Pods that existed while the TrainJob was followed, at most 40, starting with the one that failed first.
  returned: success, or failure of the TrainJob
  type: list
  elements: dict
  contains:
    name:
      description: Name of the pod.
      type: str
    phase:
      description: V(Pending), V(Running), V(Succeeded), V(Failed) or V(Unknown).
      type: str
    node:
      description: Node of the pod; empty until it is scheduled.
      type: str
    exit_code:
      description: Exit code of the first failed container, V(0) if all containers succeeded, null while they run.
      type: int
    restarts:
      description: Number of container restarts.
      type: int
    message:
      description: >-
        Why it does not run or was ended, as reported by the scheduler or the kubelet, e.g. that its node evicted it.
        Names the container if there are several.
      type: str
  sample:
    - {name: mnist-node-0-0-x8k2p, phase: Succeeded, node: node-a, exit_code: 0, restarts: 0, message: ""}
logs:
  description:
    - Last log lines by pod, about 8000 characters in total. They are yours and shown as they are, except that control
      characters are escaped and the credentials of the task are hidden.
    - In all other values, and in the message of a failure, text that looks like a secret is hidden.
  returned: success, or failure of the TrainJob
  type: dict
  sample: {}
timeline:
  description: Phases of the TrainJob, with the time at which each began.
  returned: success, or failure of the TrainJob
  type: list
  elements: dict
  contains:
    seconds:
      description: Seconds since it was submitted or first read.
      type: float
    phase:
      description: See RV(phase).
      type: str
deleted:
  description: Objects that were deleted.
  returned: success, or failure of the TrainJob
  type: list
  elements: str
retained:
  description: Namespaces that were created for this TrainJob and retained, with the reason.
  returned: success, or failure of the TrainJob
  type: list
  elements: str
progress:
  description:
    - The last 20 progress lines until the TrainJob ended, and those of its deletion. Empty with O(progress=false).
  returned: success, or failure of the TrainJob
  type: list
  elements: str
  sample: ["0 s  created: Trainer has not created its JobSet yet", "2 s  running: pods: 2 Running", "9 s  complete"]
elapsed:
  description: Duration in seconds.
  returned: success
  type: float
  sample: 5.4
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
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import asked_for
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.run import TrainJobRun, Wishes


def run(call: Call, cluster: Cluster, _bundle: Bundle) -> dict[str, Any]:
    """Run the TrainJob, or delete it."""
    params = call.params
    key, submission = asked_for(params["definition"], params["src"], params["name"], params["namespace"])
    require_pinned(cluster.within(params["timeout"]), params["cluster_uid"])
    wishes = Wishes(
        wait=params["wait"],
        timeout=params["timeout"],
        log_lines=params["log_lines"],
        all_logs=params["logs"] == "all",
        recreate=params["recreate"],
        delete_after=params["delete_after"],
        check_mode=call.check_mode,
    )
    work = TrainJobRun(cluster, wishes, say=call.say if params["progress"] else None)
    return work.absent(key, submission) if params["state"] == "absent" else work.present(key, submission)


OPERATION = ModuleOperation(
    {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "definition": {"type": "raw"},
        "src": {"type": "path"},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 600},
        "log_lines": {"type": "int", "default": 10},
        "logs": {"type": "str", "choices": ["failed", "all"], "default": "failed"},
        "progress": {"type": "bool", "default": True},
        "recreate": {"type": "bool", "default": False},
        "delete_after": {"type": "str", "choices": ["never", "on_success", "always"], "default": "never"},
    },
    run,
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
