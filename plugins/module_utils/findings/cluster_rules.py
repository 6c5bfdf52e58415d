# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the cluster: its version, nodes, namespace, neighbours, our permissions, external certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from ..objects.fields import numbers
from ..objects.line import Line, about
from ..objects.quantities import in_words
from ..release.versions import ARCHITECTURES, TESTED_KUBERNETES, WEBHOOK_PORT
from ..verdicts.nodes import is_temporary_taint
from .rules import NOT_READY, Facts, RuleMatch, Rules, enumerated, is_settled

RULES = Rules()
# Limits that are enough for a controller.
_EXAMPLES = {"cpu": '"1"', "memory": "1Gi"}

# -- the cluster ------------------------------------------------------------------------------------------------------


@RULES.entry("kubernetes_too_old")
def _kubernetes_too_old(facts: Facts) -> Iterator[RuleMatch]:
    found, wanted = facts["cluster"]["kubernetes"], facts["wanted"]
    if numbers(found) and numbers(found)[:2] < numbers(wanted["kubernetes"])[:2]:
        yield "API server", {"found": found, "release": wanted["release"], "needed": wanted["kubernetes"]}


@RULES.entry("kubernetes_untested")
def _kubernetes_untested(facts: Facts) -> Iterator[RuleMatch]:
    found, wanted = numbers(facts["cluster"]["kubernetes"])[:2], facts["wanted"]
    tested = TESTED_KUBERNETES.get(".".join(str(number) for number in numbers(wanted["release"])[:2]))
    if found and tested and found >= numbers(wanted["kubernetes"])[:2] and not tested[0] <= found <= tested[1]:
        first, last = (".".join(str(number) for number in version) for version in tested)
        yield (
            "API server",
            {"found": facts["cluster"]["kubernetes"], "release": wanted["release"], "first": first, "last": last},
        )


@RULES.entry("admission_unanswered")
def _admission_unanswered(facts: Facts) -> Iterator[RuleMatch]:
    yield from _rejections(facts, answers=False)


@RULES.entry("admission_rejects")
def _admission_rejects(facts: Facts) -> Iterator[RuleMatch]:
    yield from _rejections(facts, answers=True)


def _rejections(facts: Facts, *, answers: bool) -> Iterator[RuleMatch]:
    for found in facts["permissions"]["rejections"]:
        if found["answers"] is answers:
            yield found["object"], {"what": f"{found['cause']}: {found['message']}", "remedy": found["next_step"]}


@RULES.entry("no_schedulable_node")
def _no_schedulable_node(facts: Facts) -> Iterator[RuleMatch]:
    nodes = facts["nodes"]
    if not _all_nodes_seen(nodes) or nodes["can_scale_up"]:
        return
    reasons: dict[tuple[str, ...], list[str]] = {}
    for rejected in nodes["refused"]:
        if not _may_pass(rejected["rejections"]):
            reasons.setdefault(tuple(rejected["rejections"]), []).append(rejected["deployment"])
    for why, deployments in reasons.items():
        everything = len(deployments) == nodes["controllers_to_schedule"]
        pods = "the controllers' pods" if everything else f"the pods of {enumerated(deployments)}"
        tainted = sorted(key for key in about(*why) if isinstance(key, str))
        yield (
            "Nodes",
            {
                "total": nodes["total"],
                "pods": pods,
                "why": enumerated(why),
                "tolerations": f"[{{key: {(tainted or ['dedicated'])[0]}, operator: Exists}}]",
            },
        )


@RULES.entry("no_supported_node")
def _no_supported_node(facts: Facts) -> Iterator[RuleMatch]:
    nodes = facts["nodes"]
    if _all_nodes_seen(nodes) and nodes["supported_architecture"] is False:
        yield "Nodes", {"found": enumerated(sorted(nodes["architectures"])), "known": ", ".join(ARCHITECTURES)}


@RULES.entry("insufficient_capacity")
def _insufficient_capacity(facts: Facts) -> Iterator[RuleMatch]:
    capacity = facts["nodes"]["capacity"]
    if _is_full(facts["nodes"]) and not capacity["host_ports"]:
        crowded = enumerated(capacity["updates"])
        yield (
            "Nodes",
            {
                "needed": f"{capacity['cpu']:g}",
                "memory": in_words(Decimal(capacity["memory"])),
                "update": f", and one more pod of {crowded} during its update" if capacity["updates"] else "",
                "free": f"{capacity['free_cpu'] or 0:g}",
            },
        )


