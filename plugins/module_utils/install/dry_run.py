# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run would do with each object, asked of the server by dry runs before the first write. Writes nothing.

What differs, or may, is asked about before every run: where the server's answer is what is there already, nothing is
written (what it fills in, and what admission changes, is no drift), and conflicts are known while all is as it was.
Check mode asks about what is not there, too, so that a policy or an escalation of rights refuses
it as it would the run.
The server cannot judge an object whose namespace or CRD the same run creates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ..cluster.client import Cluster
from ..cluster.retry import is_webhook_transport
from ..errors import ApiError, ConductorError
from ..names import FIELD_MANAGER
from ..objects.diff import changed_fields
from ..objects.resources import Key, key_of, path_of
from ..ownership.owner import own_entry
from ..plan.plan import Action
from ..release.bundle import Bundle
from .conflicts import (
    Conflict,
    conflict_error,
    conflicts_of,
    explained,
    is_of_controllers,
    is_ownership_conflict,
    owners_of,
)
from .takeover import predict_take_over

# What a run changes in an object: path -> (before, after); or in one line.
Changes: TypeAlias = "Mapping[str, tuple[Any, Any]] | str"

CREATED = "created"
UPDATED = "updated"
PRUNED = "pruned"
NOT_ASKED = "(predicted)"


@dataclass(frozen=True)
class Prediction:
    """What would become of one object.

    Args:
        changes: empty where the object would stay as it is.
        metadata: as it would be; only an empty uid where the object is not there yet.
        asked: whether the server said so; False where it is only concluded.
    """

    action: Action
    changes: Changes
    metadata: Mapping[str, Any]
    asked: bool = True


def predict(
    cluster: Cluster,
    bundle: Bundle,
    writes: Sequence[Action],
    present: Collection[Key],
    *,
    force: bool = False,
    ask_creations: bool = False,
) -> list[Prediction]:
    """A prediction for each of these actions.

    Args:
        present: the objects of the bundle that are on the cluster.
        force: as for the apply itself.
        ask_creations: send a dry run for what is not there, too; otherwise it counts as created.

    Raises:
        RefusedError: somebody else owns fields; C(facts["conflicts"]) has all of them.
        ConductorError: the first other failure, in the order of the actions; what the run would fail with.
    """

    def one(action: Action) -> Prediction | list[Conflict] | ConductorError:
        try:
            if action.verb == "prune":
                return Prediction(action, PRUNED, {"uid": action.uid})
            if action.verb != "create":
                return _of_change(cluster, action, force)
            if not ask_creations:
                return Prediction(action, CREATED, {"uid": ""}, asked=False)
            if not _can_be_asked(bundle, action.key, present):
                return _concluded(action, CREATED)
            return _of_creation(cluster, action, force)
        except ConductorError as error:
            return explained(error)

    predictions: list[Prediction] = []
    conflicts: list[Conflict] = []
    for answer in cluster.each(one, writes):
        if isinstance(answer, ConductorError):
            raise answer
        if isinstance(answer, Prediction):
            predictions.append(answer)
        else:
            conflicts += answer
    if conflicts:
        raise conflict_error(conflicts)
    return predictions


def _can_be_asked(bundle: Bundle, key: Key, present: Collection[Key]) -> bool:
    """Whether the namespace and the CRD of an object are there; only those of the bundle can be missing."""
    group = key.api_version.rpartition("/")[0]
    needed = {
        key_of(manifest)
        for manifest in bundle.objects("CustomResourceDefinition")
        if (manifest["spec"]["group"], manifest["spec"]["names"]["kind"]) == (group, key.kind)
    }
    if key.namespace:
        needed.add(Key("v1", "Namespace", "", key.namespace))
    return needed <= set(present)


def _of_creation(cluster: Cluster, action: Action, force: bool) -> Prediction:
    try:
        cluster.server_side_apply(action.manifest, dry_run=True, force=force)
    except ApiError as error:
        # 404: something it refers to is of the same run, e.g. the ClusterRole of a binding.
        if error.status == 404 or is_webhook_transport(error):
            return _concluded(action, CREATED)
        raise
    return Prediction(action, CREATED, {"uid": ""})


def _of_change(cluster: Cluster, action: Action, force: bool) -> Prediction | list[Conflict]:
    live = _live(cluster, action.key)
    try:
        if action.take_over:
            after = predict_take_over(cluster, action, live or {}, force=force)
        else:
            action, after = _asked(cluster, action, force)
    except ApiError as error:
        # A webhook whose controller this run may bring back.
        if is_webhook_transport(error):
            return _concluded(action, UPDATED)
        found = conflicts_of(error, action.key, live, action.manifest, FIELD_MANAGER)
        if not (found and is_ownership_conflict(error)):
            raise
        return found
    if live is None:
        # May be applied and not read: what changes is for the apply to find out.
        return Prediction(action, f"{UPDATED} {NOT_ASKED}", after["metadata"], asked=False)
    changes = changed_fields(live, after)
    if action.take_over:
        changes = {"field manager": (action.tool or "kubectl", FIELD_MANAGER), **changes}
    return Prediction(action, changes or _changed_ownership(live, after), after["metadata"])


def _asked(cluster: Cluster, action: Action, force: bool) -> tuple[Action, dict[str, Any]]:
    """The answer of a dry run; by force where nobody is in the way but a writer that uses our own name.

    An Update under the name C(conductor) is another manager to the server than our Apply (KEP-555), and none that
    anybody could ask to give a field up. Nor is a controller that wrote its own authority into a C(caBundle), and makes
    no certificates any more.
    """
    try:
        return action, cluster.server_side_apply(action.manifest, dry_run=True, force=force, whole_answer=True)
    except ApiError as error:
        if not is_ownership_conflict(error) or not (owners_of(error) == {FIELD_MANAGER} or is_of_controllers(error)):
            raise
    forced = replace(action, force=True)
    return forced, cluster.server_side_apply(action.manifest, dry_run=True, force=True, whole_answer=True)


def _live(cluster: Cluster, key: Key) -> dict[str, Any] | None:
    """The object as it is, empty where it has just gone; None where this identity may not read it whole."""
    try:
        return cluster.find(path_of(key)) or {}
    except ApiError as error:
        if error.status != 403:
            raise
        return None


def _changed_ownership(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Fields that only become ours (again), e.g. where somebody changed one and set it back."""
    old, new = (own_entry(value.get("metadata") or {}) or {} for value in (before, after))
    if old.get("fieldsV1") == new.get("fieldsV1"):
        return {}
    return {"fields owned by Conductor": (_leaves(old.get("fieldsV1") or {}), _leaves(new.get("fieldsV1") or {}))}


def _leaves(fields: Mapping[str, Any]) -> int:
    return sum(_leaves(below) if below else name != "." for name, below in fields.items())


def _concluded(action: Action, what: str) -> Prediction:
    return Prediction(action, f"{what} {NOT_ASKED}", {"uid": ""}, asked=False)
