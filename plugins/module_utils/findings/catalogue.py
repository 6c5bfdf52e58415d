# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may speak against an install, as data: a code, what it means, and what to do (docs/blockers.md is this page).

A blocker stops an install before it writes; a warning is for a person to read, and can be accepted by its code.
Codes are an interface: people write them into inventories. They are never reused for something else.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..objects.line import Line, about

Severity = Literal["blocker", "warning"]


class CatalogueEntry(NamedTuple):
    """One kind of finding. C(cause) and C(remedy) hold placeholders in braces for what is found.

    Args:
        about: the placeholders that tell whose or where it is, so that a refusal about the same need not repeat it.
    """

    code: str
    severity: Severity
    cause: str
    next_step: str
    about: tuple[str, ...] = ()

    def finding(self, subject: str, **words: object) -> dict[str, str]:
        """What was found: C(code), C(object), C(cause), C(remedy), with these words in the placeholders."""
        return {
            "code": self.code,
            "object": subject,
            "cause": Line(self.cause.format(**words), about=about(*(words[name] for name in self.about))),
            "next_step": self.next_step.format(**words),
        }


CATALOGUE: tuple[CatalogueEntry, ...] = (
    # -- the cluster ---------------------------------------------------------------------------------------------
    CatalogueEntry(
        "kubernetes_too_old",
        "blocker",
        "Kubernetes is {found}; Trainer {release} needs {needed} or newer, because older API servers refuse its CRDs",
        "upgrade the cluster, or leave it without Trainer",
    ),
    CatalogueEntry(
        "kubernetes_untested",
        "warning",
        "Kubernetes is {found}; the project's own tests of Trainer {release} run on {first} to {last}",
        "run the verify playbook after the install, and watch the controllers' logs for a while",
    ),
    CatalogueEntry(
        "no_schedulable_node",
        "blocker",
        "none of the {total} nodes takes the controllers' pods: {why}",
        "uncordon a node, add one without taints, or wait until one is Ready",
    ),
    CatalogueEntry(
        "no_supported_node",
        "blocker",
        "the nodes are of {found}; the controllers' images exist for {known}",
        "add a node of one of these architectures",
    ),
    CatalogueEntry(
        "insufficient_capacity",
        "blocker",
        "the controllers request {needed} CPU, and at most {free} is free on one node",
        "free some CPU, or add a node",
    ),
    # -- Trainer -------------------------------------------------------------------------------------------------
    CatalogueEntry(
        "trainer_other_owner",
        "blocker",
        "Trainer {release} is {state} here, in the hands of {owner}",
        "leave it in charge, or remove it with the tool that installed it and run this again; conductor_adopt takes "
        "over what has the release's own names",
        about=("owner",),
    ),
    CatalogueEntry(
        "trainer_other_namespace",
        "blocker",
        "Trainer runs in namespace {found}; its cluster-wide names exist only once, so {wanted} cannot have another",
        "remove that one with the tool that installed it",
        about=("found", "wanted"),
    ),
    CatalogueEntry(
        "trainer_duplicate",
        "blocker",
        "controllers of Trainer run in namespaces {found} and work against each other",
        "remove all but one of them",
        about=("found",),
    ),
    CatalogueEntry(
        "trainer_newer",
        "blocker",
        "Trainer {found} is installed and {wanted} is older; a downgrade drops fields that stored TrainJobs may use",
        "ask for release {found} or a newer one",
    ),
    CatalogueEntry(
        "trainer_unknown",
        "blocker",
        "it cannot be told whether Trainer is installed: some of it may not be read",
        "grant the rights named under unreadable, or use other credentials",
    ),
    CatalogueEntry(
        "trainer_takeover",
        "warning",
        "Trainer was applied with kubectl; an install takes it over, and stops first where fields of it were edited",
        "stop applying it with kubectl",
    ),
    CatalogueEntry(
        "trainer_other_release",
        "blocker",
        "Trainer {found} is installed by {owner}; only {wanted} itself can be taken over",
        "bring it to {wanted} the way it was installed, then run this again",
        about=("owner",),
    ),
    CatalogueEntry(
        "adopted_from_tool",
        "warning",
        "it is taken from {owner}, which does not know of that and may bring its own back",
        "tell that tool to let go of it without deleting anything; remove adopt when it has",
    ),
    CatalogueEntry(
        "trainer_incomplete",
        "warning",
        "a part of Trainer is there and this is not: {missing}",
        "an install completes it; nothing else needs to be done",
    ),
    CatalogueEntry(
        "release_inconsistent",
        "warning",
        "the image says Trainer {image}, the public ConfigMap {config_map}, the CRD {crd}",
        "find out who changed one of them; the image is what runs",
    ),
    CatalogueEntry(
        "terminating",
        "blocker",
        "{what} is being deleted, and nothing can be created in its place until it is gone",
        "wait; if it does not go away, delete the objects that hold it, or take the finalizer off them",
        about=("what",),
    ),
    # -- JobSet --------------------------------------------------------------------------------------------------
    CatalogueEntry(
        "jobset_external",
        "blocker",
        "JobSet {version} runs in namespace {namespace} ({owner}); a second one over it would break it",
        "install Trainer beside it (conductor_jobset: external), or remove it with the tool that installed it",
        about=("namespace", "owner"),
    ),
    CatalogueEntry(
        "jobset_other_owner",
        "blocker",
        "JobSet {version} in namespace {namespace} is in the hands of {owner}",
        "remove it with the tool that installed it, or leave it in charge",
        about=("namespace", "owner"),
    ),
    CatalogueEntry(
        "jobset_bundled",
        "blocker",
        "JobSet is to be somebody else's, and the one in namespace {namespace} is Conductor's own",
        "leave it as it is (conductor_jobset: auto or bundled); it cannot be handed over",
        about=("namespace",),
    ),
    CatalogueEntry(
        "jobset_absent",
        "blocker",
        "JobSet is to be somebody else's, and there is none",
        "install JobSet {wanted} or newer first, or let Conductor bring its own",
    ),
    CatalogueEntry(
        "jobset_unhealthy",
        "blocker",
        "JobSet in namespace {namespace} does not serve: {problems}",
        "repair it with the tool that installed it",
        about=("namespace",),
    ),
    CatalogueEntry(
        "jobset_too_old",
        "blocker",
        "JobSet is {version} and serves {served_versions}; Trainer {release} needs {wanted} or newer with v1alpha2",
        "upgrade JobSet with the tool that installed it",
    ),
    CatalogueEntry(
        "jobset_split",
        "blocker",
        "JobSet is in pieces: {evidence}",
        "find out which JobSet is the right one, and remove the webhooks or the controller of the other",
        about=("evidence",),
    ),
    CatalogueEntry(
        "jobset_crd_only",
        "blocker",
        "the JobSet CRD is there without a controller ({owner}, {job_sets} JobSets); who relies on it is not known",
        "install the JobSet it belongs to, or delete the CRD if nobody needs its JobSets",
        about=("owner",),
    ),
    CatalogueEntry(
        "jobset_unknown",
        "blocker",
        "it cannot be told which JobSet is installed: {evidence}",
        "grant the rights named under unreadable, or find out what these webhooks belong to",
        about=("evidence",),
    ),
    # -- rights --------------------------------------------------------------------------------------------------
    CatalogueEntry(
        "permissions_missing",
        "blocker",
        "this identity may not {right}",
        "grant it, or use other credentials",
    ),
    CatalogueEntry(
        "role_not_grantable",
        "blocker",
        "this identity may not grant what the controllers need: neither has it all their rights, nor may it {right}",
        "grant these verbs, or use the credentials of a cluster administrator",
    ),
    CatalogueEntry(
        "repair_not_permitted",
        "warning",
        "everything is as recorded, and this identity could not put it right again: it may not {right}",
        "grant it before the next change is due",
    ),
    CatalogueEntry(
        "permissions_optional",
        "warning",
        "this identity may not {right}; an install goes without, but {consequence}",
        "grant it (examples/rbac/install.yaml has it), or accept that",
    ),
    CatalogueEntry(
        "permissions_unknown",
        "warning",
        "the server does not list what this identity may do",
        "an install still asks for each right before it writes",
    ),
    CatalogueEntry(
        "unreadable",
        "warning",
        "some of the answers are unknown, because this identity may not {right}",
        "grant it to see everything",
    ),
    # -- certificates ---------------------------------------------------------------------------------------------
    CatalogueEntry(
        "certificate_invalid",
        "blocker",
        "certificates are to be your own, and one would not do: {what}",
        "put there what the README names, or let the controllers make them (conductor_certificates: generated)",
    ),
    CatalogueEntry(
        "certificate_expiring",
        "warning",
        "your own certificate, or what it is trusted by, ends in {days} days",
        "renew it: the controllers take up what the Secret then holds, without a restart",
    ),
    # -- the namespace -------------------------------------------------------------------------------------------
    CatalogueEntry(
        "quota_exceeded",
        "blocker",
        "the controllers' pods do not fit: {what}",
        "raise the quota",
    ),
    CatalogueEntry(
        "quota_missing_resources",
        "warning",
        "{what} is limited, and a container of the controllers does not state it; without a LimitRange it is refused",
        "give the namespace a LimitRange with defaults",
    ),
    CatalogueEntry(
        "default_deny",
        "warning",
        "NetworkPolicy {what} closes the webhooks' port {port} to the API server",
        "allow ingress to TCP port {port} from everywhere; the API server cannot be selected by labels",
    ),
    CatalogueEntry(
        "istio_injection",
        "warning",
        "pods of namespace {namespace} get a sidecar, which takes the API server's calls to the webhooks",
        "switch injection off for this namespace, or exclude inbound port {port}",
    ),
    # -- neighbours ----------------------------------------------------------------------------------------------
    CatalogueEntry(
        "kueue_mismatch",
        "warning",
        "Kueue {version} is built for Trainer {trainer}; with {release} its TrainJobs may stay suspended",
        "use a Kueue built for Trainer {release}, or switch its TrainJob integration off",
    ),
    CatalogueEntry(
        "training_operator",
        "warning",
        "Training Operator v1 is there too; the two have different CRDs and nobody tests them together",
        "move its jobs to TrainJobs and remove it",
    ),
    # -- users ---------------------------------------------------------------------------------------------------
    CatalogueEntry(
        "runtime_other_owner",
        "blocker",
        "ClusterTrainingRuntimes with the names of built-in ones are somebody else's: {names}",
        "rename them, or leave these names out of the runtimes to install",
    ),
    CatalogueEntry(
        "runtime_finalizers",
        "warning",
        "the finalizer of Trainer up to 2.2 is on {names}; without its controller they cannot be deleted",
        "let the controller of 2.3 or newer take it off before anything is removed",
    ),
    CatalogueEntry(
        "jobs_unfinished",
        "warning",
        "{count} TrainJobs are unfinished ({names}) and the controllers are about to change",
        "wait for them, or accept that they stand still while the controllers restart",
    ),
)
BY_CODE = {entry.code: entry for entry in CATALOGUE}
