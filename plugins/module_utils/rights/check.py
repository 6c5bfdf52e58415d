# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check before the first write whether the identity has the permissions that a plan needs."""

from __future__ import annotations

from collections.abc import Sequence

from ..cluster.access_reviews import ANYTHING, Reviews, Right, ask, is_allowed
from ..cluster.client import Cluster
from ..errors import missing_permissions
from ..plan.plan import Action
from ..release.bundle import Bundle
from .grants import ungranted
from .required import record_rights, rights_for, summed_up, to_read


def require_rights(cluster: Cluster, bundle: Bundle, actions: Sequence[Action], also: Sequence[Right] = ()) -> None:
    """Fail if a permission is missing to carry out these actions and record them, including the grant of roles.

    This includes permissions to read in Namespaces that the run creates: they could not be tried out before.

    A rules review answers for RBAC. The server may report it as incomplete: the webhook authorizers of cloud providers
    cannot list their rules. Then an access review follows for each permission that the rules do not show. In this case
    the server decides whether a role may be granted only when it is applied.

    Args:
        cluster: one that remembers responses; otherwise the review without a namespace may be sent twice.
        also: further permissions that the run needs.

    Raises:
        RightsError: names every missing permission.
    """
    if not actions:
        return
    made = {action.key.name for action in actions if action.verb == "create" and action.key.kind == "Namespace"}
    needed = [*rights_for(actions), *record_rights(bundle.namespace), *also]
    needed += [right for right in to_read(bundle) if right.namespace in made]
    manifests = [action.manifest for action in actions if action.verb != "prune"]
    # Cluster-wide permissions count in each namespace. Most often they are enough, so check them first.
    for namespaces in ((), {right.namespace for right in needed}):
        reviews = ask(cluster, namespaces)
        missing, grants = reviews.lacking(needed), ungranted(bundle, manifests, reviews)
        if not missing and not grants:
            return
    require(cluster, reviews, needed, grants)


def require(cluster: Cluster, reviews: Reviews, needed: Sequence[Right], grants: Sequence[Right]) -> None:
    """Fail if a permission is missing.

    Raises:
        RightsError: names every missing permission.
    """
    missing = reviews.lacking(needed)
    if reviews.incomplete and (missing or grants):
        missing, grants = _asked_one_by_one(cluster, missing), []
    if missing or grants:
        raise missing_permissions([*summed_up(missing), *summed_up(grants)], "check permissions before the first write")


def _asked_one_by_one(cluster: Cluster, rights: Sequence[Right]) -> list[Right]:
    """Return the permissions that no authorizer grants."""
    if not rights or is_allowed(cluster, ANYTHING):
        return []
    answers = cluster.each(lambda right: is_allowed(cluster, right), rights)
    return [right for right, allowed in zip(rights, answers, strict=True) if not allowed]
