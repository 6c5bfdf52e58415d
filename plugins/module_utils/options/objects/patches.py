# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches of single objects: strategic merges, and JSON patches (RFC 6902). Pure.

A patch that matches no object, or changes nothing, is an error: otherwise nobody would notice that a new release no
longer has what it is for.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ...errors import InputError
from ...objects.fields import part, text
from ...objects.resources import Key, key_of
from ...release.components import is_named_jobset
from ..draft import Draft
from ..spec import COMPONENTS
from ..words import likely
from .merge import MergeError, MergeKeys, merged

_PARTS = ("target", "merge", "json")
_TARGET = ("kind", "name", "component", "namespace", "label")
_OPERATIONS = {
    **dict.fromkeys(("add", "replace", "test"), ("path", "value")),
    "remove": ("path",),
    **dict.fromkeys(("move", "copy"), ("from", "path")),
}
# The values of these fields are not shown.
_SECRETS = ("data", "stringData")
_SHOWN = 60


def lay_patches(draft: Draft, options: Mapping[str, Any]) -> None:
    """Apply the patches in their order; each sees what those before it changed."""
    # Runtimes that this cluster does not get are patched as well: a patch is judged by the whole release.
    others = {key_of(manifest): manifest for manifest in draft.bundle.left_out}
    for number, patch in enumerate(options.get("patches") or ()):
        name = f"patches[{number}]"
        with draft.because(name):
            try:
                _Patch(f"conductor_{name}", patch).lay(draft, others)
            except InputError:
                # It passed when it was recorded, perhaps with another release.
                if not draft.recorded:
                    raise


