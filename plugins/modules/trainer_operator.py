#!/usr/bin/python
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: trainer_operator
short_description: Install or remove the Kubeflow Trainer operator
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Applies the objects of one Kubeflow Trainer release, JobSet included, to one cluster by server-side apply under the
    field manager C(conductor).
  - Where a healthy JobSet that is new enough serves already, Trainer is installed beside it, and it is left alone. See
    O(jobset).
  - Observes and plans first. What is already as it should be is not written; a second run sends no write at all.
  - Takes over what kubectl applied from the kustomization of this collection or, of the same release, from upstream's.
    The fields become those of C(conductor) alone, so that a later release can drop them. A field of the release that
    was edited stops it; what was added stays, see RV(preserved_fields).
  - Refuses to touch a Trainer or a JobSet that somebody else installed, and says what it found. See O(adopt).
  - Looks at the whole cluster before it writes anything, as M(conductor.trainer.trainer_operator_info) does, and names
    everything that stands against it at once. Where nothing is to be written it does not look.
  - Does not wait until the controllers serve. See M(conductor.trainer.wait_for_controllers).
  - With O(state=absent) takes away what Conductor created, by the install record or, where that is lost, by the apply
    entry of C(conductor) on objects of the release, each by its uid. Of what it did not create it deletes only the
    Leases of the controllers that it deletes. The CRDs, with them everybody's TrainJobs, and what people made stay,
    unless O(remove_crds) and O(remove_user_data) say otherwise.
  - Removes in an order that lets the controllers finish their part - what people made, runtimes, webhook
    configurations, controllers, everything else, CRDs, namespaces, and the install record last - and waits in between.
    A run that was cut off is completed by the next one. Says of what does not go which finalizer holds it.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.own_certificates
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
    details:
      - Sends nothing but reads, a question for rights and server-side dry runs, and fails where the run would fail.
      - The server cannot judge objects whose namespace or CRD the same run creates; RV(predicted) names those.
  diff_mode:
    support: full
    details:
      - Shows changed fields only. Values of Secrets are masked.
  idempotent:
    support: full
options:
  state:
    description: Whether the operator is to be there. With V(absent) only the options below that say so count.
    type: str
    choices: [present, absent]
    default: present
  phases:
    description:
      - The phases to write. The plan, and with it every reason to refuse, always covers all of them.
      - V(foundation) holds the namespaces and CRDs; V(access) the RBAC, configuration, empty Secrets and Services;
        V(controllers) the Deployments; V(admission) the webhook configurations; V(runtimes) the
        ClusterTrainingRuntimes.
    type: list
    elements: str
    choices: [foundation, access, controllers, admission, runtimes]
    default: [foundation, access, controllers, admission, runtimes]
  force_conflicts:
    description:
      - Take over fields of Conductor's own objects that another field manager owns, instead of stopping at the
        conflict. Objects that kubectl applied from the kustomization of this collection count as its own.
      - Never takes over objects that somebody else installed; O(adopt) does.
    type: bool
    default: false
  prune:
    description:
      - Delete what an earlier release had and this one has not, as far as the install record says that Conductor
        created it and it is still the same object. What stays, and why, is in RV(retained).
      - Runtimes that O(runtimes) leaves out, and JobSet where O(jobset) is external, belong to the release and stay.
    type: bool
    default: true
  prune_crds:
    description: With O(prune), delete such CRDs as well, where no object of their kind is left.
    type: bool
    default: false
  lease_timeout:
    description:
      - Seconds to wait for another run that writes to the same cluster to end. Runs are serialised by the Lease
        C(conductor-install) in the operator's namespace; nothing is taken where nothing is to be written.
      - A run that was killed lets go by itself, after 15 seconds at most.
    type: int
    default: 120
  remove_crds:
    description:
      - With O(state=absent), delete the CRDs as well, as far as Conductor created them. Refused where an object of
        their kinds would go with them.
    type: bool
    default: false
  remove_user_data:
    description:
      - With O(state=absent), delete all TrainJobs, TrainingRuntimes and custom ClusterTrainingRuntimes as well, and all
        JobSets where JobSet is Conductor's, finished or not.
    type: bool
    default: false
  abandon_jobs:
    description:
      - With O(state=absent), remove the controllers although there are TrainJobs or JobSets that are not finished. They
        stay, and nobody looks after them.
    type: bool
    default: false
  timeout:
    description:
      - With O(state=absent), how many seconds to wait, all told, until what is deleted is gone.
    type: int
    default: 300
  accept:
    description:
      - Codes of warnings that are known here and need not be told; docs/blockers.md lists them.
      - A code that there is not is refused, and so is that of a blocker.
    type: list
    elements: str
    default: []
  adopt:
    description:
      - Take over what one of these tools installed, as far as it has the names that the release has; without it that
        stops an install. V(other) is every owner that is none of the rest, an operator for instance.
      - Fields of the release become those of Conductor, whatever they hold; the marks by which the tool knows the
        objects are removed. The tool is not told. Unless it lets go, it brings its own back.
      - What upstream's own kustomization installed with kubectl needs no such word.
    type: list
    elements: str
    choices: [helm, argocd, flux, olm, juju, other]
    default: []
