# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import (
    canonical as canonical_of_the_collection,
)
from bundle_generator.documents import canonical, digest, load_documents, seal
from tests.unit.plugins.helpers.builders import content


def test_one_text_whatever_the_order_of_keys() -> None:
    assert canonical({"b": [1, {"d": None, "c": "é"}], "a": True}) == '{"a":true,"b":[1,{"c":"\\u00e9","d":null}]}'
    assert canonical({"x": 1, "y": 2}) == canonical({"y": 2, "x": 1})
    assert canonical([1, 2]) != canonical([2, 1])


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        canonical({"a": float("nan")})


def test_digest_is_the_sha256_of_the_text() -> None:
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


def test_a_seal_covers_everything_but_itself() -> None:
    sealed = seal({"release": "1", "phases": []})
    assert sealed["sha256"] == digest({"release": "1", "phases": []})
    assert seal(sealed) == sealed
    assert seal({**sealed, "release": "2"})["sha256"] != sealed["sha256"]


def test_the_collection_makes_the_same_text_when_it_checks_a_seal() -> None:
    for value in ({"b": [1, 2.5, None], "a": "é"}, content()):
        assert canonical_of_the_collection(value) == canonical(value).encode()


def test_scalars_are_read_as_kubernetes_reads_them() -> None:
    (read,) = load_documents("a: on\nb: 12:30\nc: 2025-01-01\nd: 0644\ne: true\nf: 1\ng: 1.5\nh: null\ni:\nj: 'true'\n")
    assert read == {
        "a": "on",
        "b": "12:30",
        "c": "2025-01-01",
        "d": 644,
        "e": True,
        "f": 1,
        "g": 1.5,
        "h": None,
        "i": None,
        "j": "true",
    }


def test_empty_documents_are_left_out() -> None:
    assert load_documents("---\n# nothing\n---\na: b\n---\n") == [{"a": "b"}]
