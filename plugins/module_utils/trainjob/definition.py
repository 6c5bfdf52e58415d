# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the definition of a TrainJob, and of the objects it needs, from data or YAML. Pure.

The definition may also contain the Namespace, ConfigMaps and TrainingRuntimes of the job. A file for C(kubectl apply)
usually contains no other objects.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import InputError
from ..objects.documents import MOST_CHARACTERS, DocumentError, documents, json_types
from ..objects.encodings import EncodingProblem, text_of
from ..objects.fields import name_of, namespace_of, part, text
from ..objects.resources import Key
from ..release.recognition import TRAINER_GROUP

API_VERSION = f"{TRAINER_GROUP}/v1alpha1"
# The label of objects that were created for one job: nothing without it is ever deleted with the job.
MADE_FOR = "conductor.trainer/made-for"
_KINDS = {
    ("v1", "Namespace"): 0,
    ("v1", "ConfigMap"): 1,
    (API_VERSION, "TrainingRuntime"): 2,
    (API_VERSION, "TrainJob"): 3,
}


class Submission(NamedTuple):
    """One TrainJob and the objects it needs, in the order of creation."""

    job: dict[str, Any]
    companions: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> Key:
        """Return the key of the TrainJob; without a name if the server generates it."""
        return trainjob_key(namespace_of(self.job), name_of(self.job))


def trainjob_key(namespace: str, name: str) -> Key:
    """Return the key of a TrainJob."""
    return Key(API_VERSION, "TrainJob", namespace, name)


def asked_for(
    definition: Any, src: str | None, name: str | None, namespace: str | None
) -> tuple[Key, Submission | None]:
    """Return the key of the TrainJob and its definition; None instead of a definition refers to an existing TrainJob.

    Args:
        definition: an object, a list of objects, or text.
        src: the path of a file with such text.

    Raises:
        InputError: the options contradict each other, cannot be read or are incomplete.
    """
    if definition and src:
        raise InputError("both definition and src are set", next_step="set only one of them")
    if src:
        items = documents_of(_text_of(src), f"src {src}")
    elif isinstance(definition, str) and definition:
        items = documents_of(definition, "definition")
    elif not definition:
        if not name or not namespace:
            raise InputError(
                "no TrainJob is named",
                next_step="set definition or src, or name and namespace of an existing TrainJob",
            )
        return trainjob_key(namespace, name), None
    else:
        items = _plain(definition if isinstance(definition, list) else [definition])
    submission = submission_of(items, name or "", namespace or "")
    return submission.key, submission


def _text_of(path: str) -> str:
    problem: Exception | str
    try:
        with open(path, "rb") as stream:
            return text_of(stream.read(4 * MOST_CHARACTERS + 1))
    except EncodingProblem as error:
        problem = f"it {error}"
    except (OSError, ValueError) as error:
        problem = error
    raise InputError(f"src {path} cannot be read: {problem}", next_step="set src to a file that contains a TrainJob")


def documents_of(words: str, where: str) -> list[Any]:
    """Return the documents of a YAML or JSON text.

    Raises:
        InputError: the text is neither, or holds nothing.
    """
    try:
        found = [document for document in documents(words, unique_keys=True) if document is not None]
    except DocumentError as error:
        raise InputError(f"{where} is neither YAML nor JSON: {error}", next_step="correct it") from None
    if not found:
        raise InputError(f"{where} holds nothing", next_step="write a TrainJob into it")
    return found


def _plain(items: list[Any]) -> list[Any]:
    """Return data of a playbook with the types of JSON only."""
    try:
        return [json_types(item) for item in items]
    except DocumentError as error:
        raise InputError(f"definition cannot be sent as JSON: {error}", next_step="correct it") from None


