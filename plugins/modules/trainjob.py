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
    returns what became of its pods, with the last lines of those that failed.
  - A TrainJob that failed is a failure of the task, which says why, with the exit codes and the last lines of its pods.
  - It follows by watching, and does not ask again and again. The log of a pod that fails is read at once, because the
    pod may be gone a moment later.
  - A TrainJob of the same name and content is followed and not submitted again, also when it has ended; see
    O(recreate). What the server fills in, O(definition) need not hold. That somebody, or a queue such as Kueue, has
    suspended or resumed it is no difference.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
    details:
      - What would be submitted is asked for by a dry run, as far as the server can be asked before its namespace or
        runtime is there. What is there already is followed in check mode, too.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - But where O(delete_after) takes the TrainJob away, or C(metadata.generateName) asks for a new one each time.
options:
  state:
    description:
      - With V(present) the TrainJob is there, and has ended well unless O(wait=false).
      - With V(absent) it is gone, with its pods and everything else it owned.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the TrainJob, where O(definition) or O(src) leaves it out.
      - Without O(definition) and O(src), the TrainJob to follow or to delete, whoever submitted it.
    type: str
  namespace:
    description: Its namespace, where O(definition) or O(src) leaves it out.
    type: str
  definition:
    description:
      - The TrainJob, as a dictionary, as a list of objects, or as YAML or JSON text.
      - Beside the one TrainJob there may be its Namespace, ConfigMaps and TrainingRuntimes. They are made first, by
        server-side apply. What is made for this TrainJob gets the label C(conductor.trainer/made-for), and goes with it
        by O(delete_after) or O(state=absent); a namespace only when it holds nothing else. What was there before stays.
    type: raw
  src:
    description:
      - A file with what O(definition) may hold, as YAML or JSON, in one document or several.
      - It is found on the control node, where C(files/) beside the playbook is searched too, decrypted with Ansible
        Vault where needed, and brought to the machine the task runs on. Any other path is meant there.
    type: path
  wait:
    description: Follow it to its end. With V(false) it is submitted and looked at once.
    type: bool
    default: true
  timeout:
    description:
      - Seconds until it has to have ended, from when it is submitted. A TrainJob that is suspended counts as well.
      - When they are over the task fails, and the TrainJob goes on unless O(delete_after=always).
    type: int
    default: 600
  log_lines:
    description: How many of its last lines are kept of each pod; V(0) reads no logs.
    type: int
    default: 10
  logs:
    description:
      - Whether the logs of pods that failed are read, or also those of the others, when the TrainJob has ended or the
        O(timeout) is over.
    type: str
    choices: [failed, all]
    default: failed
  progress:
    description:
      - Say how far it is when that changes, and each minute otherwise, and what is still there while it is deleted.
        With a local connection the lines come at once, otherwise when it has ended.
    type: bool
    default: true
  recreate:
    description:
      - Where a TrainJob of this name is there that is another one, or that failed, delete it with its pods and submit
        this one. Nearly nothing of a TrainJob can be changed.
      - Without it one that is another is an error that names the fields, and one that failed is a failure.
    type: bool
    default: false
  delete_after:
    description:
      - Whether the TrainJob is deleted when it has ended, or in any case when the task ends.
      - The task waits until it is gone, with everything it owned.
    type: str
    choices: [never, on_success, always]
    default: never
notes:
  - It takes the rights to C(get) and C(create) C(trainjobs), to C(list) and C(watch) C(trainjobs), C(jobsets) and
    C(pods), and to C(get) C(pods/log) in the namespace; to C(delete) C(trainjobs) where it deletes; and to C(get),
    C(create), C(patch) and C(delete) what else is in O(definition). Without the right to logs it says so in their
    place.
  - With the right to C(list) C(jobs) and C(events) there it also says why a Job failed, and who refuses its pods. What
    only time can change, as a ResourceQuota that others use up, is waited for; what it cannot ends the task.
seealso:
  - module: conductor.trainer.cluster_training_runtime_info
"""

EXAMPLES = r"""
- name: Train, and fail when it fails
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

