# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.schema import (
    BASE64,
    CHECKED,
    HONOURED,
    NO_EFFECT,
    checked,
    fields_of,
)

# Every field of the kubeconfig API, and what becomes of it. tests/integration/kubeconfigs compares the names with
# client-go, and what each does with kubectl.
FIELDS = {
    "kind": CHECKED,
    "apiVersion": CHECKED,
    "preferences": NO_EFFECT,
    "preferences.colors": NO_EFFECT,
    "preferences.extensions": NO_EFFECT,
    "preferences.extensions[].name": NO_EFFECT,
    "preferences.extensions[].extension": NO_EFFECT,
    "clusters": HONOURED,
    "clusters[].name": HONOURED,
    "clusters[].cluster": HONOURED,
    "clusters[].cluster.server": HONOURED,
    "clusters[].cluster.tls-server-name": HONOURED,
    "clusters[].cluster.insecure-skip-tls-verify": HONOURED,
    "clusters[].cluster.certificate-authority": HONOURED,
    "clusters[].cluster.certificate-authority-data": HONOURED,
    "clusters[].cluster.proxy-url": HONOURED,
    "clusters[].cluster.disable-compression": HONOURED,
    "clusters[].cluster.extensions": HONOURED,
    "clusters[].cluster.extensions[].name": HONOURED,
    "clusters[].cluster.extensions[].extension": HONOURED,
    "users": HONOURED,
    "users[].name": HONOURED,
    "users[].user": HONOURED,
    "users[].user.client-certificate": HONOURED,
    "users[].user.client-certificate-data": HONOURED,
    "users[].user.client-key": HONOURED,
    "users[].user.client-key-data": HONOURED,
    "users[].user.token": HONOURED,
    "users[].user.tokenFile": HONOURED,
    "users[].user.as": HONOURED,
    "users[].user.as-uid": HONOURED,
    "users[].user.as-groups": HONOURED,
    "users[].user.as-user-extra": HONOURED,
    "users[].user.username": HONOURED,
    "users[].user.password": HONOURED,
    # oidc is honoured, the others are rejected.
    "users[].user.auth-provider": HONOURED,
    "users[].user.auth-provider.name": HONOURED,
    "users[].user.auth-provider.config": HONOURED,
    "users[].user.exec": HONOURED,
    "users[].user.exec.command": HONOURED,
    "users[].user.exec.args": HONOURED,
    "users[].user.exec.env": HONOURED,
    "users[].user.exec.env[].name": HONOURED,
    "users[].user.exec.env[].value": HONOURED,
    "users[].user.exec.apiVersion": HONOURED,
    "users[].user.exec.installHint": HONOURED,
    "users[].user.exec.provideClusterInfo": HONOURED,
    # Always is rejected.
    "users[].user.exec.interactiveMode": HONOURED,
    "users[].user.extensions": NO_EFFECT,
    "users[].user.extensions[].name": NO_EFFECT,
    "users[].user.extensions[].extension": NO_EFFECT,
    "contexts": HONOURED,
    "contexts[].name": HONOURED,
    "contexts[].context": HONOURED,
    "contexts[].context.cluster": HONOURED,
    "contexts[].context.user": HONOURED,
    # Every object that Conductor sends has a namespace of its own.
    "contexts[].context.namespace": NO_EFFECT,
    "contexts[].context.extensions": NO_EFFECT,
    "contexts[].context.extensions[].name": NO_EFFECT,
    "contexts[].context.extensions[].extension": NO_EFFECT,
    # A playbook names its context.
    "current-context": CHECKED,
    "extensions": NO_EFFECT,
    "extensions[].name": NO_EFFECT,
    "extensions[].extension": NO_EFFECT,
}


def placed(path: str, value: Any) -> Any:
    """Return a kubeconfig with one field."""
    for part in reversed(path.split(".")):
        value = {part.removesuffix("[]"): [value] if part.endswith("[]") else value}
    return value


def test_every_field_has_a_fate() -> None:
    assert {path: field.fate for path, field in fields_of()} == FIELDS


@pytest.mark.parametrize("path", FIELDS)
def test_null_is_absent(path: str) -> None:
    parent, _dot, last = path.rpartition(".")
    without = checked(placed(parent, {}), "file") if parent else {}
    assert checked(placed(path, None), "file") == without
    assert last


@pytest.mark.parametrize(("path", "field"), [pair for pair in fields_of() if pair[1].kind != "any value"])
def test_a_wrong_type_is_named_without_the_value(path: str, field: Any) -> None:
    wrong: list[Any] = [12345, 1.5, object()]
    wrong += [["secret"]] if field.kind not in ("a list of texts",) else [[["secret"]]]
    wrong += ["secret"] if field.kind not in ("text", BASE64) else [{"secret": "secret"}]
    for value in wrong:
        with pytest.raises(TargetError) as caught:
            checked(placed(path, value), "FILE")
        words = str(caught.value)
        assert words.startswith("FILE: ")
        assert path.rpartition(".")[2] in words
        assert "12345" not in words
        assert "'secret'" not in words
        assert caught.value.next_step


@pytest.mark.parametrize("name", [2024, True, 1.5, 0])
@pytest.mark.parametrize("kind", ["contexts", "clusters", "users"])
def test_a_name_of_another_type_needs_quotes(kind: str, name: Any) -> None:
    with pytest.raises(
        TargetError, match=rf"file: {kind}\[0\].name is (a number|true or false), but must be text"
    ) as caught:
        checked({kind: [{"name": name}]}, "file")
    assert "quotes" in str(caught.value.next_step)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%%%", "not valid base64"),
        ("abc", "not valid base64"),
        ("-----BEGIN X-----", "it is PEM text"),
        ("ü", "base64"),
    ],
)
@pytest.mark.parametrize("path", [path for path, field in fields_of() if field.kind == BASE64])
def test_data_that_is_no_base64_is_named(path: str, text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        checked(placed(path, text), "file")
    assert text not in str(caught.value)
    assert path.rpartition(".")[2] in str(caught.value)


def test_an_entry_is_named_by_its_name() -> None:
    with pytest.raises(TargetError, match=r"users\[jane\]\.user\.token is a number"):
        checked({"users": [{"name": "x"}, {"name": "jane", "user": {"token": 7}}]}, "file")
