# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the structure of options that are parts of a pod, before anything is sent. Pure.

A table of our own, because the models of the official client take half a second to import. A test compares the two.
The server judges what the table leaves open.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .words import likely


@dataclass(frozen=True)
class MapOf:
    """A mapping with any names, or with those of labels: its names, and perhaps its values, follow their rules."""

    shape: Any
    label_names: bool = False
    label_values: bool = False


LABELS = MapOf(str, label_names=True, label_values=True)
ANNOTATIONS = MapOf(str, label_names=True)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_PREFIX = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII)
# A shape is a type, a tuple of words, a list with the shape of its items, MapOf, or a mapping from the names of fields
# to their shapes. A star marks a required field. None stands for everything.
_QUANTITY = (str, int, float)
_EXPRESSIONS = ("In", "NotIn", "Exists", "DoesNotExist")
_SELECTOR = {
    "matchLabels": MapOf(str),
    "matchExpressions": [{"key*": str, "operator*": _EXPRESSIONS, "values": [str]}],
}
_NODE_EXPRESSIONS = [{"key*": str, "operator*": (*_EXPRESSIONS, "Gt", "Lt"), "values": [str]}]
_NODE_TERM = {"matchExpressions": _NODE_EXPRESSIONS, "matchFields": _NODE_EXPRESSIONS}
_POD_TERM = {
    "topologyKey*": str,
    "labelSelector": _SELECTOR,
    "namespaceSelector": _SELECTOR,
    "namespaces": [str],
    "matchLabelKeys": [str],
    "mismatchLabelKeys": [str],
}
_REQUIRED, _PREFERRED = (f"{which}DuringSchedulingIgnoredDuringExecution" for which in ("required", "preferred"))
_POD_AFFINITY = {_REQUIRED: [_POD_TERM], _PREFERRED: [{"weight*": int, "podAffinityTerm*": _POD_TERM}]}
_KEY = {"name*": str, "key*": str, "optional": bool}
_WHOLE_OBJECT = {"name*": str, "optional": bool}
_ITEMS = [{"key*": str, "path*": str, "mode": int, "user": int}]
_CONFIG_MAP = {"name*": str, "items": _ITEMS, "defaultMode": int, "defaultUser": int, "optional": bool}
_DOWNWARD = {
    "items": [{"path*": str, "fieldRef": None, "resourceFieldRef": None, "mode": int, "user": int}],
    "defaultMode": int,
    "defaultUser": int,
}

_OTHER_VOLUMES = (
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "ephemeral", "fc", "flexVolume"),
    *("flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs", "photonPersistentDisk"),
    *("portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
)

SHAPES: dict[str, Any] = {
    "tolerations": [
        {
            "key": str,
            "operator": ("Exists", "Equal", "Lt", "Gt"),
            "value": str,
            "effect": ("NoSchedule", "PreferNoSchedule", "NoExecute"),
            "tolerationSeconds": int,
        }
    ],
    "node_selector": LABELS,
    "affinity": {
        "nodeAffinity": {
            _REQUIRED: {"nodeSelectorTerms*": [_NODE_TERM]},
            _PREFERRED: [{"weight*": int, "preference*": _NODE_TERM}],
        },
        "podAffinity": _POD_AFFINITY,
        "podAntiAffinity": _POD_AFFINITY,
    },
    "resources": {"requests": MapOf(_QUANTITY), "limits": MapOf(_QUANTITY)},
    "pod_labels": LABELS,
    "pod_annotations": ANNOTATIONS,
    "env": [
        {
            "name*": str,
            "value": str,
            "valueFrom": {
                "configMapKeyRef": _KEY,
                "secretKeyRef": _KEY,
                "fieldRef": {"fieldPath*": str, "apiVersion": str},
                "resourceFieldRef": {"resource*": str, "containerName": str, "divisor": None},
                "fileKeyRef": {"volumeName*": str, "path*": str, "key*": str, "optional": bool},
            },
        }
    ],
    "env_from": [{"prefix": str, "configMapRef": _WHOLE_OBJECT, "secretRef": _WHOLE_OBJECT}],
    "volumes": [
        {
            "name*": str,
            "configMap": _CONFIG_MAP,
            "secret": {"secretName*": str, "items": _ITEMS, "defaultMode": int, "defaultUser": int, "optional": bool},
            "emptyDir": {"medium": str, "sizeLimit": None, "mode": int},
            "hostPath": {"path*": str, "type": str},
            "persistentVolumeClaim": {"claimName*": str, "readOnly": bool},
            "downwardAPI": _DOWNWARD,
            "projected": {"sources*": [MapOf(None)], "defaultMode": int, "defaultUser": int},
            **dict.fromkeys(_OTHER_VOLUMES, MapOf(None)),
        }
    ],
    "volume_mounts": [
        {
            "name*": str,
            "mountPath*": str,
            "subPath": str,
            "subPathExpr": str,
            "readOnly": bool,
            "recursiveReadOnly": ("Disabled", "IfPossible", "Enabled"),
            "bindMountOptions": [str],
            "mountPropagation": ("None", "HostToContainer", "Bidirectional"),
        }
    ],
}
# A list of topology spread constraints; the option has words, too.
CONSTRAINTS = [
    {
        "topologyKey*": str,
        "maxSkew": int,
        "minDomains": int,
        "whenUnsatisfiable": ("ScheduleAnyway", "DoNotSchedule"),
        "labelSelector": _SELECTOR,
        "matchLabelKeys": [str],
        "nodeAffinityPolicy": ("Honor", "Ignore"),
        "nodeTaintsPolicy": ("Honor", "Ignore"),
    }
]
_ALLOWED = "at most 63 letters, digits, -, _ and ., of which the first and the last are letters or digits"
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", float: "a number"}