def submission_of(documents: Sequence[Any], name: str = "", namespace: str = "") -> Submission:
    """Return the TrainJob and the objects it needs.

    Args:
        documents: objects, or Lists of them.
        name, namespace: those of the TrainJob, if its metadata does not have them.

    Raises:
        InputError: there is not exactly one TrainJob, it is incomplete, or there are objects of other kinds.
    """
    objects = [_checked(item) for document in documents for item in _items(document)]
    objects.sort(key=lambda item: _KINDS[item["apiVersion"], item["kind"]])
    jobs = [item for item in objects if item["kind"] == "TrainJob"]
    if len(jobs) != 1:
        raise InputError(f"the definition contains {len(jobs)} TrainJobs", next_step="define exactly one TrainJob")
    (job,) = jobs
    _complete(job, name, namespace)
    where = namespace_of(job)
    companions = [item for item in objects if item is not job]
    for item in companions:
        place = name_of(item) if item["kind"] == "Namespace" else item["metadata"].setdefault("namespace", where)
        if not name_of(item) or place != where:
            raise InputError(
                f"{item['kind']} {name_of(item) or 'without a name'} is not in the TrainJob's namespace {where}",
                next_step="define only objects that the job needs, in its namespace",
            )
    if name_of(job):
        for item in companions:
            item["metadata"]["labels"] = {**part(item, "metadata", "labels"), MADE_FOR: name_of(job)}
    return Submission(job, tuple(companions))


def _items(document: Any) -> list[Any]:
    if isinstance(document, Mapping) and document.get("kind") == "List":
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [document]


def _checked(item: Any) -> dict[str, Any]:
    """Return a copy of an object of an allowed kind, with cleaned metadata."""
    if not isinstance(item, Mapping):
        raise InputError(
            f"the definition contains {str(item)[:40]!r}, which is no object", next_step="define a TrainJob"
        )
    kind = (text(item, "apiVersion"), text(item, "kind"))
    if kind not in _KINDS:
        raise InputError(
            f"the definition contains {kind[1] or 'an object without a kind'} of {kind[0] or 'no apiVersion'}",
            next_step=f"define a TrainJob of {API_VERSION}, and optionally its Namespace, ConfigMaps and "
            "TrainingRuntimes; create other objects before",
        )
    found: dict[str, Any] = copy.deepcopy(dict(item))
    # An exported object has a status; a request must not have one.
    found.pop("status", None)
    found["metadata"] = {
        field: value
        for field, value in part(found, "metadata").items()
        if field not in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
    }
    return found


def _complete(job: dict[str, Any], name: str, namespace: str) -> None:
    metadata = job["metadata"]
    for field, value in (("name", name), ("namespace", namespace)):
        said = metadata.get(field)
        if value and said and said != value:
            raise InputError(
                f"{field} is {value}, but the definition has {said}",
                next_step="set only one of them, or make them equal",
            )
        if value and not said:
            metadata[field] = value
    if not metadata.get("namespace"):
        raise InputError(
            "the TrainJob has no namespace", next_step="set namespace, or metadata.namespace in the definition"
        )
    if not metadata.get("name") and not metadata.get("generateName"):
        raise InputError("the TrainJob has no name", next_step="set name, or metadata.name in the definition")
    if metadata.get("name"):
        metadata.pop("generateName", None)


def differences(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """Return the paths of the user-defined fields in which two TrainJobs differ.

    Args:
        wanted: the response to a dry run of the definition, with all defaults.
        present: the existing TrainJob.
    """
    return sorted(_differing(_decided(wanted, wanted), _decided(present, wanted), "spec"))


def _decided(job: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec without fields that change later: a queue (Kueue) resumes the job and adds its own patches."""
    managers = {text(patch, "manager") for patch in _patches(wanted)}
    spec = {field: value for field, value in part(job, "spec").items() if field not in ("suspend", "runtimePatches")}
    # Trainer's defaulter stamps the time.
    patches = [
        {field: value for field, value in patch.items() if field != "time"}
        for patch in _patches(job)
        if text(patch, "manager") in managers
    ]
    return {**spec, "runtimePatches": patches} if patches else spec


def _patches(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = part(job, "spec").get("runtimePatches")
    return [patch for patch in found if isinstance(patch, Mapping)] if isinstance(found, list) else []


def _differing(wanted: Any, present: Any, path: str) -> list[str]:
    if isinstance(wanted, Mapping) and isinstance(present, Mapping):
        return [
            found
            for field in {*wanted, *present}
            for found in _differing(wanted.get(field), present.get(field), f"{path}.{field}")
        ]
    return [] if wanted == present else [path]
