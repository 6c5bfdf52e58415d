# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejections by admission policies and by the rules of a namespace, as data."""

from __future__ import annotations

from .entry import NAME, QUOTED, Entry

_POLICY_BROKEN = (
    r"^(?:failed to configure (?:policy|binding)|compilation|expression .* resulted in error|no such key"
    r"|validation failed due to running out of cost budget|.*(?:paramKind|paramRef|no params found))"
)
_POLICY_NAME = r"\\*['\"](?P<name>[^'\"\\]*)\\*['\"](?: with binding \\*['\"](?P<binding>[^'\"\\]*)\\*['\"])?"
_POLICY_SAYS = r" denied request(?:: (?P<detail>.*))?"

POLICIES: tuple[Entry, ...] = (
    # -- admission policies ----------------------------------------------------------------------------------------
    Entry(
        "validating_policy",
        rf"ValidatingAdmissionPolicy {_POLICY_NAME}{_POLICY_SAYS}",
        "the ValidatingAdmissionPolicy {name}{by_binding} rejects {what}",
        "change {what} as the ValidatingAdmissionPolicy {name} requires, or {exempt} from it{by_binding}",
        if_given="{exempt} from the ValidatingAdmissionPolicy {name}{by_binding}, or change the policy",
        if_installed="{exempt} from the ValidatingAdmissionPolicy {name}{by_binding}, change the policy, or change "
        "{what} by `conductor_patches`",
        admission=True,
    ),
    Entry(
        "mutating_policy",
        rf"(?:MutatingAdmissionPolicy|\bpolicy) {_POLICY_NAME}{_POLICY_SAYS}",
        "the MutatingAdmissionPolicy {name}{by_binding} fails, so the API server rejects {what}",
        "correct the MutatingAdmissionPolicy {name}, or {exempt} from it{by_binding}",
        admission=True,
    ),
    Entry(
        "validating_policy_broken",
        _POLICY_BROKEN,
        "the ValidatingAdmissionPolicy {name}{by_binding} cannot be evaluated, so the API server rejects {what}",
        "correct the ValidatingAdmissionPolicy {name}, its binding or its parameters, or {exempt} from it{by_binding}",
        admission=True,
        within=frozenset({"validating_policy"}),
    ),
    # -- the rules of a namespace ----------------------------------------------------------------------------------
    Entry(
        "pod_security",
        r"violates PodSecurity \\*\"(?P<level>[^\"\\]*)\\*\"(?:: (?P<detail>.*))?",
        "Pod Security ({level}) rejects {what}",
        "lower the level of the {where} (label pod-security.kubernetes.io/enforce), or set the securityContext that "
        "the message names",
        if_installed="lower the level of the {where} (label pod-security.kubernetes.io/enforce), or set the "
        "securityContext that the message names by `conductor_patches`",
        admission=True,
    ),
    Entry(
        "limit_range",
        r"(?P<bound>minimum|maximum) (?P<resource>[\w./-]+) usage per (?P<type>\w+) is (?P<value>[\w.]*\w)"
        r"(?:, but (?P<field>\w+) is (?P<asked>[\w.]+\w))?",
        "{a_limit_range} rejects {what}: {bound} {resource} per {type} is {value}",
        "set {resource} within the {bound} of {value} per {type}, or change the LimitRange: `kubectl{flag} describe "
        "limitrange{limit_range}`",
        if_installed="change the {bound} of {value} {resource} per {type} in the LimitRange, or set "
        "`conductor_resources`, so that the controllers' pods fit: `kubectl{flag} describe limitrange{limit_range}`",
        admission=True,
    ),
    Entry(
        "limit_range_ratio",
        r"(?<![\w./-])(?P<resource>[\w./-]{1,200}) "
        r"max limit to request ratio per (?P<type>\w+) is (?P<value>[\w.]+\w|\w)",
        "{a_limit_range} rejects {what}: the ratio of limit to request for {resource} per {type} is at most {value}",
        "set request and limit of {resource} to a ratio of at most {value}, or change the LimitRange: `kubectl{flag} "
        "describe limitrange{limit_range}`",
        if_installed="raise maxLimitRequestRatio of {resource} in the LimitRange, or set `conductor_resources` to a "
        "lower ratio: `kubectl{flag} describe limitrange{limit_range}`",
        admission=True,
    ),
    Entry(
        "limit_range_unknown",
        r"there was an error enforcing limit ranges",
        "the API server cannot read the LimitRanges of the {where}",
        "wait a moment, then run this again",
        lasting=False,
        admission=True,
    ),
    Entry(
        "quota_exceeded",
        rf"exceeded quota: {NAME}(?:, (?P<detail>requested: .*))?",
        "the ResourceQuota {name} is used up and rejects {what}",
        "raise the ResourceQuota {name} or free some of it: `kubectl{flag} describe resourcequota {name}`",
        if_installed="raise the ResourceQuota {name}, free some of it, or lower the requests by `conductor_resources`: "
        "`kubectl{flag} describe resourcequota {name}`",
        admission=True,
    ),
    Entry(
        "quota_unspecified",
        rf"failed quota: {NAME}: must specify (?P<missing>[\w./-]+.*)",
        "the ResourceQuota {name} rejects {what}, which must set {resources}",
        "set {resources} on every container, or create a LimitRange with default values in the {where}",
        if_installed="create a LimitRange with default values for {resources} in the {where}, or set them by "
        "`conductor_resources`",
        admission=True,
    ),
    Entry(
        "quota_failed",
        rf"failed quota: {NAME}|status unknown for quota: (?P<name_>[\w.-]+)"
        r"|insufficient quota to (?:consume|match these scopes)|quota usage is negative|quota evaluation timed out",
        "a ResourceQuota rejects {what}",
        "check the quotas of the {where}: `kubectl{flag} describe resourcequota`",
        admission=True,
    ),
    Entry(
        "service_account_missing",
        r"error looking up service account (?P<namespace>[\w.-]+)/(?P<name>[\w.-]+): (?!.*timeout)",
        "the ServiceAccount {namespace}/{name} does not exist",
        "create the ServiceAccount {name} in the namespace {namespace}; `default` is created by the cluster's own "
        "controller manager",
        if_installed="run the install, which restores the ServiceAccount {namespace}/{name}",
        admission=True,
    ),
    Entry(
        "service_account_secrets",
        r"is not allowed because service account (?P<name>[\w.-]+) does not reference that",
        "the ServiceAccount {name} may only mount the Secrets that it lists",
        "add the Secret that the message names to the ServiceAccount {name}, or remove its annotation "
        "kubernetes.io/enforce-mountable-secrets",
        admission=True,
    ),
    Entry(
        "priority_class_missing",
        rf"no PriorityClass with name {NAME} was found",
        "the PriorityClass {name} does not exist",
        "create the PriorityClass {name}, or use an existing one",
        if_installed="create the PriorityClass {name}, or set `conductor_priority_class` to an existing one",
        admission=True,
    ),
    Entry(
        "runtime_class_missing",
        rf"RuntimeClass {QUOTED} not found",
        "the RuntimeClass {name} does not exist",
        "create the RuntimeClass {name}, or use an existing one",
        if_installed="create the RuntimeClass {name}, or change runtimeClassName in `conductor_patches`",
        admission=True,
    ),
    Entry(
        "security_context_constraint",
        r"unable to validate against any security context constraint",
        "the security context constraints of OpenShift reject {what}",
        "allow a constraint that fits to the ServiceAccount of {what}: `oc adm policy add-scc-to-user`; the message "
        "names what each constraint does not allow",
        admission=True,
    ),
    Entry(
        "node_selector",
        r"pod node label selector (?:conflicts|labels conflict) with its namespace",
        "the {where} does not allow the node selector of {what}",
        "change the annotation scheduler.alpha.kubernetes.io/node-selector of the {where}",
        if_installed="change the annotation scheduler.alpha.kubernetes.io/node-selector of the {where}, or "
        "`conductor_node_selector`",
        admission=True,
    ),
    Entry(
        "tolerations",
        r"pod tolerations \(possibly merged with namespace default tolerations\) conflict with its \w+ whitelist",
        "the {where} does not allow the tolerations of {what}",
        "change the annotation scheduler.alpha.kubernetes.io/tolerationsWhitelist of the {where}",
        if_installed="change the annotation scheduler.alpha.kubernetes.io/tolerationsWhitelist of the {where}, or "
        "`conductor_tolerations`",
        admission=True,
    ),
    Entry(
        "owner_reference",
        r"cannot set (?:an ownerRef|blockOwnerDeletion)",
        "the identity may not set an owner reference to this object",
        "grant this identity the permission to delete and to update finalizers of the owner",
        admission=True,
    ),
    Entry(
        "node_restriction",
        r"node \\*\"[^\"]*\\*\" (?:is not allowed|can only|cannot|can not|must not)|is not allowed to modify labels: ",
        "a node may not do this (NodeRestriction)",
        "use the credentials of a user or a ServiceAccount, not those of a node",
        admission=True,
    ),
)
