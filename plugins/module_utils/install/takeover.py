# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes over an object that kubectl applied from our kustomization: apply it, then let kubectl's ownership end.

In this order a value that somebody changed in an overlay of his own is a conflict and stops the run, instead of being
overwritten; and an interrupted take-over leaves two owners, which the next run finds and goes on with.
"""

from __future__ import annotations

from typing import Any

from ..cluster.client import Cluster
from ..errors import ApiError
from ..objects.diff import changed_fields
from ..objects.resources import path_of
from ..ownership.kubectl import KUBECTL, take_over_patch
from ..plan.plan import Action
from .adoption import adopt, look_closely
from .conflicts import is_ownership_conflict, owners_of

# How often a request is made again because the object changed meanwhile (a controller's status, say).
_ATTEMPTS = 5
_STEP = "take over from kubectl"


def take_over(cluster: Cluster, action: Action, *, force: bool) -> dict[str, Any]:
    """Applies the object and ends kubectl's ownership; the metadata afterwards.

    Raises:
        ApiError: among others, kubectl holds a value that no profile of the release has, or somebody edited a field.
    """
    if is_adoption(action):
        return adopt(cluster, action, force=force)
    metadata = _apply(cluster, action, force=force)
    for attempt in range(1, _ATTEMPTS + 1):
        patch = take_over_patch(metadata)
        if not patch:
            break
        try:
            return dict(cluster.patch(action.key, patch, step=_STEP)["metadata"])
        except ApiError as error:
            if error.status != 409 or attempt == _ATTEMPTS:
                raise
        metadata = cluster.get(path_of(action.key), metadata_only=True, step=_STEP)["metadata"]
    return metadata


def predict_take_over(cluster: Cluster, action: Action, live: dict[str, Any], *, force: bool) -> dict[str, Any]:
    """What the object would be afterwards, by dry runs. Raises what C(take_over) would."""
    if is_adoption(action):
        return look_closely(cluster, action, live or cluster.get(path_of(action.key), step=_STEP), force=force).after
    try:
        return cluster.server_side_apply(action.manifest, dry_run=True, force=force, whole_answer=True)
    except ApiError as error:
        if not (_is_with_kubectl_only(error) and _is_of_the_release(cluster, action, live)):
            raise
    return cluster.server_side_apply(action.manifest, dry_run=True, force=True, whole_answer=True)


def is_adoption(action: Action) -> bool:
    """Whether the object is upstream's or another installer's, not kubectl's out of our own kustomization."""
    return action.side is not None or bool(action.tool)


def _apply(cluster: Cluster, action: Action, *, force: bool) -> dict[str, Any]:
    try:
        return dict(cluster.server_side_apply(action.manifest, force=force)["metadata"])
    except ApiError as error:
        if not _is_with_kubectl_only(error):
            raise
        conflict = error
    for attempt in range(1, _ATTEMPTS + 1):
        live = cluster.get(path_of(action.key), step=_STEP)
        if not _is_of_the_release(cluster, action, live):
            raise conflict
        # Forced, but only upon the very object that was looked at.
        metadata = {**action.manifest["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
        try:
            return dict(cluster.server_side_apply({**action.manifest, "metadata": metadata}, force=True)["metadata"])
        except ApiError as error:
            if error.status != 409 or attempt == _ATTEMPTS:
                raise
    raise conflict


def _is_with_kubectl_only(error: ApiError) -> bool:
    """Whether the only managers in the way are those under which kubectl applies files."""
    return is_ownership_conflict(error) and owners_of(error) <= KUBECTL


def _is_of_the_release(cluster: Cluster, action: Action, live: dict[str, Any]) -> bool:
    """Whether the values on the cluster are the release's, in this profile or in another one.

    The server calls equal values a conflict where it has filled in defaults inside of a list that merges as a whole
    (the rules of a webhook); what a forced dry run would change tells.
    """
    return any(
        not changed_fields(live, cluster.server_side_apply(manifest, dry_run=True, force=True, whole_answer=True))
        for manifest in (action.manifest, *action.variants)
    )
