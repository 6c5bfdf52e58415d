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
  - Applies the objects of a Kubeflow Trainer release, including JobSet, to a cluster. It uses server-side apply with
    the field manager C(conductor).
  - Compares the cluster with the release first and writes only what differs. A second run sends no write request.
  - Checks the whole cluster before the first write, like M(conductor.trainer.trainer_operator_info), and reports every
    blocker at once. The check is skipped if there is nothing to write.
  - If a healthy JobSet of a sufficient version exists, Trainer is installed beside it and the JobSet is left alone. See
    O(jobset).
  - Takes over objects that kubectl applied from the kustomization of this collection, or from the upstream
    kustomization of the same release. Their fields are then managed by C(conductor) alone, so that a later release can
    remove them. A modified field of the release is a conflict and stops the install; additional fields are preserved,
    see RV(preserved_fields).
  - Leaves alone a Trainer or JobSet that another tool manages, and fails with a description of it. See O(adopt).
  - Does not wait until the controllers are ready. Use M(conductor.trainer.wait_for_controllers) for that.
  - With O(state=absent), deletes the objects that Conductor created, each by its uid. It finds them by the install
    record or, if that is missing, by the field manager C(conductor) on objects of the release. Of other objects it
    deletes only the Leases of the controllers that it deletes. CRDs, TrainJobs and other objects of users are retained
    unless O(remove_crds) or O(remove_user_data) is set.
  - Removes in an order in which the controllers can finish their work, and waits after each step - objects of users,
    runtimes, webhook configurations, controllers, other objects, CRDs, namespaces and finally the install record. An
    interrupted removal is completed by the next run. If an object is not deleted in time, the error names the finalizer
    that blocks it.
extends_documentation_fragment:
  - conductor.trainer.connection
  - conductor.trainer.bundle
  - conductor.trainer.own_certificates
  - conductor.trainer.attributes
attributes:
  check_mode:
    support: full
    details:
      - Sends only reads, a permission review and server-side dry runs, and fails where the run would fail.
      - The server cannot check objects whose namespace or CRD the same run creates; RV(predicted) lists them.
  diff_mode:
    support: full
    details:
      - Shows only the fields that change. Values of Secrets are masked.
  idempotent:
    support: full
options:
  state:
    description:
      - Whether the operator should be present. V(absent) uses only the options marked for it.
    type: str
    choices: [present, absent]
    default: present
  phases:
    description:
      - Phases to write. The plan, and with it every check, always covers all phases.
      - V(foundation) holds the namespaces and CRDs; V(access) the RBAC, configuration, empty Secrets and Services;
        V(controllers) the Deployments; V(admission) the webhook configurations; V(runtimes) the
        ClusterTrainingRuntimes.
    type: list
    elements: str
    choices: [foundation, access, controllers, admission, runtimes]
    default: [foundation, access, controllers, admission, runtimes]
  force_conflicts:
    description:
      - Overwrite fields of Conductor's own objects that other field managers own, instead of failing with a conflict.
        Objects that kubectl applied from the kustomization of this collection count as Conductor's own.
      - Never takes over objects that another tool installed; use O(adopt) for that.
    type: bool
    default: false
  prune:
    description:
      - Delete objects of an earlier release that this release no longer has, if Conductor created them according to the
        install record and they were not replaced since. RV(retained) lists the other ones with the reason.
      - Runtimes that O(runtimes) does not select, and JobSet with O(jobset=external), belong to the release and are
        never pruned.
    type: bool
    default: true
  prune_crds:
    description: With O(prune), also delete CRDs that have no custom resources left.
    type: bool
    default: false
  lease_timeout:
    description:
      - Maximum number of seconds to wait while another run holds the install lease, the Lease C(conductor-install) in
        the operator's namespace. A run that has nothing to write does not acquire it.
      - The lease of a killed run expires after 15 seconds.
    type: int
    default: 120
  pull_proof:
    description:
      - Prove on the nodes that images can be pulled, before anything that runs is changed, with one pod for each image
        and architecture. The pods run nothing and are deleted afterwards. See docs/options.md.
      - V(controllers) proves the images of the controllers that the run creates or rolls out, V(all) also those of the
        runtimes that it creates or changes. Some of these have 20 GB.
      - A run that rolls out nothing proves nothing.
    type: str
    choices: [none, controllers, all]
    default: none
  pull_proof_timeout:
    description: With O(pull_proof), maximum number of seconds until all images are on the nodes.
    type: int
    default: 300
  progress:
    description:
      - With O(pull_proof), print a line when its state changes, and every 5 seconds otherwise. With a local connection
        the lines are printed immediately, otherwise at the end.
    type: bool
    default: true
  remove_crds:
    description:
      - With O(state=absent), also delete the CRDs if Conductor created them. Fails if custom resources remain that
        would be deleted with them.
    type: bool
    default: false
  remove_user_data:
    description:
      - With O(state=absent), also delete all TrainJobs, TrainingRuntimes and custom ClusterTrainingRuntimes, and all
        JobSets if Conductor installed JobSet, finished or not.
    type: bool
    default: false
  abandon_jobs:
    description:
      - With O(state=absent), remove the controllers despite unfinished TrainJobs and JobSets. These stay on the cluster
        without a controller.
    type: bool
    default: false
  timeout:
    description:
      - With O(state=absent), maximum number of seconds to wait in total until the deleted objects are gone.
    type: int
    default: 300
  accept:
    description:
      - Codes of warnings to suppress; docs/findings.md lists them.
      - Unknown codes and codes of blockers are rejected.
    type: list
    elements: str
    default: []
  adopt:
    description:
      - Tools whose Trainer or JobSet to adopt, for objects with the names of the release. Without it, such an
        installation is a blocker. V(other) is any owner that is not listed, an operator for instance.
      - Fields of the release are then managed by Conductor, whatever their values are, and the labels and annotations
        by which the tool finds its objects are removed. Detach the objects from the tool first, without deleting them
        (docs/existing-installations.md), or it reverts the change, or its next uninstall deletes them. With the CRDs it
        would delete every TrainJob.
      - Adopting from V(helm) is a blocker while Helm still stores the release.
      - Objects that kubectl installed from the upstream kustomization are taken over without this option.
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
- name: Install Trainer
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production