- name: Run what is in a file, see what it said, and leave nothing behind
  conductor.trainer.trainjob:
    kubeconfig: ~/.kube/config
    context: production
    src: mnist.yml
    logs: all
    delete_after: always

- name: Follow one that somebody else submitted
  conductor.trainer.trainjob:
    kubeconfig: ~/.kube/config
    context: production
    name: mnist
    namespace: team
"""

RETURN = r"""
name:
  description: The TrainJob; the server's choice where C(metadata.generateName) was given.
  returned: success
  type: str
  sample: mnist
namespace:
  description: Its namespace.
  returned: success
  type: str
  sample: team
phase:
  description:
    - V(complete), V(failed), V(running), V(created) or V(suspended).
    - In check mode V(predicted) for one that would be submitted. With O(state=absent) V(absent).
  returned: success, or failure of the TrainJob
  type: str
  sample: complete
cause:
  description: What its deciding condition says, or what it waits for; may be empty.
  returned: success, or failure of the TrainJob
  type: str
  sample: "AllJobsCompleted: jobset completed successfully"
conditions:
  description: Its conditions.
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description: Its type.
      type: str
    status:
      description: V(True), V(False) or V(Unknown).
      type: str
    reason:
      description: One word of the controller.
      type: str
    message:
      description: Its words.
      type: str
failed_jobs:
  description: The Jobs of its JobSet that failed, and why, where Jobs may be listed.
  returned: failure of the TrainJob
  type: list
  elements: str
  sample: ["Job mnist-node-0: BackoffLimitExceeded: Job has reached the specified backoff limit"]
pods:
  description: The pods there were while it was followed, 40 at most; first the one that failed first.
  returned: success, or failure of the TrainJob
  type: list
  elements: dict
  contains:
    name:
      description: The pod.
      type: str
    phase:
      description: V(Pending), V(Running), V(Succeeded), V(Failed) or V(Unknown).
      type: str
    node:
      description: Its node; empty until it has one.
      type: str
    exit_code:
      description: That of the first container that failed, V(0) when all ended well, null while they run.
      type: int
    restarts:
      description: How often a container was started again.
      type: int
    message:
      description: Why it does not run, in the words of the scheduler or the kubelet.
      type: str
  sample:
    - {name: mnist-node-0-0-x8k2p, phase: Succeeded, node: node-a, exit_code: 0, restarts: 0, message: ""}
logs:
  description: Pod to its last lines; all of them together about 8000 characters at most.
  returned: success, or failure of the TrainJob
  type: dict
  sample: {}
timeline:
  description: From which second on it was in which phase.
  returned: success, or failure of the TrainJob
  type: list
  elements: dict
  contains:
    seconds:
      description: Seconds since it was submitted, or since it was looked at first.
      type: float
    phase:
      description: See RV(phase).
      type: str
deleted:
  description: What was deleted.
  returned: success, or failure of the TrainJob
  type: list
  elements: str
retained:
  description: Namespaces that were made for this TrainJob and stay, and why.
  returned: success, or failure of the TrainJob
  type: list
  elements: str
progress:
  description:
    - What was said meanwhile, a line each; the last 20 until it had ended, and those of its deletion. Empty with
      O(progress=false).
  returned: success, or failure of the TrainJob
  type: list
  elements: str
  sample: ["0 s  created: Trainer has not created its JobSet yet", "2 s  running: pods: 2 Running", "9 s  complete"]
elapsed:
  description: Seconds it took.
  returned: success, or failure of the TrainJob
  type: float
  sample: 5.4
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
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import asked_for
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.run import TrainJobRun, Wishes


def run(call: Call, cluster: Cluster, _bundle: Bundle) -> dict[str, Any]:
    """Runs it, or takes it away."""
    params = call.params
    key, submission = asked_for(params["definition"], params["src"], params["name"], params["namespace"])
    require_pinned(cluster, params["cluster_uid"])
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


VERB = ModuleOperation(
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
    """Entry point."""
    run_module(VERB)


if __name__ == "__main__":
    main()
