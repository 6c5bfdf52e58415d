# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategic merge patches, with the results of kustomize. Pure.

Mappings are merged key by key, and null removes a key. Lists whose items have a merge key are merged item by item; the
items of the patch come first. Other lists are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import InputError
from ...objects.fields import part, parts, text, texts

_DIRECTIVE = "$patch"
_DELETE, _REPLACE, _MERGE = _ACTIONS = ("delete", "replace", "merge")
# Directives of kubectl that kustomize does not know either.
_UNSUPPORTED = ("$retainKeys", "$deleteFromPrimitiveList", "$setElementOrder")
# Kind -> path of its pod spec.
_POD_SPECS = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"),
        ("spec", "template", "spec"),
    ),
}
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
# The merge keys of lists, as in the server's OpenAPI document; a test compares them. Paths are without indices.
_OF_PODS: dict[tuple[str, ...], tuple[str, ...]] = {
    **{(name,): ("name",) for name in (*_CONTAINERS, "volumes", "imagePullSecrets")},
    ("schedulingGates",): ("name",),
    ("resourceClaims",): ("name",),
    ("hostAliases",): ("ip",),
    ("topologySpreadConstraints",): ("topologyKey", "whenUnsatisfiable"),
    **{(name, "env"): ("name",) for name in _CONTAINERS},
    **{(name, "ports"): ("containerPort", "protocol") for name in _CONTAINERS},
    **{(name, "volumeMounts"): ("mountPath",) for name in _CONTAINERS},
    **{(name, "volumeDevices"): ("devicePath",) for name in _CONTAINERS},
}
_OF_KINDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("Service", "spec", "ports"): ("port", "protocol"),
    ("ServiceAccount", "secrets"): ("name",),
    **{
        (f"{kind}WebhookConfiguration", *path): ("name",)
        for kind in ("Mutating", "Validating")
        for path in (("webhooks",), ("webhooks", "matchConditions"))
    },
}
# The server's default if an item does not have this key.
_DEFAULTS = {"protocol": "TCP"}


class MergeError(InputError):
    """A patch cannot be merged. C(where) is the path of the field, e.g. C(/spec/template)."""

    def __init__(self, message: str, where: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.where = "".join(f"/{name}" for name in where)


class MergeKeys:
    """The merge keys of the lists of one kind.

    Args:
        crds: the CRDs of the release and of the user. A kind that none of them defines is one of Kubernetes itself, or
            its lists are replaced.
    """

    def __init__(self, api_version: str, kind: str, crds: Sequence[Mapping[str, Any]] = ()) -> None:
        self._kind = kind
        group, _slash, version = api_version.rpartition("/")
        self._schema: Mapping[str, Any] | None = next(
            (
                part(entry, "schema", "openAPIV3Schema")
                for crd in crds
                if (text(crd, "spec", "group"), text(crd, "spec", "names", "kind")) == (group, kind)
                for entry in parts(crd, "spec", "versions")
                if text(entry, "name") == version
            ),
            None,
        )

    def of(self, path: Sequence[str]) -> tuple[str, ...]:
        """Return the merge keys of the list at a path without indices; none if the list is replaced."""
        if tuple(path[-2:]) == ("metadata", "ownerReferences"):
            return ("uid",)
        if self._schema is not None:
            return self._in_schema(path)
        pod = _POD_SPECS.get(self._kind)
        if pod and tuple(path[: len(pod)]) == pod:
            return _OF_PODS.get(tuple(path[len(pod) :]), ())
        return _OF_KINDS.get((self._kind, *path), ())

    def _in_schema(self, path: Sequence[str]) -> tuple[str, ...]:
        schema = self._schema or {}
        for name in path:
            while "items" in schema:
                schema = part(schema, "items")
            schema = part(schema, "properties", name) or part(schema, "additionalProperties")
        return tuple(texts(schema, "x-kubernetes-list-map-keys"))


def merged(manifest: Mapping[str, Any], patch: Mapping[str, Any], keys: MergeKeys) -> dict[str, Any]:
    """Return an object with a strategic merge patch; shares no part with either.

    Raises:
        MergeError: a directive is unknown, or an item has no merge key.
    """
    if patch.get(_DIRECTIVE, _MERGE) != _MERGE:
        raise MergeError(f"{_DIRECTIVE} {patch[_DIRECTIVE]} is for a part of an object, not for the whole")
    found: dict[str, Any] = _mapping(manifest, patch, keys, ())
    return found


def _mapping(
    before: Mapping[str, Any], patch: Mapping[str, Any], keys: MergeKeys, path: tuple[str, ...]
) -> dict[str, Any]:
    result = {name: _copied(value) for name, value in before.items()}
    for name, value in patch.items():
        if name == _DIRECTIVE:
            continue
        _require_supported(name, path)
        below = (*path, name)
        if value is None or (isinstance(value, Mapping) and _action(value, below) == _DELETE):
            result.pop(name, None)
        elif isinstance(value, Mapping):
            replaces = _action(value, below) == _REPLACE
            old = result.get(name)
            result[name] = _mapping(old if isinstance(old, Mapping) and not replaces else {}, value, keys, below)
        elif isinstance(value, list):
            old = result.get(name)
            items = _list(old if isinstance(old, list) else [], value, keys, below)
            if items is None:
                result.pop(name, None)
            else:
                result[name] = items
        else:
            result[name] = value
    return result


def _list(before: list[Any], patch: list[Any], keys: MergeKeys, path: tuple[str, ...]) -> list[Any] | None:
    """Return the merged list; None to remove it."""
    whole = [item for item in patch if isinstance(item, Mapping) and item.keys() == {_DIRECTIVE}]
    actions = {_action(item, path) for item in whole}
    rest = [item for item in patch if item not in whole]
    by = keys.of(path)
    if _DELETE in actions:
        return None
    if _REPLACE in actions or not by or not all(isinstance(item, Mapping) for item in (*before, *rest)):
        return [_item({}, item, keys, path) for item in rest]
    result: dict[tuple[Any, ...], Any] = {}
    left = {_identity(item, by): item for item in before}
    for item in rest:
        same = _identity(item, by)
        if not same[0]:
            raise MergeError(f"an item has no {by[0]}, by which the items of this list are merged", path)
        action = _action(item, path)
        old = result.pop(same, None) or left.pop(same, None) or {}
        if action != _DELETE:
            result[same] = _item({} if action == _REPLACE else old, item, keys, path)
    return [*result.values(), *(_copied(item) for item in left.values())]


def _item(before: Mapping[str, Any], patch: Any, keys: MergeKeys, path: tuple[str, ...]) -> Any:
    if isinstance(patch, Mapping):
        return _mapping(before, patch, keys, path)
    if isinstance(patch, list):
        return [_item({}, item, keys, path) for item in patch]
    return patch


def _identity(item: Mapping[str, Any], by: Sequence[str]) -> tuple[Any, ...]:
    found = (item.get(key, _DEFAULTS.get(key)) for key in by)
    return tuple(value if isinstance(value, str | int) else repr(value) if value else None for value in found)


def _action(value: Mapping[str, Any], path: tuple[str, ...]) -> str:
    action = value.get(_DIRECTIVE, _MERGE)
    if action not in _ACTIONS:
        raise MergeError(f"{_DIRECTIVE} is {action!r}, and not one of {', '.join(_ACTIONS)}", path)
    return str(action)


def _require_supported(name: str, path: tuple[str, ...]) -> None:
    directive = name.partition("/")[0]
    if directive in _UNSUPPORTED:
        raise MergeError(f"the directive {directive} is not supported; use {_DIRECTIVE}, or a json patch", path)


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
