# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a kubeconfig (the API C(v1) of client-go): their types, and what becomes of each. Pure.

kubectl rejects a file with a field of another type, wherever it is, and so does this check. Null is the same as absent.
A field that kubectl honours is honoured or rejected, never ignored.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import TargetError

STRING, BOOLEAN, BASE64, STRINGS, STRING_MAP, STRINGS_MAP, ANY = (
    "text",
    "true or false",
    "base64 text",
    "a list of texts",
    "a mapping with texts",
    "a mapping with lists of texts",
    "any value",
)
HONOURED, CHECKED, NO_EFFECT = "honoured", "checked", "no effect"


class Field(NamedTuple):
    """A field.

    Args:
        kind: its type: one of the names above; C(fields) or C(items) instead for a mapping or a list of mappings.
        fate: whether it is honoured; only checked, and rejected if it asks for something that we do not do; or has no
            effect on a connection in kubectl either.
        note: what it does here, for the table in the tests.
    """

    kind: str = ""
    fate: str = HONOURED
    note: str = ""
    fields: Mapping[str, Field] | None = None
    items: Mapping[str, Field] | None = None


_NAME = Field(STRING, note="the key of the entry")
_EXTENSIONS = {
    "name": Field(STRING, NO_EFFECT, "programs store data of their own under it"),
    "extension": Field(ANY, NO_EFFECT, "data of other programs"),
}

CLUSTER: Mapping[str, Field] = {
    "server": Field(STRING, note="without a scheme it is https"),
    "tls-server-name": Field(STRING, note="the name in the server's certificate, and for SNI"),
    "insecure-skip-tls-verify": Field(BOOLEAN, note="rejected together with a CA, as by kubectl"),
    "certificate-authority": Field(STRING, note="a path, relative to the folder of the file"),
    "certificate-authority-data": Field(BASE64, note="rejected together with certificate-authority"),
    "proxy-url": Field(STRING, note="a password in it is sent to the proxy only"),
    "disable-compression": Field(BOOLEAN, note="no answer is compressed"),
    "extensions": Field(
        note="client.authentication.k8s.io/exec is passed to a credential plugin",
        items={
            "name": Field(STRING, note="the one for credential plugins is honoured"),
            "extension": Field(ANY, note="passed to a credential plugin with provideClusterInfo"),
        },
    ),
}

EXEC: Mapping[str, Field] = {
    "command": Field(STRING, note="with a slash it is relative to the folder of the file"),
    "args": Field(STRINGS),
    "env": Field(items={"name": Field(STRING), "value": Field(STRING)}),
    "apiVersion": Field(STRING, note="client.authentication.k8s.io/v1 or v1beta1"),
    "installHint": Field(STRING, note="shown if the command does not exist"),
    "provideClusterInfo": Field(BOOLEAN, note="KUBERNETES_EXEC_INFO describes the cluster"),
    "interactiveMode": Field(STRING, note="Always is rejected: a task has no terminal"),
}

USER: Mapping[str, Field] = {
    "client-certificate": Field(STRING, note="a path, relative to the folder of the file"),
    "client-certificate-data": Field(BASE64),
    "client-key": Field(STRING, note="a path, relative to the folder of the file"),
    "client-key-data": Field(BASE64, note="never written to a file"),
    "token": Field(STRING),
    "tokenFile": Field(STRING, note="read again each minute; wins over token"),
    "as": Field(STRING, note="impersonation; the option impersonate_user replaces it"),
    "as-uid": Field(STRING, note="needs as"),
    "as-groups": Field(STRINGS, note="needs as"),
    "as-user-extra": Field(STRINGS_MAP, note="needs as"),
    "username": Field(STRING),
    "password": Field(STRING),
    "auth-provider": Field(
        note="oidc is honoured; azure, gcp and others are rejected: kubectl has none of them any more",
        fields={"name": Field(STRING), "config": Field(STRING_MAP)},
    ),
    "exec": Field(fields=EXEC, note="run without a terminal, for 60 s at most"),
    "extensions": Field(fate=NO_EFFECT, items=_EXTENSIONS),
}

CONTEXT: Mapping[str, Field] = {
    "cluster": Field(STRING),
    "user": Field(STRING),
    "namespace": Field(STRING, NO_EFFECT, "every object names its namespace; a TrainJob without one is rejected"),
    "extensions": Field(fate=NO_EFFECT, items=_EXTENSIONS),
}

