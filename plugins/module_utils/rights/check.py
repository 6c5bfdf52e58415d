# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the identity in use may write what a plan writes, asked before the first write."""

from __future__ import annotations

from collections.abc import Sequence

from ..cluster.access_reviews import ANYTHING, Reviews, Right, ask, is_allowed
from ..cluster.client import Cluster
from ..errors import missing_permissions
from ..plan.plan import Action
from ..release.bundle import Bundle
from .grants import ungranted
from .required import record_rights, rights_for, summed_up, to_read


def require_rights(cluster: Cluster, bundle: Bundle, actions: Sequence[Action]) -> None:
    """Asks the server whether all of these actions may be carried out and recorded, roles granted included.

    And whether what comes into a new Namespace may be read: in one that was not there nobody has tried to.

    Rules reviews answer for RBAC. Where the server says that they are incomplete (cloud providers' webhook authorizers
    cannot list their rules), an access review follows for each right they did not show. Whether a role may then be
    granted the server says when it is applied.

    Args:
        cluster: one that remembers, or the review for no namespace may be asked for twice.

    Raises:
        RightsError: names every missing right.
    """
    if not actions:
        return
    made = {action.key.name for action in actions if action.verb == "create" and action.key.kind == "Namespace"}
    needed = [*rights_for(actions), *record_rights(bundle.namespace)]
    needed += [right for right in to_read(bundle) if right.namespace in made]
    manifests = [action.manifest for action in actions if action.verb != "prune"]
    # What is given for the whole cluster counts in each namespace: most often that is enough.
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
        raise missing_permissions([*summed_up(missing), *summed_up(grants)], "check rights before the first write")


def _asked_one_by_one(cluster: Cluster, rights: Sequence[Right]) -> list[Right]:
    """Those that no authorizer gives."""
    if not rights or is_allowed(cluster, ANYTHING):
        return []
    answers = cluster.each(lambda right: is_allowed(cluster, right), rights)
    return [right for right, allowed in zip(rights, answers, strict=True) if not allowed]