@RULES.entry("host_ports_taken")
def _host_ports_taken(facts: Facts) -> Iterator[RuleMatch]:
    ports = facts["nodes"]["capacity"]["host_ports"]
    if _is_full(facts["nodes"]) and ports:
        yield "Nodes", {"ports": enumerated(ports)}


@RULES.entry("priority_class_missing")
def _priority_class_missing(facts: Facts) -> Iterator[RuleMatch]:
    for name in facts["wanted"]["missing_classes"]:
        yield f"PriorityClass {name}", {"name": name}


def _is_full(nodes: Facts) -> bool:
    """Return whether nodes accept the pods, and have no room for them."""
    return nodes["capacity"]["fits"] is False and nodes["schedulable"] and not nodes["can_scale_up"]


def _may_pass(rejections: Iterable[str]) -> bool:
    """Return whether a node may accept pods soon without anybody's help."""
    return any(why == NOT_READY or is_temporary_taint(str(why)) for why in about(*rejections))


def _all_nodes_seen(nodes: Facts) -> bool:
    return bool(nodes["readable"] and nodes["inspected"] >= nodes["total"] and nodes["total"])


# -- permissions ------------------------------------------------------------------------------------------------------


@RULES.entry("permissions_missing")
def _permissions_missing(facts: Facts) -> Iterator[RuleMatch]:
    if not is_settled(facts):
        for permission in facts["permissions"]["missing"]:
            yield "this identity", {"permission": permission}


@RULES.entry("role_not_grantable")
def _role_not_grantable(facts: Facts) -> Iterator[RuleMatch]:
    if not is_settled(facts):
        permissions = facts["permissions"]["not_grantable"]
        if permissions:
            yield "this identity", {"permission": "; ".join(permissions)}


@RULES.entry("repair_not_permitted")
def _repair_not_permitted(facts: Facts) -> Iterator[RuleMatch]:
    permissions = [*facts["permissions"]["missing"], *facts["permissions"]["not_grantable"]]
    if is_settled(facts) and permissions:
        yield "this identity", {"permission": "; ".join(permissions)}


@RULES.entry("permissions_optional")
def _permissions_optional(facts: Facts) -> Iterator[RuleMatch]:
    if not is_settled(facts):
        for entry in facts["permissions"]["optional"]:
            permissions = [
                permission
                for permission in entry["permissions"]
                if not _is_reported(permission, facts["permissions"]["unreadable"])
            ]
            if permissions:
                words = {"permission": "; ".join(permissions), "consequence": entry["consequence"]}
                yield "this identity", words


@RULES.entry("permissions_unknown")
def _permissions_unknown(facts: Facts) -> Iterator[RuleMatch]:
    if not facts["permissions"]["known"]:
        yield "this identity", {}


def _is_reported(line: str, others: Iterable[str]) -> bool:
    """Return whether other lines are about every permission that this line is about."""
    permissions = about(line)
    return bool(permissions) and permissions <= about(*others)


@RULES.entry("unreadable")
def _unreadable(facts: Facts) -> Iterator[RuleMatch]:
    # A permission that the install requires is already reported as missing.
    missing = facts["permissions"]["missing"]
    unreadable = facts["permissions"]["unreadable"]
    permissions = [permission for permission in unreadable if not _is_reported(permission, missing)]
    if permissions:
        yield "this identity", {"permission": "; ".join(permissions)}


# -- the namespace ----------------------------------------------------------------------------------------------------


@RULES.entry("quota_exceeded")
def _quota_exceeded(facts: Facts) -> Iterator[RuleMatch]:
    yield from _policies(facts, "quota_exceeded")


@RULES.entry("quota_missing_resources")
def _quota_missing_resources(facts: Facts) -> Iterator[RuleMatch]:
    if facts["namespace"]["limit_ranges"] is not None:
        yield from _policies(facts, "quota_missing_resources")


@RULES.entry("quota_defaults_unknown")
def _quota_defaults_unknown(facts: Facts) -> Iterator[RuleMatch]:
    if facts["namespace"]["limit_ranges"] is None:
        yield from _policies(facts, "quota_missing_resources")