- name: Install all phases except the runtimes; a later task adds one runtime
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    runtimes: [torch-distributed]
    phases: [foundation, access, controllers, admission]

- name: Install Trainer beside an existing JobSet
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    jobset: external

- name: Install Trainer with your own certificates
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

- name: Adopt a Helm installation
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    adopt: [helm]

- name: Remove Trainer, and the CRDs if no custom resources remain
  conductor.trainer.trainer_operator:
    kubeconfig: ~/.kube/config
    context: production
    state: absent
    remove_crds: true

- name: Show what would change
  conductor.trainer.trainer_operator:
    host: https://api.example.com:6443
    api_key: "{{ vaulted_token }}"
    ca_cert: /etc/ssl/certs/example.pem
  check_mode: true
  diff: true
"""

RETURN = r"""
release:
  description: Trainer release; with O(state=absent) the release in the install record, if there is one.
  returned: success
  type: str
  sample: 2.3.0
components:
  description: Versions of the components of the release; without C(jobset) if the JobSet is external.
  returned: success with O(state=present)
  type: dict
  sample: {jobset: 0.12.0, trainer: 2.3.0}
jobset:
  description: JobSet that Trainer uses, V(bundled) or V(external), also with O(jobset=auto).
  returned: success with O(state=present)
  type: str
  sample: bundled
namespace:
  description: Namespace of the operator.
  returned: success
  type: str
  sample: kubeflow-system
kubernetes:
  description: Version of the API server.
  returned: success
  type: str
  sample: 1.35.8
cluster_uid:
  description:
    - Uid of the namespace kube-system, followed by a slash and the beginning of the digest of the CA if the connection
      names one.
    - Copy it into O(cluster_uid) to pin a host to its cluster.
  returned: success, or failure if the cluster is not the pinned one
  type: str
  sample: 0f9c3c2e-6a52-4a2b-9d59-1f6f5f3f8f11/8d1f0a6c54b2e937
actions:
  description: Objects that were (in check mode, would be) changed, by action.
  returned: success, or failure if permissions are missing
  type: dict
  sample:
    adopt: [Service kubeflow-system/jobset-webhook-service]
    create: [Namespace kubeflow-system]
    update: [Deployment kubeflow-system/jobset-controller-manager]
retained:
  description:
    - Objects of an earlier release that stay, with the reason.
    - With O(state=absent), objects that stay, the first few for each reason.
  returned: success
  type: list
  elements: str
  sample: ["CustomResourceDefinition old.trainer.kubeflow.org: CRDs are pruned only with prune_crds: true"]
existed:
  description: Whether objects of Conductor existed.
  returned: success with O(state=absent)
  type: bool
  sample: true
counts:
  description: Number of objects of each kind that were (in check mode, would be) deleted.
  returned: success with O(state=absent)
  type: dict
  sample: {Deployment: 2, Secret: 2}