seealso:
  - module: conductor.trainer.trainer_operator_info
  - module: conductor.trainer.wait_for_controllers
  - module: conductor.trainer.cluster_training_runtime_info
"""

EXAMPLES = r"""
- name: Install Trainer, all phases
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production

- name: Install everything but the runtimes, and of those only one later
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    runtimes: [torch-distributed]
    phases: [foundation, access, controllers, admission]

- name: Install Trainer beside the JobSet that must be there
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    jobset: external

- name: Install Trainer with certificates of your own
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    certificates: external
    certificates_ca: "{{ lookup('ansible.builtin.file', 'ca.pem') }}"
    certificates_pem:
      trainer:
        certificate: "{{ lookup('ansible.builtin.file', 'trainer.pem') }}"
        key: "{{ vaulted_trainer_key }}"
      jobset:
        certificate: "{{ lookup('ansible.builtin.file', 'jobset.pem') }}"
        key: "{{ vaulted_jobset_key }}"

- name: Take over what Helm installed under the release's own names
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    adopt: [helm]

- name: Take everything away, and the CRDs if nothing of anybody's is left
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    state: absent
    remove_crds: true

- name: See what would change
  conductor.trainer.trainer_operator:
    host: https://api.example.com:6443
    api_key: "{{ vaulted_token }}"
    ca_cert: /etc/ssl/certs/example.pem
  check_mode: true
  diff: true
"""

RETURN = r"""
release:
  description: The Trainer release; with O(state=absent) the one on record, where there is a record.
  returned: success
  type: str
  sample: 2.3.0
components:
  description: The versions of what the release consists of; without C(jobset) where that is somebody else's.
  returned: success with O(state=present)
  type: dict
  sample: {jobset: 0.12.0, trainer: 2.3.0}
jobset:
  description: Whose JobSet Trainer uses, V(bundled) or V(external); what O(jobset=auto) comes to.
  returned: success with O(state=present)
  type: str
  sample: bundled
namespace:
  description: The operator's namespace.
  returned: success
  type: str
  sample: kubeflow-system
kubernetes:
  description: The version of the API server.
  returned: success
  type: str
  sample: 1.35.8
cluster_uid:
  description:
    - The uid of the namespace kube-system, and after a slash the beginning of the digest of the CA that the connection
      is verified with, where it names one.
    - To be copied into O(cluster_uid).
  returned: success, or failure when the cluster is not the pinned one
  type: str
  sample: 0f9c3c2e-6a52-4a2b-9d59-1f6f5f3f8f11/8d1f0a6c54b2e937
