# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an identity may do, told from rules reviews.

A rules review merges what is granted cluster-wide and what is granted in one namespace: somebody who may do everything
in that namespace looks like somebody who may do everything. So there is one for no namespace, and one for each
namespace that counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..objects.fields import part, parts, texts
from .client import Cluster

# No namespace can have this name, so that a rules review for it shows cluster-wide rights alone.
NOWHERE = "conductor..nowhere"
_AUTHORIZATION = "authorization.k8s.io/v1"


class Right(NamedTuple):
    """One verb on one object of a resource type; on all of them where there is no name, as to list them takes."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


ANYTHING = Right("*", "*", "*", "", "")


@dataclass(frozen=True)
class Reviews:
    """The C(status) of each rules review; None where there was no answer.

    Args:
        clusterwide: of the one for no namespace.
        namespaced: namespace to that of the one for it. In others only what is granted cluster-wide counts.
        anything: whether an access review says that everything is allowed.
    """

    clusterwide: Mapping[str, Any] | None
    namespaced: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    anything: bool = False

    @property
    def answered(self) -> bool:
        """Whether there is an answer to each."""
        return None not in (self.clusterwide, *self.namespaced.values())

    @property
    def incomplete(self) -> bool:
        """Whether the server has an authorizer that cannot list its rules."""
        return any(review and review.get("incomplete") for review in (self.clusterwide, *self.namespaced.values()))

    def rules(self, namespace: str) -> list[dict[str, list[str]]]:
        """The resource rules that count in a namespace, or for cluster-wide objects where it is empty."""
        # One whose names cannot be read is left out, because none means all.
        return [
            {key: texts(rule, key) for key in ("verbs", "apiGroups", "resources", "resourceNames")}
            for rule in parts(self._review(namespace), "resourceRules")
            if not rule.get("resourceNames") or texts(rule, "resourceNames")
        ]

    def urls(self, namespace: str) -> list[Mapping[str, Any]]:
        """The rules for paths that are no resources."""
        return parts(self._review(namespace), "nonResourceRules")

    def lacking(self, rights: Iterable[Right]) -> list[Right]:
        """Those of these rights that no rule gives."""
        if self.anything:
            return []
        rights = list(rights)
        rules = {namespace: self.rules(namespace) for namespace in {right.namespace for right in rights}}
        return [right for right in rights if not is_covered(right, rules[right.namespace])]

    def _review(self, namespace: str) -> Mapping[str, Any] | None:
        return self.namespaced.get(namespace, self.clusterwide)


def is_covered(right: Right, rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the resource rules of a SelfSubjectRulesReview allows this."""
    _type, slash, subresource = right.resource.partition("/")
    # A rule may be about a subresource of every type (rbac.authorization.k8s.io/v1, PolicyRule).
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
    """The question what this identity may do in a namespace and cluster-wide."""
    return {"apiVersion": _AUTHORIZATION, "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace or NOWHERE}}


def access_review(right: Right) -> dict[str, Any]:
    """The question whether this identity may do this."""
    attributes = {key: value for key, value in right._asdict().items() if value}
    return {
        "apiVersion": _AUTHORIZATION,
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


def ask(cluster: Cluster, namespaces: Iterable[str]) -> Reviews:
    """The reviews for these namespaces and for none, asked at once."""
    places = ["", *sorted(set(namespaces) - {""})]
    answers = cluster.each(lambda place: dict(cluster.review(rules_review(place)).get("status") or {}), places)
    clusterwide, *namespaced = answers
    return Reviews(clusterwide, dict(zip(places[1:], namespaced, strict=True)))


def is_allowed(cluster: Cluster, right: Right) -> bool:
    """What an access review says, which answers for every authorizer."""
    return part(cluster.review(access_review(right)), "status").get("allowed") is True
