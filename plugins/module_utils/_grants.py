# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an identity may do all that an install takes, told from two rules reviews.

A rules review merges what is granted cluster-wide and what is granted in one namespace: somebody who may do everything
in that namespace looks like somebody who may do everything. So there are two, one of them for no namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ._bundle import Bundle
from ._fields import name_of, part, parts, texts
from ._plan import Action
from ._resources import key_of
from ._rights import Right, is_covered, record_rights, rights_for, summed_up

_RBAC = "rbac.authorization.k8s.io"


class Reviews(NamedTuple):
    """The C(status) of the two rules reviews; None where there was no answer.

    Args:
        namespaced: for the operator's namespace.
        clusterwide: for no namespace.
        anything: whether an access review says that everything is allowed.
    """

    namespaced: Mapping[str, Any] | None
    clusterwide: Mapping[str, Any] | None
    anything: bool = False


def grant_facts(bundle: Bundle, reviews: Reviews) -> dict[str, Any]:
    """What lacks for an install on an empty cluster, and whether roles may be granted.

    Kubernetes lets nobody grant what he does not have (privilege escalation prevention): whoever applies a role must
    have all its rights, or the verb C(escalate) on it; whoever binds one must have them too, or the verb C(bind).

    Returns:
        C(known) False where the server cannot list this identity's rules; the other answers are then None.
    """
    if reviews.anything:
        return {"known": True, "missing": [], "ungrantable": [], "escalate": True, "bind": True}
    if reviews.namespaced is None or reviews.clusterwide is None:
        return _unknown()
    actions = [
        Action("create", key_of(manifest), phase.name, "", manifest)
        for phase in bundle.phases
        for manifest in phase.objects
    ]
    needed = [*rights_for(actions), *record_rights(bundle.namespace)]
    missing = [right for right in needed if not _allows(right, bundle.namespace, reviews)]
    ungrantable = _ungrantable(bundle, reviews)
    incomplete = any(review.get("incomplete") for review in (reviews.namespaced, reviews.clusterwide))
    if incomplete and (missing or ungrantable):
        return _unknown()
    return {
        "known": True,
        "missing": summed_up(missing),
        "ungrantable": ungrantable,
        "escalate": _may("escalate", "clusterroles", reviews),
        "bind": _may("bind", "clusterroles", reviews),
    }


def _rules(review: Mapping[str, Any] | None) -> list[dict[str, list[str]]]:
    """The resource rules of a review; one whose names cannot be read is left out, because none means all."""
    keys = ("verbs", "apiGroups", "resources", "resourceNames")
    return [
        {key: texts(rule, key) for key in keys}
        for rule in parts(review, "resourceRules")
        if not rule.get("resourceNames") or texts(rule, "resourceNames")
    ]


def _unknown() -> dict[str, Any]:
    return {"known": False, "missing": [], "ungrantable": [], "escalate": None, "bind": None}


def _allows(right: Right, home: str, reviews: Reviews) -> bool:
    # A namespace's own grants do not reach cluster-wide objects, nor those of another namespace.
    review = reviews.namespaced if right.namespace == home else reviews.clusterwide
    return is_covered(right, _rules(review))


def _may(verb: str, resource: str, reviews: Reviews) -> bool:
    return is_covered(Right(verb, _RBAC, resource, "", ""), _rules(reviews.clusterwide))


def _ungrantable(bundle: Bundle, reviews: Reviews) -> list[str]:
    """The roles that may not be made and the bindings that may not, with the verb that would allow it."""
    roles = {(role["kind"], name_of(role)): role for kind in ("Role", "ClusterRole") for role in bundle.objects(kind)}
    found = []
    for (kind, name), role in roles.items():
        if not _exempt("escalate", kind, name, reviews) and not _has_all(role, reviews):
            found.append(f"escalate {kind.lower()}s.{_RBAC} {name}")
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in bundle.objects(kind):
            of = (str(part(binding, "roleRef").get("kind")), str(part(binding, "roleRef").get("name")))
            bound = roles.get(of)
            if not _exempt("bind", *of, reviews) and not (bound and _has_all(bound, reviews, binding["kind"])):
                found.append(f"bind {of[0].lower()}s.{_RBAC} {of[1]}")
    return sorted(set(found))


def _exempt(verb: str, kind: str, name: str, reviews: Reviews) -> bool:
    review = reviews.namespaced if kind == "Role" else reviews.clusterwide
    return is_covered(Right(verb, _RBAC, f"{kind.lower()}s", "", name), _rules(review))


def _has_all(role: Mapping[str, Any], reviews: Reviews, scope: str = "") -> bool:
    """Whether the identity has every right of a role itself, where the role is granted."""
    review = reviews.namespaced if role["kind"] == "Role" or scope == "RoleBinding" else reviews.clusterwide
    rules, urls = _rules(review), parts(review, "nonResourceRules")
    return all(_has(rule, rules, urls) for rule in parts(role, "rules"))


def _has(rule: Mapping[str, Any], rules: Sequence[Mapping[str, Any]], urls: Iterable[Mapping[str, Any]]) -> bool:
    verbs = texts(rule, "verbs")
    resources = all(
        is_covered(Right(verb, group, resource, "", name), rules)
        for verb in verbs
        for group in texts(rule, "apiGroups")
        for resource in texts(rule, "resources")
        # Without names the right is to all objects; no rule lists an empty name.
        for name in texts(rule, "resourceNames") or [""]
    )
    return resources and all(_may_call(verb, url, urls) for verb in verbs for url in texts(rule, "nonResourceURLs"))


def _may_call(verb: str, url: str, rules: Iterable[Mapping[str, Any]]) -> bool:
    def matches(pattern: str) -> bool:
        return pattern in ("*", url) or (pattern.endswith("*") and url.startswith(pattern[:-1]))

    return any(
        {"*", verb} & set(texts(rule, "verbs")) and any(matches(pattern) for pattern in texts(rule, "nonResourceURLs"))
        for rule in rules
    )