finalizers_removed:
  description:
    - Runtimes whose finalizer C(trainer.kubeflow.org/resource-in-use) was (in check mode, would be) removed, because no
      controller is left to remove it and no TrainJob uses them.
  returned: success with O(state=absent)
  type: list
  elements: str
  sample: []
unchanged:
  description: Number of objects that did not differ from the release.
  returned: success with O(state=present)
  type: int
  sample: 45
predicted:
  description:
    - In check mode, the objects among RV(actions) that the server could not check, because their namespace, their CRD
      or the controller of a webhook does not exist yet.
  returned: success with O(state=present)
  type: list
  elements: str
  sample: [Service kubeflow-system/jobset-webhook-service]
record_updated:
  description:
    - Whether the install record was (in check mode, would be) written. The record lists what Conductor installed, so
      that the next run can distinguish edits from its own changes. Writing only the record is a change, too.
  returned: success with O(state=present)
  type: bool
  sample: true
pending_phases:
  description:
    - Phases that still have something to write, because O(phases) did not select them, or because the objects that they
      would prune may be in use until a later phase that O(phases) did not select is written.
  returned: success with O(state=present)
  type: list
  elements: str
  sample: [runtimes]
preserved_fields:
  description:
    - Fields of objects that were (in check mode, would be) taken over that do not belong to the release and are still
      managed by others. They are preserved, and each object is printed as a warning. At most 20 rows; the last one
      counts the others.
  returned: success with O(state=present)
  type: list
  elements: dict
  contains:
    object:
      description: The object.
      type: str
    owner:
      description: Field manager of the fields.
      type: str
    fields:
      description: Names of the first few fields, and the number of the others.
      type: list
      elements: str
  sample:
    - object: Deployment kubeflow-system/kubeflow-trainer-controller-manager
      owner: kubectl-edit
      fields: [spec.template.spec.tolerations]
options:
  description: What O(customize) changes about the release.
  returned: success with O(state=present)
  type: dict
  contains: &options
    digest:
      description: Digest of the options, the same on clusters with the same options; empty without options.
      type: str
    summary:
      description: The options in a few words each.
      type: list
      elements: str
    fields:
      description: Number of fields that differ from the release.
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
  sample: &options_sample
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
options_changed:
  description:
    - How the options differ from those of the last install, which the install record holds. Secrets are not shown. At
      most 10 lines; the last one counts the others.
    - In check mode, it is also printed as a warning, because the options of the last install may have been forgotten.
  returned: success with O(state=present), and failure if they differ
  type: list
  elements: str
  sample: [customize.registries.ghcr.io is mirror.example.com/ghcr in the install record and not given here]
warnings_found:
  description:
    - Warnings of the check before the first write, without those that O(accept) suppresses; each is also printed as a
      warning. Empty if there was nothing to write.
  returned: success with O(state=present)
  type: list
  elements: dict
  contains: &finding
    code:
      description: Code of the finding; docs/findings.md lists them.
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
notices:
  description: Notices about the run, for example that it waited for another run. Each is also printed as a warning.
  returned: success
  type: list
  elements: str
  sample: []
pull_proof:
  description:
    - Images that O(pull_proof) has (in check mode, would have) shown to be on nodes, one for each architecture.
    - After a failure, what is known of the images until then.
  returned: success with O(state=present), or failure of the proof
  type: list
  elements: dict
  contains:
    image:
      description: The image.
      type: str
    architecture:
      description: Architecture of the node; empty if the architectures of the nodes are unknown.
      type: str
    node:
      description: Name of the node; empty if the pod was on none.
      type: str
    outcome:
      description:
        - V(pulled), V(present) if the image was on the node before, so that no registry was asked, or V(available) if
          it is not known which of both.
        - V(failed), also if the run went on because nodes of another architecture have the image.
        - V(planned) in check mode.
      type: str
    seconds:
      description: How long it took.
      type: float
    needed_by:
      description: The objects whose pods use the image.
      type: list
      elements: str
  sample:
    - image: ghcr.io/kubeflow/trainer/trainer-controller-manager:v2.3.0
      architecture: amd64
      node: system-1
      outcome: pulled
      seconds: 3.2
      needed_by: [Deployment kubeflow-trainer-controller-manager]
elapsed:
  description: Duration in seconds.
  returned: success
  type: float
  sample: 1.2
