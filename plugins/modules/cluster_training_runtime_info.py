#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_training_runtime_info
short_description: List ClusterTrainingRuntimes and prove that they can be used
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Lists the ClusterTrainingRuntimes of a cluster and says which of an expected set are missing.
  - Sends a dry-run TrainJob for each expected runtime; the admission webhook of Trainer accepts it only when the
    runtime can be used.
  - Fails only when it cannot tell. Missing or unproven runtimes are for the caller to judge.
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
    description: Send the dry-run TrainJobs.
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

- name: Stop when one is missing
  ansible.builtin.assert:
    that: info.missing == []
"""

RETURN = r"""
runtimes:
  description: Every ClusterTrainingRuntime of the cluster.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    framework:
      description: Its label C(trainer.kubeflow.org/framework), by which the Kubeflow SDK finds it; may be empty.
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
missing:
  description: Expected runtimes that are not there.
  returned: success
  type: list
  elements: str
unproven:
  description: Expected runtimes whose dry-run TrainJob was refused.
  returned: success
  type: list
  elements: str
elapsed:
  description: Seconds it took.
  returned: success
  type: float
  sample: 0.2
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
from ansible_collections.conductor.trainer.plugins.module_utils.probes.runtimes import runtime_info
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle


def info(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Reads."""
    require_pinned(cluster, call.params["cluster_uid"])
    return {"changed": False, **runtime_info(cluster, bundle, prove=call.params["prove"])}


OPERATION = ModuleOperation({"prove": {"type": "bool", "default": True}}, info)


def main() -> None:
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
