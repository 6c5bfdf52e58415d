# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that an answer is what was asked for: the right kind of object, with the right name. Pure.

An empty object for a list would look like an empty cluster, and an object of another name like the one in question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from .body import OddAnswer, quoted

# The metadata of an object or list; sent instead of the whole if only that is requested.
_METADATA = "PartialObjectMetadata"
_REVIEWS = "authorization.k8s.io"
_DISCOVERY = {
    "/api": ("APIGroupDiscoveryList", "APIVersions"),
    "/apis": ("APIGroupDiscoveryList", "APIGroupList"),
}
# Names of objects have at most 253 characters; some kinds have no limit of their own.
_LONGEST_NAME = 1024


class Wanted(NamedTuple):
    """What a request asks for.

    Args:
        form: C(object), C(list), C(review), C(deletion), C(deletion of all) or C(document). A Status of success answers
            a deletion.
        kind: the kind of the objects; empty if it is not known.
        name, namespace: of the object; the namespace also of a list. Empty if any is right.
        namespaced: whether the objects are in namespaces.
        stored: whether they are stored.
        path: of a document.
    """

    form: str
    kind: str = ""
    name: str = ""
    namespace: str = ""
    namespaced: bool = False
    stored: bool = False
    path: str = ""


def wanted_of(
    method: str, path: str, body: Any, kind_of: Callable[[str, str], tuple[str, bool]], *, dry_run: bool = False
) -> Wanted:
    """Return what a request asks for.

    Args:
        kind_of: returns the kind of an API root, e.g. C(/apis/apps/v1), and a plural, and whether its objects are in
            namespaces; the kind is empty if it is not known.
        dry_run: the server stores nothing.
    """
    segments = [unquote(segment) for segment in path.split("/")[1:]]
    length = {"api": 2, "apis": 3}.get(segments[0], 0)
    root, rest = "/" + "/".join(segments[:length]), segments[length:]
    if not length or not rest:
        return Wanted("document", path=path)
    if segments[1] == _REVIEWS:
        return Wanted("review", str(body.get("kind")) if isinstance(body, dict) else "")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    kind, namespaced = kind_of(root, rest[0])
    if len(rest) == 1 and method == "GET":
        return Wanted("list", kind, "", namespace, namespaced, stored=True)
    if len(rest) == 1 and method == "DELETE":
        # Of a whole collection; the answer is a list or a Status.
        return Wanted("deletion of all")
    name = rest[1] if len(rest) > 1 else ""
    if len(rest) > 2 and rest[2] != "status":
        # A subresource may have a kind of its own, or be an order like an eviction.
        return Wanted("deletion" if method == "POST" else "object", name=name, namespace=namespace)
    if not name and isinstance(body, dict):
        name = str((body.get("metadata") or {}).get("name") or "")
    form = "deletion" if method == "DELETE" else "object"
    return Wanted(form, kind, name, namespace, namespaced, stored=not dry_run)


def check_answer(answer: dict[str, Any], wanted: Wanted) -> None:
    """Check an answer.

    Raises:
        OddAnswer: it is not what was asked for.
    """
    kind = answer.get("kind")
    if kind == "Status" and not (wanted.form.startswith("deletion") and answer.get("status") == "Success"):
        raise OddAnswer(f"it is a Status {quoted(answer.get('status'))}: {quoted(answer.get('message'), 300)}")
    if kind is not None and not isinstance(kind, str):
        raise OddAnswer(f"its kind is {quoted(kind)}")
    if kind == "Status":
        return
    if wanted.form == "list":
        _check_list(answer, wanted)
    elif wanted.form == "document":
        _check_document(answer, wanted.path)
    elif wanted.form == "review":
        if kind not in (None, wanted.kind) or not isinstance(answer.get("status"), dict):
            raise OddAnswer(f"it is not an answered {wanted.kind}")
    elif wanted.form != "deletion of all":
        check_object(answer, wanted)


def _check_document(answer: Mapping[str, Any], path: str) -> None:
    kinds = _DISCOVERY.get(path)
    if kinds and answer.get("kind") not in kinds:
        raise OddAnswer(f"it is not a list of API groups: its kind is {quoted(answer.get('kind'))}")
    if path == "/version" and not isinstance(answer.get("gitVersion"), str):
        raise OddAnswer("it is not the version of an API server: it has no gitVersion")
    if path == "/version" and len(answer["gitVersion"]) > _LONGEST_NAME:
        raise OddAnswer("its gitVersion is too long")
    if path.startswith("/api") and not kinds:
        _dictionaries(answer, "resources", "the answer")


