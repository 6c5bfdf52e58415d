# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user hands in as a TrainJob: one TrainJob, and what it needs beside it, out of data or YAML. Pure.

Beside it there may be its Namespace, ConfigMaps and TrainingRuntimes; they are all that a file for C(kubectl apply)
usually has before the job.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

try:
    import yaml
except ImportError:  # it comes with the kubernetes library, which _module.py asks for
    pass

from ..errors import InputError
from ..objects.fields import name_of, namespace_of, part, text
from ..objects.resources import Key
from ..release.recognition import TRAINER_GROUP

API_VERSION = f"{TRAINER_GROUP}/v1alpha1"
# What is made for one job says so: nothing without this label is ever deleted with the job.
MADE_FOR = "conductor.trainer/made-for"
_KINDS = {
    ("v1", "Namespace"): 0,
    ("v1", "ConfigMap"): 1,
    (API_VERSION, "TrainingRuntime"): 2,
    (API_VERSION, "TrainJob"): 3,
}


class Submission(NamedTuple):
    """One TrainJob, and the objects it needs, in the order in which they are made."""

    job: dict[str, Any]
    beside: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> Key:
        """Which TrainJob; without a name where the server is to make one up."""
        return trainjob_key(namespace_of(self.job), name_of(self.job))


def trainjob_key(namespace: str, name: str) -> Key:
    """The key of a TrainJob."""
    return Key(API_VERSION, "TrainJob", namespace, name)


def asked_for(
    definition: Any, src: str | None, name: str | None, namespace: str | None
) -> tuple[Key, Submission | None]:
    """Which TrainJob is meant, and what it is to be; None where it is one that is there.

    Args:
        definition: an object, a list of objects, or text.
        src: a file of such text.

    Raises:
        InputError: they do not fit together, cannot be read, or say too little.
    """
    if definition and src:
        raise InputError("both definition and src are given", next_step="leave one of them out")
    if src:
        definition = _text_of(src)
    if not definition:
        if not name or not namespace:
            raise InputError(
                "no TrainJob is named", next_step="give definition or src, or name and namespace of one that is there"
            )
        return trainjob_key(namespace, name), None
    if isinstance(definition, str):
        documents = documents_of(definition, src or "definition")
    else:
        documents = definition if isinstance(definition, list) else [definition]
    submission = submission_of(documents, name or "", namespace or "")
    return submission.key, submission


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"src {path} cannot be read: {error}", next_step="name a file with a TrainJob in it") from None


def documents_of(words: str, where: str) -> list[Any]:
    """The documents of a YAML or JSON text.

    Raises:
        InputError: it is neither.
    """
    try:
        return [document for document in yaml.safe_load_all(words) if document is not None]
    except yaml.YAMLError as error:
        raise InputError(
            f"{where} is neither YAML nor JSON: {' '.join(str(error).split())}", next_step="correct it"
        ) from None


def submission_of(documents: Sequence[Any], name: str = "", namespace: str = "") -> Submission:
    """What these documents ask for.

    Args:
        documents: objects, or Lists of them.
        name, namespace: of the TrainJob, where its metadata leave them out.

    Raises:
        InputError: there is not exactly one TrainJob, or it says too little, or there is something else.
    """
    objects = [_checked(item) for document in documents for item in _items(document)]
    objects.sort(key=lambda item: _KINDS[item["apiVersion"], item["kind"]])
    jobs = [item for item in objects if item["kind"] == "TrainJob"]
    if len(jobs) != 1:
        raise InputError(f"there are {len(jobs)} TrainJobs in the definition", next_step="give exactly one")
    (job,) = jobs
    _complete(job, name, namespace)
    where = namespace_of(job)
    beside = [item for item in objects if item is not job]
    for item in beside:
        stands_in = name_of(item) if item["kind"] == "Namespace" else item["metadata"].setdefault("namespace", where)
        if not name_of(item) or stands_in != where:
            raise InputError(
                f"{item['kind']} {name_of(item) or 'without a name'} is not of the TrainJob's namespace {where}",
                next_step="give only what the job needs, in its own namespace",
            )
    if name_of(job):
        for item in beside:
            item["metadata"]["labels"] = {**part(item, "metadata", "labels"), MADE_FOR: name_of(job)}
    return Submission(job, tuple(beside))


def _items(document: Any) -> list[Any]:
    if isinstance(document, Mapping) and document.get("kind") == "List":
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [document]


def _checked(item: Any) -> dict[str, Any]:
    """A copy of an object that is of a kind that may be handed in, and has metadata."""
    if not isinstance(item, Mapping):
        raise InputError(f"the definition holds no object but {str(item)[:40]!r}", next_step="give a TrainJob")
    kind = (text(item, "apiVersion"), text(item, "kind"))
    if kind not in _KINDS:
        raise InputError(
            f"the definition holds {kind[1] or 'an object without a kind'} of {kind[0] or 'no apiVersion'}",
            next_step=f"give a TrainJob of {API_VERSION}; beside it there may be its Namespace, ConfigMaps and "
            "TrainingRuntimes. Make anything else before",
        )
    found: dict[str, Any] = copy.deepcopy(dict(item))
    # The server's words about an object that was exported; no request may hold them.
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
                f"{field} is {value}, and the definition says {said}",
                next_step="leave one of them out, or make them alike",
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
    """The paths of the fields in which two TrainJobs differ, as far as people decide about them.

    Args:
        wanted: what the server would make of the definition: its answer to a dry run, with all defaults.
        present: the one that is there.
    """
    return sorted(_differing(_decided(wanted, wanted), _decided(present, wanted), "spec"))


def _decided(job: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The spec without what changes in a TrainJob's life: a queue (Kueue) resumes it, and adds patches of its own."""
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