@RULES.entry("limit_range")
def _limit_range(facts: Facts) -> Iterator[RuleMatch]:
    yield from _policies(facts, "limit_ranges_broken")


def _policies(facts: Facts, name: str) -> Iterator[RuleMatch]:
    """Yield a match for each line of a fact about quotas or LimitRanges of the operator's namespace."""
    for what in _lines(facts["namespace"][name]):
        resource = what.detail.partition(" ")[0]
        which, _dot, short = resource.partition(".")
        yield (
            what.subject,
            {
                "what": what.detail,
                "name": what.subject.partition(" ")[2],
                "resource": resource,
                "example": f"{{{which}: {{{short}: {_EXAMPLES.get(short, '1')}}}}}",
                "namespace": facts["namespace"]["name"],
            },
        )


def _lines(facts: Iterable[str]) -> list[Line]:
    """Return the lines that are about one object; the last of a list may only be a count of further ones."""
    return [line for line in facts if isinstance(line, Line)]


@RULES.entry("pull_secret_missing")
def _pull_secret_missing(facts: Facts) -> Iterator[RuleMatch]:
    if facts["namespace"]["exists"]:
        yield from _pull_secrets(facts)


@RULES.entry("pull_secret_expected")
def _pull_secret_expected(facts: Facts) -> Iterator[RuleMatch]:
    if facts["namespace"]["exists"] is False:
        yield from _pull_secrets(facts)


def _pull_secrets(facts: Facts) -> Iterator[RuleMatch]:
    namespace = facts["namespace"]
    for name in namespace["pull_secrets_missing"]:
        yield f"Secret {namespace['name']}/{name}", {"name": name, "namespace": namespace["name"]}


@RULES.entry("host_network_forbidden")
def _host_network_forbidden(facts: Facts) -> Iterator[RuleMatch]:
    namespace, deployments = facts["namespace"], facts["wanted"]["host_network"]
    if deployments and namespace["pod_security"] in ("baseline", "restricted"):
        words = {"level": namespace["pod_security"], "namespace": namespace["name"], "pods": enumerated(deployments)}
        yield f"Namespace {namespace['name']}", words


@RULES.entry("default_deny")
def _default_deny(facts: Facts) -> Iterator[RuleMatch]:
    if facts["namespace"]["webhook_port_open"] is False:
        names = enumerated(facts["namespace"]["default_deny"])
        ports = enumerated(map(str, facts["namespace"]["closed_ports"]))
        yield f"NetworkPolicy {names}", {"what": names, "port": ports}


@RULES.entry("istio_injection")
def _istio_injection(facts: Facts) -> Iterator[RuleMatch]:
    namespace = facts["namespace"]
    # The labels have no effect if Istio is not installed.
    if namespace["istio_injection"] and facts["neighbours"]["istio"]["present"] is not False:
        yield f"Namespace {namespace['name']}", {"namespace": namespace["name"], "port": WEBHOOK_PORT}


# -- neighbours -------------------------------------------------------------------------------------------------------


@RULES.entry("kueue_mismatch")
def _kueue_mismatch(facts: Facts) -> Iterator[RuleMatch]:
    kueue = facts["neighbours"]["kueue"]
    if kueue["fits"] is False:
        words = {"version": kueue["version"], "trainer": kueue["trainer"], "release": facts["wanted"]["release"]}
        yield "Kueue", words


@RULES.entry("training_operator")
def _training_operator(facts: Facts) -> Iterator[RuleMatch]:
    if facts["neighbours"]["training_operator"]["present"]:
        yield "Training Operator", {}


# -- certificates -----------------------------------------------------------------------------------------------------


@RULES.entry("certificate_invalid")
def _certificate_invalid(facts: Facts) -> Iterator[RuleMatch]:
    for invalid in facts["wanted"]["invalid_certificates"]:
        yield invalid["object"], {"what": invalid["problem"]}


@RULES.entry("certificate_expiring")
def _certificate_expiring(facts: Facts) -> Iterator[RuleMatch]:
    for expiring in facts["wanted"]["expiring_certificates"]:
        yield expiring["object"], {"days": str(expiring["days_left"])}
