# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt an object of an upstream installation, or of another installer that the option C(adopt) names.

First rename the managers in managedFields, then apply. In this order, our apply removes the fields that the release
does not have, and pods roll out once. A dry run before finds edited fields, which stop the adoption. If the run is
interrupted in between, we own the object with the upstream values, and the next run continues.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..cluster.client import Cluster
from ..errors import ApiError
from ..findings.other_tools import removal_advice
from ..names import FIELD_MANAGER, LAST_APPLIED, MANAGERS
from ..objects.containers import container_images
from ..objects.managed_fields import places
from ..objects.resources import path_of
from ..ownership.installers import owner
from ..ownership.kubectl import take_over_entries
from ..ownership.owner import HELPERS, own_entry, traces_of
from ..ownership.upstream import edits, is_or_is_in, leftovers, owner_of_field, remove_field
from ..plan.plan import Action
from ..release.bundle import Side
from ..release.images import reference_of

# How often the adoption is repeated because the object changed meanwhile, e.g. its status.
_ATTEMPTS = 5
_STEP = "adopt"
_NO_SIDE = Side()
_INSTANCE = "app.kubernetes.io/instance"


class Adoption(NamedTuple):
    """The patch to send before our apply, and the object as it will be after it."""

    patch: list[dict[str, Any]]
    after: dict[str, Any]
    resource_version: str


def adopt(cluster: Cluster, action: Action, *, force: bool) -> dict[str, Any]:
    """Remove the ownership of other managers and apply the object.

    Returns:
        the metadata afterwards.

    Raises:
        ApiError: for example, a field of the release was edited and C(force) is not set.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _adopt_once(cluster, action, force=force)
        except ApiError as error:
            # A field conflict has causes; a 409 without causes means that the object changed since it was read.
            if error.status != 409 or error.causes or attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _adopt_once(cluster: Cluster, action: Action, *, force: bool) -> dict[str, Any]:
    adoption = look_closely(cluster, action, cluster.get(path_of(action.key), step=_STEP), force=force)
    version = adoption.resource_version
    if adoption.patch:
        version = cluster.patch(action.key, adoption.patch, step=_STEP)["metadata"]["resourceVersion"]
    # Forced, but only if the object is unchanged since the check.
    metadata = {**action.manifest["metadata"], "resourceVersion": version}
    return dict(cluster.server_side_apply({**action.manifest, "metadata": metadata}, force=True)["metadata"])


def look_closely(cluster: Cluster, action: Action, live: dict[str, Any], *, force: bool) -> Adoption:
    """Find out by dry runs what an adoption has to do.

    Raises:
        ApiError: the same errors as C(adopt).
    """
    try:
        after = cluster.server_side_apply(action.manifest, dry_run=True, force=True, whole_answer=True)
    except ApiError as error:
        if error.status == 422:
            error.next_step = (
                "the object differs too much to be adopted: delete this object alone with `kubectl delete`, unless it "
                f"is a CRD or a Namespace, then run again; {removal_advice(owner(live['metadata'])['name'])}"
            )
        raise
    side = action.side or _NO_SIDE
    if action.side is not None and not action.tool and not force:
        _require_unedited(cluster, action, side, live, after)
    if action.tool and not force:
        _require_known_images(action, live)
    before = live["metadata"]
    gone, disowned = leftovers(side, live, action.manifest)
    ours = (own_entry(after["metadata"]) or {}).get("fieldsV1") or {}
    traces = _traces(before, action) if action.tool else []
    removed = [("f:metadata", f"f:{where}", f"f:{key}") for where, key in traces] + [
        ("f:metadata", "f:ownerReferences")
    ]
    fields = take_over_entries(before, action.manifest, ours, (gone, disowned), _managers(action.tool, before), removed)
    patch = _patch(before, fields, traces)
    return Adoption(patch, _foretold(after, fields, gone, traces) if patch else after, before["resourceVersion"])


def _traces(metadata: Mapping[str, Any], action: Action) -> list[tuple[str, str]]:
    """Return the labels and annotations by which the tool would find the object, and might delete it."""
    found = traces_of(metadata)
    # By default, Argo CD up to 2.14 finds its objects by this label, which charts set as well.
    if _INSTANCE in (metadata.get("labels") or {}) and _INSTANCE not in (
        action.manifest["metadata"].get("labels") or {}
    ):
        found = sorted([*found, ("labels", _INSTANCE)])
    return found


def _managers(tool: str, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the prefixes of a tool's field managers. For C(other): all but controllers and kubectl."""
    if tool != "other":
        return MANAGERS.get(tool, ())
    names = {str(entry.get("manager")) for entry in metadata.get("managedFields") or []}
    return tuple(sorted(name for name in names - HELPERS - {FIELD_MANAGER} if not name.startswith("kubectl")))


