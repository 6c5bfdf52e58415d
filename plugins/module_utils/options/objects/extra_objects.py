# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the user that are applied, recorded and removed together with the release. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import InputError
from ...names import INSTALL_LEASE, INSTALL_RECORD
from ...objects.documents import DocumentError, json_types
from ...objects.fields import part
from ...objects.resources import RESOURCES, Key, key_of
from ...ownership.owner import traces_of
from ...release.bundle import phase_of
from ...release.components import is_named_jobset
from ..draft import Draft
from ..record import is_digest

_OPTION = "extra_objects"
_API_VERSION = re.compile(r"(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v\d+((alpha|beta)\d+)?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
# Kinds that are no part of an installation, and what to do instead.
_REFUSED = {
    **dict.fromkeys(("TrainJob", "JobSet"), "submit it with the module conductor.trainer.trainjob or with kubectl"),
    **dict.fromkeys(("Pod", "ReplicaSet", "ReplicationController"), "use a Deployment, a StatefulSet or a DaemonSet"),
    "Job": "use a CronJob, or a task of your playbook: a Job cannot be changed",
    **dict.fromkeys(("Event", "Endpoints", "EndpointSlice", "Lease", "Node"), "only controllers write it"),
}
# Requests to the server that have the form of an object, e.g. TokenReview.
_REQUESTS = re.compile(r".*Review|Binding|Eviction|DeleteOptions|Scale|TokenRequest")
# Only the server or controllers set them; C(generateName) would make another object at every run.
_FORBIDDEN = (
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "managedFields",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "ownerReferences",
    "finalizers",
)


def lay_extra_objects(draft: Draft, options: Mapping[str, Any]) -> None:
    """Add the objects of the user."""
    release = {_identity(key): key for key in (*draft.bundle.known, *draft.all())}
    given: set[tuple[str, ...]] = set()
    with draft.because(_OPTION):
        for manifest in map(_checked, _flat(options.get(_OPTION) or ())):
            if "namespace" not in manifest["metadata"] and _is_namespaced(manifest):
                manifest["metadata"]["namespace"] = draft.bundle.namespace
            key = key_of(manifest)
            same = _identity(key)
            if same in release:
                raise _wrong(
                    f"{key} belongs to the release", "use `conductor_patches` to change it, or give it another name"
                )
            if same in given:
                raise _wrong(f"{key} is there twice", "remove one of them")
            given.add(same)
            if is_digest(manifest) and draft.recorded:
                # The record does not have the object itself.
                draft.keep(key)
                continue
            if "namespace" in manifest["metadata"] and not key.namespace:
                raise _wrong(f"{key} is cluster-wide and has a namespace", "remove metadata.namespace")
            _check_place(key, draft.bundle.probe_namespace)
            draft.add(phase_of(key.api_version, key.kind), manifest)


def _identity(key: Key) -> tuple[str, ...]:
    """Return what identifies an object in all versions of its API group."""
    return key.api_version.rpartition("/")[0], *key[1:]


def _flat(items: Any) -> Iterator[Any]:
    """Return the objects, those of Lists included."""
    for item in items:
        if isinstance(item, Mapping) and item.get("kind") == "List" and isinstance(item.get("items"), list):
            yield from _flat(item["items"])
        else:
            yield item


def _checked(item: Any) -> dict[str, Any]:
    """Return a copy of an object, without what an export of kubectl leaves empty.

    Raises:
        InputError: it is no object that can be applied. The message does not show its content.
    """
    if not isinstance(item, Mapping):
        raise _wrong(
            "an item is no object, and no path that exists on the control node",
            "write the object itself, or put the file beside the playbook",
        )
    try:
        manifest: dict[str, Any] = json_types(item)
    except DocumentError as error:
        raise _wrong(f"an object cannot be sent as JSON: {error}", "correct it") from None
    version, kind, metadata = manifest.get("apiVersion"), manifest.get("kind"), manifest.get("metadata")
    if not (isinstance(version, str) and _API_VERSION.fullmatch(version)):
        raise _wrong("an object has no apiVersion", "write one, e.g. apps/v1")
    if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        raise _wrong(f"an object of {version} has no kind", "write one, e.g. ConfigMap")
    if not isinstance(metadata, dict) or not _is_text(metadata.get("name")):
        raise _wrong(f"an object of kind {kind} has no metadata.name", "name it; the name identifies it at each run")
    whole = f"{kind} {metadata['name']}"
    if kind in _REFUSED or _REQUESTS.fullmatch(kind):
        raise _wrong(
            f"{whole} cannot be applied with a release", _REFUSED.get(kind, "send it in a task of your playbook")
        )
    if not manifest.get("status"):
        manifest.pop("status", None)
    for name in [name for name in _FORBIDDEN if not metadata.get(name)]:
        metadata.pop(name, None)
    wrong = [f"metadata.{name}" for name in _FORBIDDEN if name in metadata] + ["status"] * ("status" in manifest)
    if wrong:
        raise _wrong(f"{whole} has {', '.join(wrong)}, which only the server and controllers set", "remove it")
    if "namespace" in metadata and not _is_text(metadata["namespace"]):
        if metadata["namespace"] not in (None, ""):
            raise _wrong(f"the namespace of {whole} is not a text", "put it in quotes")
        del metadata["namespace"]
    for name in ("labels", "annotations"):
        values = metadata.get(name) or {}
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise _wrong(f"the {name} of {whole} are not texts", "put their values in quotes")
        if not values:
            metadata.pop(name, None)
    if foreign := traces_of(metadata):
        raise _wrong(
            f"{whole} has {', '.join(name for _where, name in foreign)}, by which another installer claims it",
            "remove it, or let that installer apply the object",
        )
    return _without_string_data(manifest, whole)


def _without_string_data(manifest: dict[str, Any], whole: str) -> dict[str, Any]:
    """Write the stringData of a Secret into its data: of a stringData, the server does not remove what was there."""
    texts = manifest.pop("stringData", None) if manifest["kind"] == "Secret" else None
    if not texts:
        return manifest
    if not isinstance(texts, dict) or not all(isinstance(value, str) for value in texts.values()):
        raise _wrong(f"the stringData of {whole} are not texts", "put their values in quotes")
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in texts.items()}
    return {**manifest, "data": {**part(manifest, "data"), **encoded}}


def _check_place(key: Key, probe_namespace: str) -> None:
    if key.name in (INSTALL_RECORD, INSTALL_LEASE):
        raise _wrong(f"{key} belongs to Conductor itself", "give it another name")
    if is_named_jobset(key.name):
        # With an external JobSet, they would count as parts of the bundled one.
        raise _wrong(f"{key} has a name of JobSet: its objects begin with jobset", "give it another name")
    if key.namespace == probe_namespace or (key.kind, key.name) == ("Namespace", probe_namespace):
        raise _wrong(f"{key} is where Conductor tests webhooks", "use another namespace")
    if key.kind == "Namespace" and (key.name == "default" or key.name.startswith("kube-")):
        raise _wrong(f"{key} belongs to Kubernetes", "remove it")


def _is_namespaced(manifest: Mapping[str, Any]) -> bool:
    """Return whether objects of this kind need a namespace; of custom kinds, the object itself has to say so."""
    resource = RESOURCES.get((manifest["apiVersion"], manifest["kind"]))
    return resource is not None and resource.namespaced


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _wrong(what: str, next_step: str) -> InputError:
    return InputError(f"`conductor_{_OPTION}`: {what}", next_step=next_step)