blockers:
  description: All blockers of the install, with the keys of RV(warnings_found).
  returned: failure, if there are blockers
  type: list
  elements: dict
  contains: *finding
  sample:
    - code: trainer_newer
      object: Trainer
      cause: Trainer 2.4.0 is installed, which is newer than 2.3.0; a downgrade drops fields that stored TrainJobs may
        use
      next_step: set `release` to 2.4.0 or newer; if the collection does not contain that release, upgrade the
        collection
plan_blockers:
  description: Blockers of the plan; with O(state=present) a part of RV(blockers).
  returned: failure, if the plan has blockers
  type: list
  elements: str
conflicts:
  description: Fields that other field managers own with another value than the release. Nothing was written.
  returned: failure, if there are field conflicts
  type: list
  elements: dict
  contains:
    object:
      description: The object.
      type: str
    field:
      description: Path of the field.
      type: str
    owner:
      description: Field manager of the field.
      type: str
    live:
      description: Value on the cluster, shortened; masked in a Secret.
      type: str
    wanted:
      description: Value of the release.
      type: str
missing_permissions:
  description: All missing permissions.
  returned: failure, if permissions are missing
  type: list
  elements: str
written:
  description: Objects that were written (with O(state=absent), deleted) before a request failed.
  returned: failure, if a write failed
  type: list
  elements: str
remaining:
  description: The first few deleted objects that still exist, and the number of the others.
  returned: failure, if objects were not deleted in time
  type: list
  elements: str
  sample: [ClusterTrainingRuntime torch-distributed]
record_not_saved:
  description: Why the install record could not be saved after a write failed.
  returned: failure, if a write failed and saving the record failed as well
  type: str
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

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.provided import (
    pem_options,
    with_own_certificates,
)
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.install.options import (
    NO_PULL_PROOF,
    PULL_PROOFS,
    InstallOptions,
)
from ansible_collections.conductor.trainer.plugins.module_utils.install.present import ensure_present
from ansible_collections.conductor.trainer.plugins.module_utils.install.preserved_fields import preserved_line
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.module_runner import run_module
from ansible_collections.conductor.trainer.plugins.module_utils.names import ADOPTABLE
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import RECORDED
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES, Bundle


def install(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Install the operator."""
    if call.params["options"] == RECORDED and not call.check_mode:
        raise InputError(
            "an install needs the options themselves, not those of the last run",
            next_step="set `conductor_options` to given, and give the options",
        )
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
            pull_proof=call.params["pull_proof"],
            pull_proof_timeout=call.params["pull_proof_timeout"],
        ),
        say=call.say if call.params["progress"] else None,
    )
    for notice in result["notices"]:
        call.warn(notice)
    if result["warnings_found"]:
        # Imported here, because a run that changes nothing finds none.
        from ansible_collections.conductor.trainer.plugins.module_utils.findings.accepted import warning_line

        for finding in result["warnings_found"]:
            call.warn(warning_line(finding))
    for edit in result["preserved_fields"]:
        call.warn(preserved_line(edit))
    if call.check_mode and result["options_changed"]:
        from ansible_collections.conductor.trainer.plugins.module_utils.options.record import other_options

        text, next_step = other_options(result["options_changed"])
        call.warn(f"{text}. Next: {next_step}")
    return result


def remove(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Remove the operator."""
    # Imported here, because an install, which runs far more often, does not need it.
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
    for notice in result["notices"]:
        call.warn(notice)
    return result


def install_or_remove(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    """Install or remove the operator, as the option state requires."""
    operation = remove if call.params["state"] == "absent" else install
    return operation(call, cluster, bundle)


OPERATION = ModuleOperation(
    {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "phases": {"type": "list", "elements": "str", "choices": list(PHASES), "default": list(PHASES)},
        "force_conflicts": {"type": "bool", "default": False},
        "prune": {"type": "bool", "default": True},
        "prune_crds": {"type": "bool", "default": False},
        "lease_timeout": {"type": "int", "default": 120},
        "pull_proof": {"type": "str", "choices": list(PULL_PROOFS), "default": NO_PULL_PROOF},
        "pull_proof_timeout": {"type": "int", "default": 300},
        "progress": {"type": "bool", "default": True},
        "remove_crds": {"type": "bool", "default": False},
        "remove_user_data": {"type": "bool", "default": False},
        "abandon_jobs": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 300},
        "accept": {"type": "list", "elements": "str", "default": []},
        "adopt": {"type": "list", "elements": "str", "choices": list(ADOPTABLE), "default": []},
        "certificates_pem": pem_options(),
    },
    install_or_remove,
    needs_options=lambda params: params["state"] == "present",
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