class _Patch:
    """One patch. C(name) is that of the variable, with the index."""

    def __init__(self, name: str, patch: Mapping[str, Any]) -> None:
        self._name = name
        _require_known(name, patch, _PARTS)
        target = patch.get("target")
        if not isinstance(target, Mapping) or not target:
            raise self._wrong("has no target", f"add a target with some of {', '.join(_TARGET)}")
        _require_known(f"{name}.target", target, _TARGET)
        if not all(isinstance(value, str) and value for value in target.values()):
            raise self._wrong("has a target that is not made of texts", "put the values of target in quotes")
        if target.get("component", COMPONENTS[0]) not in COMPONENTS:
            raise self._wrong(f"has no component {target['component']}", f"use one of {', '.join(COMPONENTS)}")
        self._target: Mapping[str, str] = target
        self._merge, self._json = patch.get("merge"), patch.get("json")
        if (self._merge is None) == (self._json is None):
            raise self._wrong("has not exactly one of merge and json", "give one of them; use two patches for both")
        if self._merge is not None and not isinstance(self._merge, Mapping):
            raise self._wrong("has a merge that is not a mapping", "write the fields to change as YAML")
        if self._json is not None:
            self._check_operations(self._json)

    def lay(self, draft: Draft, others: dict[Key, dict[str, Any]]) -> None:
        """Patch every object that the target matches."""
        here = [key for key in draft.all() if self._matches(key, draft.look(key))]
        away = [key for key, manifest in others.items() if self._matches(key, manifest)]
        if not here and not away:
            raise self._unmatched([*draft.all(), *others])
        crds = [draft.look(key) for key in draft.of_kind("CustomResourceDefinition")]
        changed = False
        for key in (*here, *away):
            before = draft.look(key) if key in here else others[key]
            after = self._applied(key, before, crds)
            if after == before:
                continue
            changed = True
            if key.kind == "Secret" and any(after.get(name) != before.get(name) for name in _SECRETS):
                raise self._wrong(
                    f"changes the values of {key}, and patches are shown and recorded",
                    "set the values in the object itself in `conductor_extra_objects`; those of the release are "
                    "written by the controllers",
                )
            if key in here:
                draft.put(key, after)
            else:
                others[key] = after
        if not changed:
            key = (*here, *away)[0]
            raise self._wrong(f"changes nothing: {self._reason(draft.look(key) if here else others[key])}", "remove it")

    def _matches(self, key: Key, manifest: Mapping[str, Any]) -> bool:
        target = self._target
        return (
            target.get("kind", key.kind) == key.kind
            and fnmatchcase(key.name, target.get("name", "*"))
            and fnmatchcase(key.namespace, target.get("namespace", "*"))
            and ("component" not in target or (target["component"] == "jobset") == is_named_jobset(key.name))
            and _has_labels(manifest, target.get("label", ""))
        )

    def _applied(self, key: Key, before: Mapping[str, Any], crds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if self._merge is not None:
            try:
                return merged(before, self._merge, MergeKeys(key.api_version, key.kind, crds))
            except MergeError as error:
                where = f" at {error.where}" if error.where else ""
                raise self._wrong(f"cannot be merged into {key}{where}: {error.message}", "correct the patch") from None
        document: Any = before
        for number, operation in enumerate(self._json or ()):
            document = self._operated(key, document, number, operation)
        if not isinstance(document, dict):
            raise self._wrong(f"replaces all of {key}", "change single fields")
        return document

    def _operated(self, key: Key, document: Any, number: int, operation: Mapping[str, Any]) -> Any:
        library = _library()
        try:
            return library.JsonPatch([operation]).apply(document)
        except library.JsonPatchTestFailed:
            found, wanted = _at(document, operation["path"]), _shown(operation["value"])
            hidden = key.kind == "Secret" and operation["path"].split("/")[1:2] != ["metadata"]
            said = "has another value" if hidden else f"is {found} and not {wanted}"
            raise self._wrong(
                f"test failed, {operation['path']} of {key} {said}", "correct the patch for this release"
            ) from None
        except (library.JsonPatchException, library.JsonPointerException, TypeError, KeyError, IndexError, ValueError):
            raise self._wrong(
                f"json[{number}] cannot {operation['op']} {operation['path']} of {key}: there is no such place",
                "compare the path with the object, e.g. with kubectl get -o yaml",
            ) from None

    def _check_operations(self, operations: Any) -> None:
        if not isinstance(operations, list) or not operations:
            raise self._wrong("has a json that is not a list of operations", "write a list of op, path and value")
        for number, operation in enumerate(operations):
            needed = _OPERATIONS.get(str(operation.get("op"))) if isinstance(operation, Mapping) else None
            if needed is None:
                raise self._wrong(
                    f"json[{number}] has no known op", f"set op to one of {', '.join(sorted(_OPERATIONS))}"
                )
            if missing := [name for name in needed if name not in operation]:
                raise self._wrong(f"json[{number}] has no {missing[0]}", f"{operation['op']} needs {', '.join(needed)}")
            for name in ("path", "from"):
                if name in needed and not (isinstance(operation[name], str) and operation[name].startswith("/")):
                    raise self._wrong(
                        f"json[{number}].{name} is not a path within the object", "begin it with /, e.g. /spec/replicas"
                    )

    def _unmatched(self, keys: Sequence[Key]) -> InputError:
        target = self._target
        kinds = sorted({key.kind for key in keys})
        kind = target.get("kind")
        if kind and kind not in kinds:
            next_step = f"the kinds are {', '.join(kinds)}"
        elif kind:
            names = sorted({key.name for key in keys if key.kind == kind})
            next_step = f"the objects of kind {kind} are {', '.join(names)}"
        else:
            next_step = f"the kinds of the release are {', '.join(kinds)}"
        described = " ".join(
            value if name in ("kind", "name") else f"{name}={value}" for name in _TARGET if (value := target.get(name))
        )
        meant = likely(kind, dict.fromkeys(kinds)) if kind and kind not in kinds else ""
        return self._wrong(f"matches no object: {described}{meant}", next_step)

    def _reason(self, manifest: Mapping[str, Any]) -> str:
        """Return the first field of the patch and its value."""
        where, value = next(_leaves(self._merge) if self._merge is not None else _places(self._json or ()), ("/", None))
        if manifest.get("kind") == "Secret" and where.split("/")[1:2] != ["metadata"]:
            return f"{where} has this value already"
        if value is None:
            return f"{where} is not there"
        return f"{where} is {_shown(value)} already"

    def _wrong(self, what: str, next_step: str) -> InputError:
        return InputError(f"`{self._name}` {what}", next_step=next_step)


def _require_known(where: str, given: Any, known: Sequence[str]) -> None:
    if not isinstance(given, Mapping):
        raise InputError(f"`{where}` is not a mapping", next_step=f"write a mapping with {', '.join(known)}")
    for name in given:
        if name not in known:
            raise InputError(
                f"`{where}` has no {name}{likely(str(name), dict.fromkeys(known))}",
                next_step=f"use {', '.join(known)}",
            )


def _has_labels(manifest: Mapping[str, Any], selector: str) -> bool:
    """Return whether an object has all labels of a selector: C(name=value) or C(name), separated by commas."""
    labels = part(manifest, "metadata", "labels")
    for wanted in filter(None, (one.strip() for one in selector.split(","))):
        name, equals, value = wanted.partition("=")
        if name not in labels or (equals and text(labels, name) != value.lstrip("=")):
            return False
    return True


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _leaves(below, f"{path}/{name}")
    else:
        yield path, value


def _places(operations: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for operation in operations:
        yield operation["path"], operation.get("value")


def _at(document: Any, path: str) -> str:
    library = _library()
    try:
        return _shown(library.JsonPointer(path).resolve(document))
    except library.JsonPointerException:
        return "missing"


def _shown(value: Any) -> str:
    shown = value if isinstance(value, str) else json.dumps(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def _library() -> Any:
    """Return the library of JSON patches, which only these patches need."""
    try:
        return importlib.import_module("jsonpatch")
    except ImportError as error:
        raise InputError(
            f"`conductor_patches` with json need the Python library jsonpatch in {sys.executable} ({error})",
            next_step=f"run `{sys.executable} -m pip install jsonpatch` there, or use merge",
        ) from error