actions:
  description: The objects that were (in check mode, would be) changed, under what was done with them.
  returned: success, or failure when rights are missing
  type: dict
  sample:
    adopt: [Service kubeflow-system/jobset-webhook-service]
    create: [Namespace kubeflow-system]
    update: [Deployment kubeflow-system/jobset-controller-manager]
retained:
  description:
    - What an earlier release left and stays, with the reason.
    - With O(state=absent), what stays and why, the first few objects for each reason.
  returned: success
  type: list
  elements: str
  sample: ["CustomResourceDefinition old.trainer.kubeflow.org: CRDs go only with prune_crds: true"]
existed:
  description: Whether anything of Conductor's was there.
  returned: success with O(state=absent)
  type: bool
  sample: true
counts:
  description: How many objects of each kind were (in check mode, would be) deleted.
  returned: success with O(state=absent)
  type: dict
  sample: {Deployment: 2, Secret: 2}
finalizers_removed:
  description:
    - Runtimes whose finalizer C(trainer.kubeflow.org/resource-in-use) was (in check mode, would be) taken away, because
      no controller is there to do it and no TrainJob uses them.
  returned: success with O(state=absent)
  type: list
  elements: str
  sample: []
unchanged:
  description: How many objects were left as they are.
  returned: success with O(state=present)
  type: int
  sample: 45
predicted:
  description:
    - In check mode, the objects among RV(actions) that the server could not be asked about, because their namespace,
      their CRD or a webhook's controller is not there yet.
  returned: success with O(state=present)
  type: list
  elements: str
  sample: [Service kubeflow-system/jobset-webhook-service]
record_updated:
  description:
    - Whether the install record was (in check mode, would be) written. It says what Conductor installed, so that the
      next run can tell edits from its own work; alone it is a change, too.
  returned: success with O(state=present)
  type: bool
  sample: true
pending_phases:
  description:
    - Phases that hold something to write still, because they were not asked for, or because what they would prune may
      be used as long as a later phase that was not asked for is not written.
  returned: success with O(state=present)
  type: list
  elements: str
  sample: [runtimes]
preserved_fields:
  description:
    - Of objects that were (in check mode, would be) taken over, what others than the release set and still own; it
      stays as it is. Each is printed as a warning, too. At most 20, the last one saying how many more there are.
  returned: success with O(state=present)
  type: list
  elements: dict
  contains:
    object:
      description: The object.
      type: str
    owner:
      description: The field manager.
      type: str
    fields:
      description: The names of fields, a few of them and how many more.
      type: list
      elements: str
  sample:
    - object: Deployment kubeflow-system/kubeflow-trainer-controller-manager
      owner: kubectl-edit
      fields: [spec.template.spec.tolerations]
warnings_found:
  description:
    - What a person should know before something is written, without what O(accept) names; each is printed as a warning,
      too. Empty where nothing is to be written.
  returned: success with O(state=present)
  type: list
  elements: dict
  contains: &finding
    code:
      description: Its code; docs/blockers.md lists them.
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
notices:
  description: What is worth knowing afterwards, e.g. that another run was waited for. Each is printed as a warning.
  returned: success
  type: list
  elements: str
  sample: []
elapsed:
  description: Seconds it took.
  returned: success
  type: float
  sample: 1.2
blockers:
  description: Everything that stands against the install, like RV(warnings_found).
  returned: failure, when something stands against it
  type: list
  elements: dict
  contains: *finding
  sample:
    - code: jobset_external
      object: JobSet (webhook configuration jobset-validating points to service jobset-system/jobset-webhook-service)
      cause: JobSet 0.12.0 runs in namespace jobset-system (Helm release jobset); a second one over it would break it
      next_step: "install Trainer beside it (conductor_jobset: external), or remove it with the tool that installed it"
plan_blockers:
  description: What the plan for the objects says; with O(state=present) a part of RV(blockers).
  returned: failure, when the plan forbids writing
  type: list
  elements: str