CONFIG: Mapping[str, Field] = {
    "kind": Field(STRING, CHECKED, "Config, or absent"),
    "apiVersion": Field(STRING, CHECKED, "v1, or absent"),
    "preferences": Field(
        fate=NO_EFFECT,
        fields={
            "colors": Field(BOOLEAN, NO_EFFECT, "about the output of kubectl"),
            "extensions": Field(fate=NO_EFFECT, items=_EXTENSIONS),
        },
    ),
    "clusters": Field(items={"name": _NAME, "cluster": Field(fields=CLUSTER)}),
    "users": Field(items={"name": _NAME, "user": Field(fields=USER)}),
    "contexts": Field(items={"name": _NAME, "context": Field(fields=CONTEXT)}),
    "current-context": Field(STRING, CHECKED, "never used: a playbook must name its context"),
    "extensions": Field(fate=NO_EFFECT, items=_EXTENSIONS),
}


def fields_of(fields: Mapping[str, Field] | None = None, path: str = "") -> Iterator[tuple[str, Field]]:
    """Return the path of every field, and the field; by default of a whole kubeconfig."""
    for name, field in (CONFIG if fields is None else fields).items():
        place = f"{path}.{name}" if path else name
        yield place, field
        yield from fields_of(field.fields or {}, place)
        yield from fields_of(field.items or {}, f"{place}[]")


def checked(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the known fields of a kubeconfig, without those that are null.

    Args:
        content: the content of a file, with the types of JSON.
        where: the file, for errors.

    Raises:
        TargetError: a field has the wrong type. The message does not show its value.
    """
    return _mapping(content, CONFIG, where, "")


def _mapping(value: Any, fields: Mapping[str, Field], where: str, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong_type(value, "a mapping", where, path)
    prefix = f"{path}." if path else ""
    return {
        name: _value(value[name], field, where, f"{prefix}{name}")
        for name, field in fields.items()
        if value.get(name) is not None
    }


def _value(value: Any, field: Field, where: str, path: str) -> Any:
    if field.fields is not None:
        return _mapping(value, field.fields, where, path)
    if field.items is not None:
        return [
            # kubectl reads null as an entry without anything.
            _mapping({} if item is None else item, field.items, where, f"{path}[{_label(item, number)}]")
            for number, item in enumerate(_list(value, where, path))
        ]
    if field.kind == ANY:
        return value
    if field.kind == BOOLEAN:
        return _require(value, bool, field.kind, where, path)
    if field.kind == BASE64:
        if value == []:
            # In Go these are bytes, too.
            return b""
        return _decoded(_require(value, str, field.kind, where, path), where, path)
    if field.kind == STRINGS:
        return _texts(value, where, path)
    if field.kind in (STRING_MAP, STRINGS_MAP):
        if not isinstance(value, Mapping):
            raise _wrong_type(value, field.kind, where, path)
        one = _texts if field.kind == STRINGS_MAP else _text
        return {str(name): one(part, where, f"{path}.{name}") for name, part in value.items()}
    return _text(value, where, path)


def _label(item: Any, number: int) -> str:
    """Return the name of an entry, for its path: a number is hard to find in a large file."""
    name = item.get("name") if isinstance(item, Mapping) else None
    return name[:80] if isinstance(name, str) and name else str(number)


def _list(value: Any, where: str, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong_type(value, "a list", where, path)
    return value


def _texts(value: Any, where: str, path: str) -> list[str]:
    if value is None:
        return []
    return [_text(item, where, f"{path}[{number}]") for number, item in enumerate(_list(value, where, path))]


def _text(value: Any, where: str, path: str) -> str:
    return str(_require("" if value is None else value, str, STRING, where, path))


def _require(value: Any, kind: type, wanted: str, where: str, path: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong_type(value, wanted, where, path)
    return value


def _decoded(text: str, where: str, path: str) -> bytes:
    # Line breaks are allowed in it, other white space is not, as in Go.
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        held = " (it is PEM text)" if "-----BEGIN" in text else ""
        raise TargetError(
            f"{where}: {path} is not valid base64{held}",
            next_step="encode the PEM text with `base64 -w0`, or name its file in "
            f"{path.rpartition('.')[2].removesuffix('-data')}",
        ) from None


_NAMES = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}


def _wrong_type(value: Any, wanted: str, where: str, path: str) -> TargetError:
    found = next((name for kind, name in _NAMES.items() if isinstance(value, kind)), "of another type")
    scalar = wanted == STRING and isinstance(value, bool | int | float)
    place = f"{where}: {path}" if path else where
    return TargetError(
        f"{place} is {found}, but must be {wanted}",
        next_step="put it in quotes: YAML reads words such as on, yes and no, and digits, as other types"
        if scalar
        else "correct the file; kubectl rejects it as well",
    )
