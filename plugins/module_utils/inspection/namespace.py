# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge how the operator's namespace restricts its pods: Pod Security, quotas, network policies, sidecars. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..objects.fields import is_terminating, name_of, part, parts, some, text, texts
from ..objects.line import Line
from ..objects.quantities import amount, demand, in_words, total
from ..release.versions import WEBHOOK_PORT

_POD_SECURITY = "pod-security.kubernetes.io/enforce"
# Name in a quota to the resource and to the field of a container that states it.
_COMPUTE = {
    "cpu": ("cpu", "requests"),
    "requests.cpu": ("cpu", "requests"),
    "limits.cpu": ("cpu", "limits"),
    "memory": ("memory", "requests"),
    "requests.memory": ("memory", "requests"),
    "limits.memory": ("memory", "limits"),
}
_COUNTED = ("pods", "count/pods")


def namespace_facts(
    name: str,
    namespace: Mapping[str, Any] | None,
    quotas: Sequence[Mapping[str, Any]] | None,
    policies: Sequence[Mapping[str, Any]] | None,
    wanted: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the facts about a namespace.

    Args:
        name: its name.
        namespace: the object; empty if missing, None if it cannot be read. The same applies to the lists.
        wanted: pod templates of the missing Deployments; quotas are judged for these.
    """
    labels = part(namespace, "metadata", "labels")
    denying = [name_of(policy) for policy in policies or () if _denies(policy)]
    return {
        "name": name,
        "exists": None if namespace is None else bool(namespace),
        "terminating": is_terminating(namespace),
        "pod_security": text(labels, _POD_SECURITY),
        "istio_injection": text(labels, "istio-injection") == "enabled" or bool(text(labels, "istio.io/rev")),
        "quotas": None if quotas is None else some(name_of(quota) for quota in quotas),
        "quota_exceeded": some(line for quota in quotas or () for line in _exceeded(quota, wanted)),
        "quota_missing_resources": some({line for quota in quotas or () for line in _unstated(quota, wanted)}),
        "default_deny": None if policies is None else some(denying),
        "webhook_port_open": None if policies is None else not denying or any(_opens(policy) for policy in policies),
    }


def _exceeded(quota: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return a line for each limit of a quota that the wanted pods would exceed."""
    lines = []
    for resource, hard in part(quota, "spec", "hard").items():
        limit, used = amount(str(hard)), amount(text(quota, "status", "used", resource) or "0")
        needed = _needed(resource, wanted)
        if limit is not None and used is not None and needed and used + needed > limit:
            words = f"{in_words(used)} used, {in_words(needed)} more needed"
            lines.append(_about_quota(quota, f"{resource} is limited to {hard}: {words}"))
    return lines


def _needed(resource: str, wanted: Sequence[Mapping[str, Any]]) -> Decimal:
    if resource in _COUNTED:
        return Decimal(len(wanted))
    if resource not in _COMPUTE:
        return Decimal(0)
    name, which = _COMPUTE[resource]
    return total(demand(part(template, "spec"), which) for template in wanted)[name]


def _unstated(quota: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return a line for each resource that a quota requires and that a container of ours does not state."""
    lines = []
    for resource in part(quota, "spec", "hard"):
        if resource not in _COMPUTE:
            continue
        name, which = _COMPUTE[resource]
        silent = [
            text(container, "name")
            for template in wanted
            for container in parts(template, "spec", "containers")
            if not text(container, "resources", which, name)
            and not (which == "requests" and text(container, "resources", "limits", name))
        ]
        if silent:
            lines.append(_about_quota(quota, f"{which}.{name}"))
    return lines


def _about_quota(quota: Mapping[str, Any], detail: str) -> Line:
    subject = f"ResourceQuota {name_of(quota)}"
    return Line(f"{subject}: {detail}", subject=subject, detail=detail)


def _denies(policy: Mapping[str, Any]) -> bool:
    """Return whether a policy blocks every pod of the namespace for callers that it does not name."""
    spec = part(policy, "spec")
    everyone = not part(spec, "podSelector", "matchLabels") and not parts(spec, "podSelector", "matchExpressions")
    # Without policyTypes a policy is about ingress (networking.k8s.io/v1).
    ingress = "Ingress" in texts(spec, "policyTypes") or not texts(spec, "policyTypes")
    return bool(spec) and everyone and ingress and not _opens(policy)


def _opens(policy: Mapping[str, Any]) -> bool:
    """Return whether a policy opens the webhooks' port to all sources: labels cannot select the API server."""
    return any(
        not parts(rule, "from")
        and (not parts(rule, "ports") or any(_is_webhook(port) for port in parts(rule, "ports")))
        for rule in parts(policy, "spec", "ingress")
    )


def _is_webhook(port: Mapping[str, Any]) -> bool:
    number, last = port.get("port"), port.get("endPort")
    if isinstance(number, int) and isinstance(last, int):
        return number <= WEBHOOK_PORT <= last
    return number in (None, WEBHOOK_PORT, "webhook", "webhook-server")
