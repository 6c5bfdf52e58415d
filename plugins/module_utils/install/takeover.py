# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take over an object that kubectl applied from our kustomization: apply it, then remove kubectl's ownership.

In this order, a value that was changed in an overlay is a conflict and stops the run instead of being overwritten. An
interrupted take-over leaves two owners; the next run detects this and continues.
"""

from __future__ import annotations

from typing import Any

from ..cluster.client import Cluster
from ..errors import ApiError
from ..objects.resources import path_of
from ..ownership.kubectl import KUBECTL, take_over_patch
from ..plan.plan import Action
from .adoption import adopt, look_closely
from .conflicts import is_ownership_conflict, owners_of, value_at

# How often a request is repeated because the object changed meanwhile, e.g. its status.
_ATTEMPTS = 5
_STEP = "take over from kubectl"


def take_over(cluster: Cluster, action: Action, *, force: bool) -> dict[str, Any]:
    """Apply the object and remove kubectl's ownership.

    Returns:
        the metadata afterwards.

    Raises:
        ApiError: for example, kubectl owns a value that no profile of the release has, or a field was edited.
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
    """Return the object as it would be afterwards, by dry runs. Raises the same errors as C(take_over)."""
    if is_adoption(action):
        return look_closely(cluster, action, live or cluster.get(path_of(action.key), step=_STEP), force=force).after
    try:
        return cluster.server_side_apply(action.manifest, dry_run=True, force=force, whole_answer=True)
    except ApiError as error:
        if not (_is_with_kubectl_only(error) and _are_of_the_release(cluster, action, live, error)):
            raise
    return cluster.server_side_apply(action.manifest, dry_run=True, force=True, whole_answer=True)


def is_adoption(action: Action) -> bool:
    """Return whether the object comes from upstream or another installer, not from our own kustomization."""
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
        if not _are_of_the_release(cluster, action, live, conflict):
            raise conflict
        # Forced, but only if the object is unchanged since the check.
        metadata = {**action.manifest["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
        try:
            return dict(cluster.server_side_apply({**action.manifest, "metadata": metadata}, force=True)["metadata"])
        except ApiError as error:
            if error.status != 409 or attempt == _ATTEMPTS:
                raise
    raise conflict


def _is_with_kubectl_only(error: ApiError) -> bool:
    """Return whether all conflicts are with the field managers that kubectl uses to apply files."""
    return is_ownership_conflict(error) and owners_of(error) <= KUBECTL


def _are_of_the_release(cluster: Cluster, action: Action, live: dict[str, Any], conflict: ApiError) -> bool:
    """Return whether each value in a conflict is that of the release: with or without options, in any profile.

    The server reports a conflict for equal values if it has added defaults inside an atomic list, such as the rules of
    a webhook. So compare with the result of a forced dry run.
    """
    # A path that leads nowhere in both would look like equal values.
    here = {field: value_at(live, field) for field in {str(cause.get("field", "")) for cause in conflict.causes}}
    left = set(here)
    for manifest in (action.manifest, *action.variants):
        after = cluster.server_side_apply(manifest, dry_run=True, force=True, whole_answer=True)
        there = {field: value_at(after, field) for field in left}
        if manifest is action.manifest and any(here[field] is there[field] is None for field in left):
            return False
        left = {field for field in left if here[field] != there[field]}
        if not left:
            return True
    return False
