#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_training_runtime_info
short_description: List ClusterTrainingRuntimes and test whether they can be used
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Lists the ClusterTrainingRuntimes of a cluster and reports which of the expected ones are missing.
  - Sends a dry-run TrainJob for each expected runtime. The admission webhook of Trainer accepts it only if the runtime
    can be used.
  - Fails only if the runtimes cannot be read. The caller decides what to do about missing or unproven runtimes.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  prove:
    description: Whether to send the dry-run TrainJobs.
    type: bool
    default: true
seealso:
  - module: conductor.trainer.wait_for_controllers
"""

EXAMPLES = r"""
- name: List the runtimes
  conductor.trainer.cluster_training_runtime_info:
    kubeconfig: ~/.kube/config
    context: production
    runtimes: [torch-distributed, jax-distributed]
  register: info

- name: Fail if a runtime is missing
  ansible.builtin.assert:
    that: info.missing == []
"""

RETURN = r"""
runtimes:
  description: All ClusterTrainingRuntimes of the cluster.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the runtime.
      type: str
    framework:
      description: Its label C(trainer.kubeflow.org/framework), by which the Kubeflow SDK finds it; may be empty.
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
missing:
  description: Expected runtimes that do not exist.
  returned: success
  type: list
  elements: str
unproven:
  description: Expected runtimes whose dry-run TrainJob was rejected.
  returned: success
  type: list
  elements: str
elapsed:
  description: Duration in seconds.
  returned: success
  type: float
  sample: 0.2
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
from ansible_collections.conductor.trainer.plugins.module_utils.probes.runtimes import runtime_info
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle


def info(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """List the runtimes, and test them if requested."""
    require_pinned(cluster, call.params["cluster_uid"])
    return {"changed": False, **runtime_info(cluster, bundle, prove=call.params["prove"])}


OPERATION = ModuleOperation({"prove": {"type": "bool", "default": True}}, info)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
