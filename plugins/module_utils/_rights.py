# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the identity in use may write what a plan writes, asked before the first write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ._client import Cluster
from ._errors import missing_rights
from ._plan import Action
from ._record import NAME as RECORD_NAME
from ._resources import resource_of

_AUTHORIZATION = "authorization.k8s.io/v1"


class Right(NamedTuple):
    """One verb on one object of a resource type."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


def rights_for(actions: Iterable[Action]) -> list[Right]:
    """The rights these actions take. Server-side apply is a patch, and a create where nothing is there yet."""
    return [
        Right(verb, resource.group, resource.plural, action.key.namespace, action.key.name)
        for action in actions
        for resource in (resource_of(action.key.api_version, action.key.kind),)
        for verb in (("create", "patch") if action.verb == "create" else ("patch",))
    ]


def record_rights(namespace: str) -> list[Right]:
    """The rights to keep the install record."""
    return [Right(verb, "", "configmaps", namespace, RECORD_NAME) for verb in ("create", "patch")]


def is_covered(right: Right, rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the resource rules of a SelfSubjectRulesReview allows this."""

    def names(rule: Mapping[str, Any], key: str, value: str) -> bool:
        listed = rule.get(key) or []
        return "*" in listed or value in listed

    return any(
        names(rule, "verbs", right.verb)
        and names(rule, "apiGroups", right.group)
        and names(rule, "resources", right.resource)
        and (not rule.get("resourceNames") or right.name in rule["resourceNames"])
        for rule in rules
    )


def require_rights(cluster: Cluster, needed: Sequence[Right], namespace: str) -> None:
    """Asks the server for all of them: one rules review, which answers for RBAC.

    Where it says that it is incomplete (cloud providers' webhook authorizers cannot list their rules), an access review
    follows for each right it did not show.

    Raises:
        RightsError: names every missing right.
    """
    if not needed:
        return
    review = cluster.review(
        {"apiVersion": _AUTHORIZATION, "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    )
    status = review.get("status") or {}
    missing = [right for right in needed if not is_covered(right, status.get("resourceRules") or [])]
    if status.get("incomplete"):
        answers = cluster.each(lambda right: _is_allowed(cluster, right), missing)
        missing = [right for right, allowed in zip(missing, answers, strict=True) if not allowed]
    if missing:
        raise missing_rights(summed_up(missing), "check rights before the first write")


def summed_up(rights: Iterable[Right]) -> list[str]:
    """One line a resource type: its verbs, and how many objects they are needed for."""
    grouped: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for right in rights:
        resource = f"{right.resource}.{right.group}" if right.group else right.resource
        verbs, names = grouped.setdefault((resource, right.namespace), (set(), set()))
        verbs.add(right.verb)
        names.add(right.name)
    return [
        f"{', '.join(sorted(verbs))} {resource}"
        + (f" in namespace {namespace}" if namespace else "")
        + f" (for {', '.join(sorted(names))})"
        for (resource, namespace), (verbs, names) in sorted(grouped.items())
    ]


def _is_allowed(cluster: Cluster, right: Right) -> bool:
    attributes = {key: value for key, value in right._asdict().items() if value}
    answer = cluster.review(
        {
            "apiVersion": _AUTHORIZATION,
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
    )
    return bool((answer.get("status") or {}).get("allowed"))
