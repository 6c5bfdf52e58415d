# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge how the operator's namespace restricts its pods: quotas, LimitRanges, network policies, sidecars. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..objects.fields import is_terminating, name_of, part, parts, some, text, texts
from ..objects.pod_policies import Pods, exceeded, refused_by_limit_ranges, unstated

_POD_SECURITY = "pod-security.kubernetes.io/enforce"


def namespace_facts(
    name: str,
    namespace: Mapping[str, Any] | None,
    quotas: Sequence[Mapping[str, Any]] | None,
    policies: Sequence[Mapping[str, Any]] | None,
    wanted: Sequence[Pods],
    limit_ranges: Sequence[Mapping[str, Any]] | None = (),
    objects: Mapping[str, int] | None = None,
    pull_secrets: Mapping[str, Sequence[Mapping[str, Any]] | None] | None = None,
    *,
    ports: Collection[int],
) -> dict[str, Any]:
    """Return the facts about a namespace.

    Args:
        name: its name.
        namespace: the object; empty if missing, None if it cannot be read. The same applies to the lists.
        wanted: the pods of the missing Deployments; quotas and LimitRanges are judged for these.
        ports: the ports of the webhooks, without those on the network of a node, which no policy is about.
        objects: names of resources to the number of objects that an install creates in the namespace.
        pull_secrets: the names of the Secrets for pulling images to the Secrets of that name.
    """
    ranges = list(limit_ranges or ())
    labels = part(namespace, "metadata", "labels")
    denying = {port: [name_of(policy) for policy in policies or () if _denies(policy, port)] for port in ports}
    closed = [
        port for port, names in denying.items() if names and not any(_opens(policy, port) for policy in policies or ())
    ]
    return {
        "name": name,
        "exists": None if namespace is None else bool(namespace),
        "terminating": is_terminating(namespace),
        "pod_security": text(labels, _POD_SECURITY),
        "istio_injection": text(labels, "istio-injection") == "enabled" or bool(text(labels, "istio.io/rev")),
        "quotas": None if quotas is None else some(name_of(quota) for quota in quotas),
        "quota_exceeded": some(one.line for quota in quotas or () for one in exceeded(wanted, quota, ranges, objects)),
        "quota_missing_resources": some(
            line for quota in quotas or () for pods in wanted for line in unstated(pods, quota, ranges)
        ),
        "limit_ranges": None if limit_ranges is None else some(name_of(item) for item in ranges),
        "limit_ranges_broken": some(line for pods in wanted for line in refused_by_limit_ranges(pods, ranges)),
        "default_deny": None if policies is None else some({name for names in denying.values() for name in names}),
        "pull_secrets_missing": [name for name, secrets in (pull_secrets or {}).items() if secrets in ([], ())],
        "webhook_port_open": None if policies is None else not closed,
        "closed_ports": closed,
    }


def _denies(policy: Mapping[str, Any], port: int) -> bool:
    """Return whether a policy blocks a port of every pod of the namespace for callers that it does not name."""
    spec = part(policy, "spec")
    everyone = not part(spec, "podSelector", "matchLabels") and not parts(spec, "podSelector", "matchExpressions")
    # Without policyTypes a policy is about ingress (networking.k8s.io/v1).
    ingress = "Ingress" in texts(spec, "policyTypes") or not texts(spec, "policyTypes")
    return bool(spec) and everyone and ingress and not _opens(policy, port)


def _opens(policy: Mapping[str, Any], port: int) -> bool:
    """Return whether a policy opens a webhook's port to all sources: labels cannot select the API server."""
    return any(
        not parts(rule, "from")
        and (not parts(rule, "ports") or any(_is_webhook(one, port) for one in parts(rule, "ports")))
        for rule in parts(policy, "spec", "ingress")
    )


def _is_webhook(opened: Mapping[str, Any], port: int) -> bool:
    number, last = opened.get("port"), opened.get("endPort")
    if isinstance(number, int) and isinstance(last, int):
        return number <= port <= last
    return number in (None, port, "webhook", "webhook-server")
