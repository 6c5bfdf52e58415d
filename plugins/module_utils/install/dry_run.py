# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict by server-side dry runs what a run would do with each object, before the first write. Writes nothing.

Every run sends a dry run for each object that may differ. If the response equals the live object, nothing is written:
defaults of the server and changes by admission webhooks are no drift. All conflicts are known before the first write.
Check mode sends dry runs for missing objects, too. A policy, or RBAC's escalation check, then rejects check mode as it
would reject the run. Every run does so for the missing objects that users wrote or patched: what the server rejects in
them is known before the first write. It cannot check an object whose namespace or CRD is created by the same run.
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

# The changes of an object: path -> (before, after), or one line.
Changes: TypeAlias = "Mapping[str, tuple[Any, Any]] | str"

CREATED = "created"
UPDATED = "updated"
PRUNED = "pruned"
NOT_ASKED = "(predicted)"
# Of the other options, the values are known to be valid.
_FREE_OPTIONS = ("extra_objects", "patches[")
# k8s.io/apiserver, admission/plugin/webhook/errors: an object is created by a real request only.
_NO_DRY_RUN = "does not support dry run"


@dataclass(frozen=True)
class Prediction:
    """The predicted outcome for one object.

    Args:
        changes: empty if the object would not change.
        metadata: the metadata afterwards; only an empty uid if the object does not exist yet.
        asked: whether the prediction comes from the server.
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
    """Return a prediction for each of these actions.

    Args:
        present: the existing objects of the bundle.
        force: overwrite fields that another manager owns, as for the apply.
        ask_creations: send a dry run for missing objects, too; otherwise they count as created.

    Raises:
        RefusedError: fields have other managers; C(facts["conflicts"]) has all conflicts.
        ConductorError: the first other failure, in the order of the actions; the run would fail with it.
    """
    free = {change.key for change in bundle.changes if change.option.startswith(_FREE_OPTIONS)}

    def one(action: Action) -> Prediction | list[Conflict] | ConductorError:
        try:
            if action.verb == "prune":
                return Prediction(action, PRUNED, {"uid": action.uid})
            if action.verb != "create":
                return _of_change(cluster, bundle, action, force)
            asked = _can_be_asked(bundle, action.key, present) if ask_creations or action.key in free else False
            if ask_creations:
                return _of_creation(cluster, bundle, action, force) if asked else _concluded(action, CREATED)
            if asked:
                _require_acceptable(cluster, bundle, action, force)
            return Prediction(action, CREATED, {"uid": ""}, asked=False)
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
    """Return whether the namespace and the CRD of an object exist; only those of the bundle can be missing."""
    group = key.api_version.rpartition("/")[0]
    needed = {
        key_of(manifest)
        for manifest in bundle.objects()
        if manifest["kind"] == "CustomResourceDefinition"
        and (manifest["spec"]["group"], manifest["spec"]["names"]["kind"]) == (group, key.kind)
    }
    if key.namespace:
        needed.add(Key("v1", "Namespace", "", key.namespace))
    # Other namespaces, of users' objects, exist: otherwise the plan has a blocker.
    return needed & {key_of(manifest) for manifest in bundle.objects()} <= set(present)


def _may_be_restored(error: ConductorError, bundle: Bundle) -> bool:
    """Return whether a webhook of the release does not answer: the run may restart its controller."""
    if not isinstance(error, ApiError) or not is_webhook_transport(error):
        return False
    # A late import: most runs meet no error.
    from ..rejections.rejection import rejection_of

    found = rejection_of(error.message)
    names = {webhook["name"] for item in bundle.webhook_configurations() for webhook in item["webhooks"]}
    # Earlier releases and charts have other names of Services, but not of webhooks.
    return found.service[0] == bundle.namespace or (not found.service[1] and found.name in names)


def _of_creation(cluster: Cluster, bundle: Bundle, action: Action, force: bool) -> Prediction:
    try:
        cluster.server_side_apply(action.manifest, dry_run=True, force=force)
    except ApiError as error:
        # 404: the object refers to another one that the same run creates, e.g. the ClusterRole of a binding.
        if error.status == 404 or _may_be_restored(error, bundle):
            return _concluded(action, CREATED)
        raise
    return Prediction(action, CREATED, {"uid": ""})


def _require_acceptable(cluster: Cluster, bundle: Bundle, action: Action, force: bool) -> None:
    """Fail if the server would reject an object that does not exist yet."""
    try:
        _of_creation(cluster, bundle, action, force)
    except ApiError as error:
        if _NO_DRY_RUN not in error.message:
            raise


def _of_change(cluster: Cluster, bundle: Bundle, action: Action, force: bool) -> Prediction | list[Conflict]:
    live = _live(cluster, action.key)
    try:
        if action.take_over:
            after = predict_take_over(cluster, action, live or {}, force=force)
        else:
            action, after = _asked(cluster, action, force)
    except ApiError as error:
        if _may_be_restored(error, bundle):
            return _concluded(action, UPDATED)
        found = conflicts_of(error, action.key, live, action.manifest, FIELD_MANAGER)
        if not (found and is_ownership_conflict(error)):
            raise
        return found
    if live is None:
        # No permission to read the object: only the apply shows what changes.
        return Prediction(action, f"{UPDATED} {NOT_ASKED}", after["metadata"], asked=False)
    changes = changed_fields(live, after)
    if action.take_over:
        changes = {"field manager": (action.tool or "kubectl", FIELD_MANAGER), **changes}
    return Prediction(action, changes or _changed_ownership(live, after), after["metadata"])


def _asked(cluster: Cluster, action: Action, force: bool) -> tuple[Action, dict[str, Any]]:
    """Return the response of a dry run; forced if all conflicts are with a writer that uses our name.

    For the server, an Update by the manager C(conductor) is another owner than our Apply (KEP-555), and there is nobody
    who could give its fields up. The same holds for a controller that wrote its CA into a C(caBundle) and no longer
    creates certificates.
    """
    try:
        return action, cluster.server_side_apply(action.manifest, dry_run=True, force=force, whole_answer=True)
    except ApiError as error:
        if not is_ownership_conflict(error) or not (owners_of(error) == {FIELD_MANAGER} or is_of_controllers(error)):
            raise
    forced = replace(action, force=True)
    return forced, cluster.server_side_apply(action.manifest, dry_run=True, force=True, whole_answer=True)


def _live(cluster: Cluster, key: Key) -> dict[str, Any] | None:
    """Return the live object; empty if it has just been deleted, None if it may not be read completely."""
    try:
        return cluster.find(path_of(key)) or {}
    except ApiError as error:
        if error.status != 403:
            raise
        return None


def _changed_ownership(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return a change of the fields that we own: e.g. another manager changed a field and set it back."""
    old, new = (own_entry(value.get("metadata") or {}) or {} for value in (before, after))
    if old.get("fieldsV1") == new.get("fieldsV1"):
        return {}
    return {"fields owned by Conductor": (_leaves(old.get("fieldsV1") or {}), _leaves(new.get("fieldsV1") or {}))}


def _leaves(fields: Mapping[str, Any]) -> int:
    return sum(_leaves(below) if below else name != "." for name, below in fields.items())


def _concluded(action: Action, what: str) -> Prediction:
    return Prediction(action, f"{what} {NOT_ASKED}", {"uid": ""}, asked=False)