def _require_unedited(
    cluster: Cluster, action: Action, side: Side, live: dict[str, Any], after: dict[str, Any]
) -> None:
    found = edits(side, live, after)
    if found and side.default is not None:
        # Another profile, or options: values of upstream's profile without options are no edits.
        default = cluster.server_side_apply(side.default, dry_run=True, force=True, whole_answer=True)
        others = edits(side, live, default)
        found = {name: values for name, values in found.items() if any(is_or_is_in(name, other) for other in others)}
    if not found:
        return
    raise _modified(
        action,
        [_cause(f".{name}", owner_of_field(live["metadata"], name), *values) for name, values in found.items()],
    )


def _require_known_images(action: Action, live: dict[str, Any]) -> None:
    """Fail if a container has an image that neither the release nor the options have: a mirror, or a patched build."""
    here, *known = (container_images(manifest) for manifest in (live, action.manifest, *action.variants))
    wanted = known[0]
    causes = [
        _cause(field, owner_of_field(live["metadata"], _as_in_diffs(field)) or action.tool, image, wanted[field])
        for field, image in here.items()
        # An image may be written with its registry or without.
        if field in wanted
        and reference_of(image) not in {reference_of(images[field]) for images in known if field in images}
    ]
    if causes:
        raise _modified(action, causes)


def _as_in_diffs(field: str) -> str:
    """Return the path of a field in the notation of C(diff.py)."""
    return field.removeprefix(".").replace('[name="', "[").replace('"]', "]")


def _cause(field: str, manager: str, live: Any, wanted: Any) -> dict[str, Any]:
    manager = manager or "nobody"
    return {
        "field": field,
        "message": f'conflict with "{manager}"',
        "owner": manager,
        "live": live,
        "wanted": wanted,
    }


def _modified(action: Action, causes: list[dict[str, Any]]) -> ApiError:
    return ApiError(
        "fields of the release were modified",
        status=409,
        reason="Conflict",
        causes=causes,
        step=_STEP,
        subject=str(action.key),
        next_step="undo these changes, or set force_conflicts: true to overwrite them",
    )


def _patch(
    metadata: Mapping[str, Any], fields: list[dict[str, Any]], traces: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    removed = [f"/metadata/{where}/{_escaped(key)}" for where, key in traces]
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        removed.append(f"/metadata/annotations/{_escaped(LAST_APPLIED)}")
    if metadata.get("ownerReferences"):
        # With ownerReferences, the object would be deleted together with its owner.
        removed.append("/metadata/ownerReferences")
    patch: list[dict[str, Any]] = [{"op": "remove", "path": path} for path in removed]
    if fields != (metadata.get("managedFields") or []):
        patch.append({"op": "replace", "path": "/metadata/managedFields", "value": fields})
    if patch:
        patch.append({"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]})
    return patch


def _foretold(
    after: dict[str, Any], fields: list[dict[str, Any]], gone: Mapping[str, Any], traces: list[tuple[str, str]]
) -> dict[str, Any]:
    """Return the object of the dry run without the fields that go only after the managers are renamed."""
    foretold = copy.deepcopy(after)
    metadata = foretold["metadata"]
    ours = own_entry(metadata)
    others = {"managedFields": fields}
    metadata["managedFields"] = [entry for entry in fields if entry != own_entry(others)] + ([ours] if ours else [])
    for where, key in [*traces, ("annotations", LAST_APPLIED)]:
        (metadata.get(where) or {}).pop(key, None)
    metadata.pop("ownerReferences", None)
    for path in places(gone):
        remove_field(foretold, path)
    return foretold


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
