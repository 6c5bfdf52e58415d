# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: the same words for both controllers, in the spelling of each."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.options.settings import tls
from tests.unit.plugins.helpers.settings import REAL, part, rejected

SUITE = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"


@pytest.mark.parametrize(
    ("options", "trainer", "jobset"),
    [
        ({"tls": {"min_version": "1.3"}}, {"minVersion": "1.3"}, {"minVersion": "VersionTLS13"}),
        # Without quotes, YAML reads a number.
        ({"tls": {"min_version": 1.2}}, {"minVersion": "1.2"}, {"minVersion": "VersionTLS12"}),
        ({"tls": {"cipher_suites": [SUITE]}}, {"cipherSuites": [SUITE]}, {"cipherSuites": [SUITE]}),
        ({"tls": {"next_protos": ["h2", "http/1.1"]}}, {"nextProtos": ["h2", "http/1.1"]}, None),
        (
            {"tls": {"min_version": "1.2"}, "jobset_controller": {"tls": {"min_version": "1.3"}}},
            {"minVersion": "1.2"},
            {"minVersion": "VersionTLS13"},
        ),
        (
            {"tls": {"min_version": "1.3"}, "trainer_controller": {"tls": {"min_version": None}}},
            None,
            {"minVersion": "VersionTLS13"},
        ),
        (
            {
                "tls": {"cipher_suites": [SUITE]},
                "trainer_controller": {"tls": {"min_version": "1.3", "cipher_suites": None}},
            },
            {"minVersion": "1.3"},
            {"cipherSuites": [SUITE]},
        ),
    ],
)
def test_tls_of_both_controllers(options: dict[str, Any], trainer: Any, jobset: Any) -> None:
    assert part(options, "tls") == (trainer, jobset)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tls": {"min_version": "1.1"}}, "`conductor_tls`: min_version is 1.1\nNext: use one of 1.2, 1.3"),
        ({"tls": {"min_version": "VersionTLS13"}}, "min_version is VersionTLS13"),
        ({"tls": {"minVersion": "1.3"}}, "`conductor_tls` has no option minVersion; did you mean min_version?"),
        ({"jobset_controller": {"tls": {"next_protos": ["h2"]}}}, "the options are min_version, cipher_suites"),
        ({"tls": {"next_protos": ["h3"]}}, "next_protos has h3"),
        ({"tls": {"cipher_suites": SUITE}}, "cipher_suites is " + SUITE + ", and must be a list"),
        ({"tls": {"cipher_suites": [SUITE.lower()]}}, f"did you mean {SUITE}?"),
        ({"tls": {"cipher_suites": [5]}}, "cipher_suites has 5"),
        ({"tls": {"min_version": "1.3", "cipher_suites": [SUITE]}}, "`conductor_tls`: TLS 1.3 has fixed cipher suites"),
        (
            {"tls": {"cipher_suites": [SUITE]}, "jobset_controller": {"tls": {"min_version": 1.3}}},
            "`conductor_jobset_controller.tls`: TLS 1.3 has fixed cipher suites",
        ),
        (
            {"tls": {"min_version": "1.3"}, "feature_gates": {"TLSOptions": False}},
            "`conductor_tls` has no effect on jobset: its feature gate TLSOptions is switched off",
        ),
    ],
)
def test_unusable_tls_is_rejected(options: dict[str, Any], words: str) -> None:
    assert words in rejected(options)


def test_the_suite_of_the_example_exists() -> None:
    for described in REAL.configurations.values():
        assert tls._SUITE in described["cipher_suites"]
        # Both controllers are checked against one list.
        assert described["cipher_suites"] == REAL.configurations["trainer"]["cipher_suites"]
