# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejections by admission webhooks, and by what they say, as data."""

from __future__ import annotations

from .entry import QUOTED, Entry

_DENIED = frozenset({"webhook_denied"})
_OF_TRAINER = r"\.trainer\.kubeflow\.org$"
# Other programs use such names, too: what they say, or their Service, must fit.
_OF_JOBSET = r"^[mv](?:jobset|pod)\.kb\.io$"


def _unanswered_operator(kind: str, words: str, operator: str, only: str) -> Entry:
    """Return the entry for webhooks of an operator: an exemption from them, or their deletion, would break it."""
    return Entry(
        kind,
        words,
        f"the webhook {{name}} of {operator} does not answer, so the API server rejects {{what}}",
        f"check the controller of {operator}: the playbook conductor.trainer.verify shows what it waits for, and the "
        "install restores it",
        lasting=False,
        admission=True,
        within=frozenset({"webhook_unanswered"}),
        only=only,
    )


WEBHOOKS: tuple[Entry, ...] = (
    # -- admission webhooks ----------------------------------------------------------------------------------------
    Entry(
        "webhook_unanswered",
        rf"failed calling webhook {QUOTED}[:;]?(?P<detail>.*)",
        "the webhook {name} does not answer, so the API server rejects {what}",
        "repair {called}, which the webhook {name} calls, or {exempt} from it; if its program was removed, delete its "
        "webhook configuration, too",
        lasting=False,
        admission=True,
    ),
    _unanswered_operator("webhook_unanswered_trainer", r"", "Trainer", _OF_TRAINER),
    _unanswered_operator(
        "webhook_unanswered_jobset",
        r"https://[a-z0-9-]*jobset[a-z0-9-]*\.|service \\*\"[a-z0-9-]*jobset[a-z0-9-]*\\*\" not found",
        "JobSet",
        _OF_JOBSET,
    ),
    Entry(
        "webhook_no_dry_run",
        rf"admission webhook {QUOTED} does not support dry run",
        "the webhook {name} does not support dry runs",
        "set sideEffects: None on this webhook if it has none, or {exempt} from it",
        admission=True,
    ),
    Entry(
        "webhook_misbehaves",
        rf"admission webhook {QUOTED} attempted to modify the object",
        "the webhook {name} changes objects that it may only check",
        "report this to the owner of the webhook, or {exempt} from it",
        admission=True,
    ),
    Entry(
        "webhook_denied",
        rf"admission webhook {QUOTED} denied the request(?:: (?P<detail>.*)| without explanation)?",
        "the webhook {name} rejects {what}",
        "change {what} as the message of the webhook {name} requires, or {exempt} from it",
        if_given="{exempt} from the webhook {name}, or change the rule that its message names",
        if_installed="{exempt} from the webhook {name}, change the rule that its message names, or change {what} by "
        "`conductor_patches`",
        admission=True,
    ),
    Entry(
        "webhook_gatekeeper",
        r"^\[(?:denied by )?(?P<policy>[\w.-]+)\]",
        "the constraint {policy} of Gatekeeper rejects {what}",
        "change {what} as the constraint {policy} requires, or {exempt} from it (spec.match.excludedNamespaces)",
        if_given="{exempt} from the constraint {policy} (spec.match.excludedNamespaces), or change the constraint",
        if_installed="{exempt} from the constraint {policy} (spec.match.excludedNamespaces), change the constraint, or "
        "change {what} by `conductor_patches`",
        admission=True,
        within=_DENIED,
        only=r"gatekeeper",
    ),
    Entry(
        "webhook_kyverno",
        r"(?:following policies|for resource \w+):?\s+(?P<policy>[\w.-]+):|^\s*[Pp]olicy:? (?P<policy_>[\w.-]+)(?!\S)",
        "the policy {policy}{policy_} of Kyverno rejects {what}",
        "change {what} as the policy {policy}{policy_} requires, or {exempt} from it (a PolicyException, or its "
        "exclude)",
        if_given="{exempt} from the policy {policy}{policy_} of Kyverno (a PolicyException or its exclude), or change "
        "the policy",
        if_installed="{exempt} from the policy {policy}{policy_} of Kyverno (a PolicyException or its exclude), change "
        "the policy, or change {what} by `conductor_patches`",
        admission=True,
        within=_DENIED,
        only=r"kyverno",
    ),
    Entry(
        "webhook_runtime_missing",
        r"specified (?P<runtime>clusterTrainingRuntime|trainingRuntime) must be created before",
        "the runtime of spec.runtimeRef does not exist",
        "set spec.runtimeRef to an existing runtime (`kubectl get clustertrainingruntimes,trainingruntimes`), or "
        "create the runtime first",
        admission=True,
        within=_DENIED,
        only=_OF_TRAINER,
    ),
    Entry(
        "webhook_runtime_without_initializer",
        r"must have (?:container with name - |volumeMount with name - )?(?P<job>[\w-]+)"
        r"(?: job when trainJob is configured|.* in the .* job)",
        "the runtime of spec.runtimeRef has no {job}, which spec.initializer needs",
        "remove this part of spec.initializer, or set spec.runtimeRef to a runtime that has the job {job}",
        admission=True,
        within=_DENIED,
        only=_OF_TRAINER,
    ),
    Entry(
        "webhook_waits_for_leader",
        r"expected, transient error|follower pod node selector|leader pod",
        "JobSet creates this pod when the first pod of its Job is scheduled (exclusive placement)",
        "wait until the first pod of the Job is scheduled; if it stays Pending, read `kubectl{flag} describe pods`",
        lasting=False,
        admission=True,
        within=_DENIED,
        only=_OF_JOBSET,
    ),
    Entry(
        "webhook_name_too_long",
        r"names generated for this JobSet|must be no more than 63 characters|DNS-1035|RFC 1035",
        "a name that is built from that of the TrainJob is not valid or is too long",
        "use a shorter name of lower-case letters, digits and hyphens for the TrainJob: the names of its Jobs and pods "
        "begin with it and have at most 63 characters",
        admission=True,
        within=_DENIED,
        only=_OF_TRAINER + "|" + _OF_JOBSET,
    ),
    Entry(
        "webhook_reserved_env",
        r"must not have reserved envs, invalid envs configured: (?P<names>\[[^\]]*\])",
        "spec.trainer.env sets the variables {names}, which Trainer sets itself",
        "remove {names} from spec.trainer.env; set spec.trainer.numNodes to change the number of nodes",
        admission=True,
        within=_DENIED,
        only=_OF_TRAINER,
    ),
    Entry(
        "webhook_invalid",
        r"(?P<field>spec\.[\w.\[\]]+): (?:Invalid value|Forbidden|Required value|Unsupported value|Not found)",
        "the webhook {name} rejects {what}: {field} is invalid",
        "correct {field} as the message says, or use a runtime that supports it",
        if_given="correct {field} as the message says",
        admission=True,
        within=_DENIED,
        only=_OF_TRAINER + "|" + _OF_JOBSET,
    ),
    Entry(
        "webhook_denied_by_operator",
        r"",
        "the webhook {name} rejects {what}",
        "correct what the message names",
        admission=True,
        within=_DENIED,
        only=_OF_TRAINER + r"|^[mv]jobset\.kb\.io$",
    ),
    Entry(
        "conversion_webhook",
        r"conversion webhook for (?P<name>[^\s,]+(?:, Kind=\w+)?) failed",
        "the conversion webhook of {name} does not answer, so its objects cannot be read or written",
        "repair {called}, which the CustomResourceDefinition of {name} names, or delete that CRD if its program was "
        "removed",
        lasting=False,
        admission=False,
    ),
    Entry(
        "image_policy",
        r"image policy webhook backend denied|images rejected by webhook backend",
        "the image policy of the cluster rejects an image of {what}",
        "allow the images of the release in the image policy of the API server (ImagePolicyWebhook)",
        if_installed="allow the images in the image policy of the API server (ImagePolicyWebhook), or set "
        "`conductor_registries` or `conductor_images` to images that it allows",
        admission=True,
    ),
)