def _check_list(answer: Mapping[str, Any], wanted: Wanted) -> None:
    items, metadata, kind = answer.get("items"), answer.get("metadata"), answer.get("kind")
    right = (f"{wanted.kind}List", f"{_METADATA}List") if wanted.kind else ()
    if kind is not None and (kind not in right if right else not kind.endswith("List")):
        raise OddAnswer(f"its kind is {quoted(kind)}, not {wanted.kind}List")
    if not isinstance(metadata, dict):
        raise OddAnswer("it is not a list: it has no metadata")
    has_version = isinstance(metadata.get("resourceVersion"), str)
    if kind is None and not has_version:
        raise OddAnswer("it is not a list: it has no kind")
    _texts(metadata, "the list", ("continue", "resourceVersion"))
    if items is None and kind is not None and has_version and "items" in answer:
        # So API servers send an empty list of metadata.
        return
    if not isinstance(items, list):
        raise OddAnswer(f"it is not a list: its items are {quoted(items)}")
    for number, item in enumerate(items):
        try:
            check_object(item, wanted)
        except OddAnswer as error:
            raise OddAnswer(f"item {number} of the list: {error}") from None


def check_object(item: Any, wanted: Wanted) -> None:
    """Check an object: that it is the right one, and that its metadata has the right types.

    Raises:
        OddAnswer: it is another one, or none.
    """
    if not isinstance(item, dict):
        raise OddAnswer(f"it is not an object: it is {quoted(item)}")
    kind, metadata = item.get("kind"), item.get("metadata")
    if kind is not None and wanted.kind and kind not in (wanted.kind, _METADATA):
        raise OddAnswer(f"its kind is {quoted(kind)}, not {wanted.kind}")
    if not isinstance(metadata, dict):
        raise OddAnswer(f"it is not an object: its metadata is {quoted(metadata)}")
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not name:
        raise OddAnswer("it is not an object: it has no name")
    if len(name) > _LONGEST_NAME:
        raise OddAnswer(f"its name has {len(name)} characters")
    if wanted.name and name != wanted.name:
        raise OddAnswer(f"it is the object {quoted(name)}, not {quoted(wanted.name)}")
    if wanted.namespace and namespace not in (None, wanted.namespace):
        raise OddAnswer(f"it is in the namespace {quoted(namespace)}, not in {quoted(wanted.namespace)}")
    _check_metadata(metadata, name)
    # Of the kinds that are known, all objects have these; others may be computed for each answer.
    for field in ("uid", "resourceVersion", "namespace") if wanted.kind and wanted.stored else ():
        if not metadata.get(field) and (wanted.namespaced or field != "namespace"):
            raise OddAnswer(f"{quoted(name)} has no {field}")
    for field in ("spec", "status") if wanted.kind else ():
        if not isinstance(item.get(field), (dict, type(None))):
            raise OddAnswer(f"{field} of {quoted(name)} is {quoted(item[field])}")


def _check_metadata(metadata: Mapping[str, Any], name: str) -> None:
    where = quoted(name)
    _texts(metadata, where, ("namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"))
    for field in ("labels", "annotations"):
        values = metadata.get(field)
        if values is not None and not (
            isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
        ):
            raise OddAnswer(f"{field} of {where} are not texts")
    for field in ("ownerReferences", "managedFields"):
        _dictionaries(metadata, field, where)
    for entry in metadata.get("managedFields") or ():
        _texts(entry, f"managedFields of {where}", ("manager", "operation", "subresource"))
        if not isinstance(entry.get("fieldsV1"), (dict, type(None))):
            raise OddAnswer(f"fieldsV1 of {where} is {quoted(entry['fieldsV1'])}")
    finalizers = metadata.get("finalizers")
    if finalizers is not None and not (
        isinstance(finalizers, list) and all(isinstance(finalizer, str) for finalizer in finalizers)
    ):
        raise OddAnswer(f"finalizers of {where} are not texts")
    for field in ("uid", "resourceVersion"):
        if len(metadata.get(field) or "") > _LONGEST_NAME:
            raise OddAnswer(f"{field} of {where} is too long")


def _texts(values: Mapping[str, Any], where: str, fields: tuple[str, ...]) -> None:
    for field in fields:
        value = values.get(field)
        if value is not None and not isinstance(value, str):
            raise OddAnswer(f"{field} of {where} is {quoted(value)}")


def _dictionaries(values: Mapping[str, Any], field: str, where: str) -> None:
    found = values.get(field)
    if found is not None and not (isinstance(found, list) and all(isinstance(entry, dict) for entry in found)):
        raise OddAnswer(f"{field} of {where} is not a list of objects")
