# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether an identity has the permissions of an install, and may grant the controllers' roles. Pure.

Kubernetes prevents privilege escalation: to apply a role, an identity needs all of its permissions, or the verb
C(escalate) on the role. To bind a role, it needs all of its permissions, or the verb C(bind).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..cluster.access_reviews import Reviews, Right, is_covered
from ..objects.fields import name_of, parts, text, texts
from ..objects.resources import key_of
from ..release.bundle import Bundle
from .required import optional_for_install, required_for_install, summed_up

RBAC = "rbac.authorization.k8s.io"


def grant_facts(bundle: Bundle, reviews: Reviews) -> dict[str, Any]:
    """Return the missing permissions for an install on an empty cluster, and whether roles may be granted.

    Returns:
        C(known) is False if the server cannot list the rules of the identity. The other values are None or empty then.
    """
    if not reviews.anything and not reviews.answered:
        return _unknown()
    missing = reviews.lacking(required_for_install(bundle))
    not_grantable = ungranted(bundle, bundle.objects(), reviews)
    if reviews.incomplete and (missing or not_grantable) and not reviews.anything:
        return _unknown()
    return {
        "known": True,
        "missing": summed_up(missing),
        "not_grantable": summed_up(not_grantable),
        "optional": _optional(bundle, reviews),
        **{verb: not reviews.lacking([Right(verb, RBAC, "clusterroles", "", "")]) for verb in ("escalate", "bind")},
    }


def has_every_right(bundle: Bundle, reviews: Reviews) -> bool:
    """Return whether further reviews cannot add a permission, because the identity has all of them."""
    rights = [*required_for_install(bundle), *(optional.right for optional in optional_for_install(bundle))]
    return not reviews.lacking(rights) and not ungranted(bundle, bundle.objects(), reviews)


def ungranted(bundle: Bundle, manifests: Iterable[Mapping[str, Any]], reviews: Reviews) -> list[Right]:
    """Return the missing permissions to write the roles and bindings among these manifests.

    Args:
        bundle: contains the roles to which the bindings refer.
    """
    if reviews.anything:
        return []
    roles = {(role["kind"], name_of(role)): role for kind in ("Role", "ClusterRole") for role in bundle.objects(kind)}
    found: dict[Right, None] = {}
    for manifest in manifests:
        verb, kind, name = granted_by(manifest)
        if not verb:
            continue
        namespace = key_of(dict(manifest)).namespace
        right = Right(verb, RBAC, f"{kind.lower()}s", namespace, name)
        role = roles.get((kind, name))
        if reviews.lacking([right]) and not (role and _has_all(role, namespace, reviews)):
            found[right] = None
    return list(found)


def granted_by(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the verb needed to write a role or a binding, and the role's kind and name; empty for other objects."""
    if manifest["kind"] in ("Role", "ClusterRole"):
        return "escalate", manifest["kind"], name_of(manifest)
    if manifest["kind"] in ("RoleBinding", "ClusterRoleBinding"):
        return "bind", text(manifest, "roleRef", "kind"), text(manifest, "roleRef", "name")
    return "", "", ""


def _optional(bundle: Bundle, reviews: Reviews) -> list[dict[str, Any]]:
    optionals = optional_for_install(bundle)
    lacking = set(reviews.lacking(optional.right for optional in optionals))
    return [
        {"permissions": summed_up(rights), "consequence": without}
        for without in dict.fromkeys(optional.without for optional in optionals)
        for rights in (
            [optional.right for optional in optionals if optional.without == without and optional.right in lacking],
        )
        if rights
    ]


def _unknown() -> dict[str, Any]:
    return {"known": False, "missing": [], "not_grantable": [], "optional": [], "escalate": None, "bind": None}


def _has_all(role: Mapping[str, Any], namespace: str, reviews: Reviews) -> bool:
    """Return whether the identity has every permission of a role in the namespace of the grant."""
    rules, urls = reviews.rules(namespace), reviews.urls(namespace)
    return all(_has(rule, rules, urls) for rule in parts(role, "rules"))


def _has(rule: Mapping[str, Any], rules: Sequence[Mapping[str, Any]], urls: Iterable[Mapping[str, Any]]) -> bool:
    verbs = texts(rule, "verbs")
    resources = all(
        is_covered(Right(verb, group, resource, "", name), rules)
        for verb in verbs
        for group in texts(rule, "apiGroups")
        for resource in texts(rule, "resources")
        # Without names the permission is for all objects; no rule lists an empty name.
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