def check_shape(value: Any, shape: Any, where: str) -> None:
    """Fail if a value has another structure.

    Args:
        where: the variable and the path within it, e.g. C(conductor_tolerations[0]).

    Raises:
        InputError: names the place and what is allowed there.
    """
    if shape is None:
        return
    if isinstance(shape, type):
        _check_type(value, (shape,), where)
    elif shape == _QUANTITY:
        _check_type(value, _QUANTITY, where)
    elif isinstance(shape, tuple):
        _check_word(value, shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise _other(where, value, "a list")
        for number, item in enumerate(value):
            check_shape(item, shape[0], f"{where}[{number}]")
    elif not isinstance(value, Mapping):
        raise _other(where, value, "a mapping")
    elif isinstance(shape, MapOf):
        for name, item in value.items():
            _check_type(name, (str,), f"a name in {where}")
            if shape.label_names:
                # The server compares names of annotations in lower case.
                _check_label_name(name, where, prefix_of=str if shape.label_values else str.lower)
            if item is not None:
                check_shape(item, shape.shape, f"{where}.{name}")
                if shape.label_values and item and not _LABEL.fullmatch(item):
                    raise InputError(
                        f"{where}.{name} is {shown(item)}, which is no value of a label",
                        next_step=f"write {_ALLOWED}, or nothing",
                    )
    else:
        _check_fields(value, shape, where)


def _check_label_name(name: str, where: str, prefix_of: Callable[[str], str]) -> None:
    prefix, slash, label = name.rpartition("/")
    if not _LABEL.fullmatch(label) or (slash and not _PREFIX.fullmatch(prefix_of(prefix))):
        raise InputError(
            f"{where}: {name} is no name of a label or an annotation",
            next_step=f"write {_ALLOWED}, perhaps after a domain and a slash, e.g. example.com/team",
        )


def _check_fields(value: Mapping[str, Any], shape: Mapping[str, Any], where: str) -> None:
    fields = {name.rstrip("*"): one for name, one in shape.items()}
    for name, item in value.items():
        if name not in fields:
            raise InputError(
                f"{where} has no field {name}{likely(str(name), fields)}",
                next_step=f"correct or remove it; the fields are {', '.join(fields)}",
            )
        # A null removes the value of both controllers for one of them.
        if item is not None:
            check_shape(item, fields[name], f"{where}.{name}")
    for name in shape:
        if name.endswith("*") and value.get(name[:-1]) in (None, "", []):
            raise InputError(f"{where} has no {name[:-1]}", next_step=f"add {name[:-1]}")


def _check_type(value: Any, types: tuple[type, ...], where: str) -> None:
    # A boolean is an integer for Python.
    if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
        return
    if types == (str,) and isinstance(value, (bool, int, float)):
        word = str(value).lower() if isinstance(value, bool) else str(value)
        raise InputError(
            f"{where} is the {'boolean' if isinstance(value, bool) else 'number'} {word}, and must be a text",
            next_step=f'write it in quotes, e.g. "{word}"',
        )
    raise _other(where, value, _WORDS[types[0]])


def _check_word(value: Any, words: tuple[str, ...], where: str) -> None:
    if value not in words:
        found = difflib.get_close_matches(str(value), words, n=1)
        meant = f"; did you mean {found[0]}?" if found else ""
        raise InputError(f"{where} is {shown(value)}{meant}", next_step=f"set it to one of {', '.join(words)}")


def _other(where: str, value: Any, wanted: str) -> InputError:
    return InputError(f"{where} is {shown(value)}, and must be {wanted}", next_step=f"write {wanted} there")


def shown(value: Any) -> str:
    """Return a value as a few words: the contents of lists and mappings may be secret."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
