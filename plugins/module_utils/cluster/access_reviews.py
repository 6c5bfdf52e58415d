# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the permissions of an identity from rules reviews.

A rules review merges the cluster-wide permissions with those in one namespace. An identity with all permissions in that
namespace looks the same as one with all permissions everywhere. So one review is sent without a namespace, and one for
each namespace that matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..objects.fields import part, parts, texts
from .client import Cluster

# No namespace can have this name, so a rules review for it shows the cluster-wide permissions alone.
NOWHERE = "conductor..nowhere"
_AUTHORIZATION = "authorization.k8s.io/v1"


class Right(NamedTuple):
    """A permission: one verb on one object, or on all objects of a resource type if C(name) is empty."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


ANYTHING = Right("*", "*", "*", "", "")


@dataclass(frozen=True)
class Reviews:
    """The C(status) of each rules review; None if the server gave no answer.

    Args:
        clusterwide: of the review without a namespace.
        namespaced: of the review for each namespace. In all others only the cluster-wide permissions count.
        anything: whether an access review allows every verb on every resource.
    """

    clusterwide: Mapping[str, Any] | None
    namespaced: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    anything: bool = False

    @property
    def answered(self) -> bool:
        """Return whether every review was answered."""
        return None not in (self.clusterwide, *self.namespaced.values())

    @property
    def incomplete(self) -> bool:
        """Return whether the server has an authorizer that cannot list its rules."""
        return any(review and review.get("incomplete") for review in (self.clusterwide, *self.namespaced.values()))

    def rules(self, namespace: str) -> list[dict[str, list[str]]]:
        """Return the resource rules that apply in a namespace, or to cluster-scoped objects if it is empty."""
        # Leave out a rule with unreadable resourceNames: without names it would apply to every object.
        return [
            {key: texts(rule, key) for key in ("verbs", "apiGroups", "resources", "resourceNames")}
            for rule in parts(self._review(namespace), "resourceRules")
            if not rule.get("resourceNames") or texts(rule, "resourceNames")
        ]

    def urls(self, namespace: str) -> list[Mapping[str, Any]]:
        """Return the rules for non-resource URLs."""
        return parts(self._review(namespace), "nonResourceRules")

    def lacking(self, rights: Iterable[Right]) -> list[Right]:
        """Return the permissions that no rule grants."""
        if self.anything:
            return []
        rights = list(rights)
        rules = {namespace: self.rules(namespace) for namespace in {right.namespace for right in rights}}
        return [right for right in rights if not is_covered(right, rules[right.namespace])]

    def _review(self, namespace: str) -> Mapping[str, Any] | None:
        return self.namespaced.get(namespace, self.clusterwide)


def is_covered(right: Right, rules: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether one of the resource rules of a SelfSubjectRulesReview grants this permission."""
    _type, slash, subresource = right.resource.partition("/")
    # A rule may name a subresource of every resource type (rbac.authorization.k8s.io/v1, PolicyRule).
    resources = {"*", right.resource, *([f"*/{subresource}"] if slash else [])}
    return any(
        _names(rule, "verbs", {"*", right.verb})
        and _names(rule, "apiGroups", {"*", right.group})
        and _names(rule, "resources", resources)
        and (not rule.get("resourceNames") or right.name in rule["resourceNames"])
        for rule in rules
    )


def _names(rule: Mapping[str, Any], key: str, values: Collection[str]) -> bool:
    return not set(rule.get(key) or ()).isdisjoint(values)


def rules_review(namespace: str) -> dict[str, Any]:
    """Return a review that asks for the permissions of this identity in a namespace and cluster-wide."""
    return {"apiVersion": _AUTHORIZATION, "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace or NOWHERE}}


def access_review(right: Right) -> dict[str, Any]:
    """Return a review that asks for one permission of this identity."""
    attributes = {key: value for key, value in right._asdict().items() if value}
    return {
        "apiVersion": _AUTHORIZATION,
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


def ask(cluster: Cluster, namespaces: Iterable[str]) -> Reviews:
    """Send the reviews for these namespaces, and the one without a namespace, in parallel."""
    places = ["", *sorted(set(namespaces) - {""})]
    answers = cluster.each(lambda place: dict(cluster.review(rules_review(place)).get("status") or {}), places)
    clusterwide, *namespaced = answers
    return Reviews(clusterwide, dict(zip(places[1:], namespaced, strict=True)))


def is_allowed(cluster: Cluster, right: Right) -> bool:
    """Return the answer of an access review, which covers every authorizer."""
    return part(cluster.review(access_review(right)), "status").get("allowed") is True