conflicts:
  description: Fields that somebody else owns, with another value than the release has. Nothing was written.
  returned: failure, when somebody else owns fields
  type: list
  elements: dict
  contains:
    object:
      description: The object.
      type: str
    field:
      description: The path of the field.
      type: str
    owner:
      description: The field manager that owns it.
      type: str
    live:
      description: The value on the cluster, shortened; masked in a Secret.
      type: str
    wanted:
      description: The value of the release.
      type: str
missing_permissions:
  description: Every right that is missing.
  returned: failure, when rights are missing
  type: list
  elements: str
written:
  description: What had been written, with O(state=absent) deleted, when a request failed.
  returned: failure, when a write failed
  type: list
  elements: str
remaining:
  description: The first few objects that were deleted and are still there, and how many more.
  returned: failure, when something does not go
  type: list
  elements: str
  sample: [ClusterTrainingRuntime torch-distributed]
record_not_saved:
  description: Why, after a write failed, the install record of what had been written could not be kept either.
  returned: failure, when a write failed and the record as well
  type: str
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

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.provided import (
    pem_options,
    with_own_certificates,
)
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.findings.accepted import warning_line
from ansible_collections.conductor.trainer.plugins.module_utils.install.options import InstallOptions
from ansible_collections.conductor.trainer.plugins.module_utils.install.present import ensure_present
from ansible_collections.conductor.trainer.plugins.module_utils.install.preserved_fields import preserved_line
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.module_runner import run_module
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.installers import ADOPTABLE
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES, Bundle


def install(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Makes the operator be there."""
    result = ensure_present(
        cluster,
        with_own_certificates(bundle, call.params["certificates_pem"]),
        InstallOptions(
            profile=call.params["profile"],
            jobset=call.params["jobset"],
            phases=call.params["phases"],
            force=call.params["force_conflicts"],
            prune=call.params["prune"],
            prune_crds=call.params["prune_crds"],
            check=call.check_mode,
            with_diff=call.diff,
            cluster_uid=call.params["cluster_uid"],
            accept=call.params["accept"],
            adopt=call.params["adopt"],
            lease_timeout=call.params["lease_timeout"],
        ),
    )
    for remark in result["notices"]:
        call.warn(remark)
    for finding in result["warnings_found"]:
        call.warn(warning_line(finding))
    for edit in result["preserved_fields"]:
        call.warn(preserved_line(edit))
    return result


def remove(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Makes the operator be gone."""
    # Not at the top: an install, which runs far more often, need not import it.
    from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent

    result = ensure_absent(
        cluster,
        bundle,
        remove_crds=call.params["remove_crds"],
        remove_user_data=call.params["remove_user_data"],
        abandon_jobs=call.params["abandon_jobs"],
        check=call.check_mode,
        with_diff=call.diff,
        cluster_uid=call.params["cluster_uid"],
        timeout=call.params["timeout"],
        lease_timeout=call.params["lease_timeout"],
    )
    for remark in result["notices"]:
        call.warn(remark)
    return result


def install_or_remove(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Makes it be as the option state says."""
    operation = remove if call.params["state"] == "absent" else install
    return operation(call, cluster, bundle)


VERB = ModuleOperation(
    {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "phases": {"type": "list", "elements": "str", "choices": list(PHASES), "default": list(PHASES)},
        "force_conflicts": {"type": "bool", "default": False},
        "prune": {"type": "bool", "default": True},
        "prune_crds": {"type": "bool", "default": False},
        "lease_timeout": {"type": "int", "default": 120},
        "remove_crds": {"type": "bool", "default": False},
        "remove_user_data": {"type": "bool", "default": False},
        "abandon_jobs": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 300},
        "accept": {"type": "list", "elements": "str", "default": []},
        "adopt": {"type": "list", "elements": "str", "choices": list(ADOPTABLE), "default": []},
        "certificates_pem": pem_options(),
    },
    install_or_remove,
)


def main() -> None:
    """Entry point."""
    run_module(VERB)


if __name__ == "__main__":
    main()
