# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from bundle_generator.yamls import load_documents


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
