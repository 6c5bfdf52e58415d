# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import (
    LOG_CAUSES,
    is_own_fault,
    log_cause,
)

# In the order of the catalogue: a line of a log, and words of the cause.
SAID: list[tuple[str, str]] = [
    ('error: Unable to load configuration: strict decoding error: unknown field "noSuchKey"', "the field noSuchKey"),
    ("flag provided but not defined: -no-such-flag", "the flag -no-such-flag"),
    (
        'no matches for kind "JobSet" in version "jobset.x-k8s.io/v1alpha2"',
        "a CRD that it requires was missing when it started: JobSet",
    ),
    (
        'secrets "x" is forbidden: User "system:serviceaccount:a:b" cannot update resource "secrets" in API group ""',
        "may not update secrets",
    ),
    ("listen tcp :9443: bind: address already in use", "a port that it listens on is already in use"),
    ("error: problem running manager: leader election lost", "lost its leader lease"),
    ("exec /manager: exec format error", "another architecture"),
    ("Get https://10.96.0.1:443/api: dial tcp 10.96.0.1:443: i/o timeout", "cannot reach the API server"),
]
MORE = [
    ("unknown flag: --no-such-flag", "the flag --no-such-flag"),
    ("JobSet CRDs must be installed in advance", "a CRD that it requires was missing when it started"),
    # Within JSON.
    (r'{"error":"unknown field \"noSuchKey\""}', "the field noSuchKey"),
    ("failed to renew lease kubeflow-system/trainer.kubeflow.org: context deadline exceeded", "lost its leader lease"),
]


@pytest.mark.parametrize(("line", "cause"), SAID + MORE)
def test_a_line_has_a_cause_and_a_next_step(line: str, cause: str) -> None:
    found = log_cause(["something before", line, "something after"])
    assert found is not None
    assert cause in found[0]
    assert found[1]
    assert "{" not in "".join(found)


def test_every_entry_is_matched_first_by_its_line() -> None:
    for (line, _words), entry in zip(SAID, LOG_CAUSES, strict=True):
        first = next(other for other in LOG_CAUSES if re.search(other.words, line, re.IGNORECASE))
        assert first is entry, line


def test_unknown_lines_have_no_cause() -> None:
    assert log_cause([]) is None
    assert log_cause(["starting manager"]) is None


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (
            "failed to list *v1alpha1.TrainJob: conversion webhook for trainer.kubeflow.org/v1alpha1, Kind=TrainJob "
            'failed: Post "https://t.ops.svc:443/convert?timeout=30s": dial tcp 10.0.0.1:443: connect: '
            "connection refused",
            "the conversion webhook of trainer.kubeflow.org/v1alpha1",
        ),
        ("error trying to reach service: dial tcp 10.0.0.1:443: i/o timeout", "an aggregated API"),
    ],
)
def test_what_an_api_server_cannot_reach_is_no_fault_of_the_program(line: str, cause: str) -> None:
    found = log_cause([line])
    assert found is not None
    assert cause in found[0]
    assert "NetworkPolicy" not in found[1]


@pytest.mark.parametrize("address", ["127.0.0.1:9443", "[::1]:9443", "localhost:8081"])
def test_a_program_that_cannot_reach_itself_does_not_blame_the_api_server(address: str) -> None:
    assert log_cause([f"dial tcp {address}: connect: connection refused"]) is None


@pytest.mark.parametrize("line", ["Unhealthy: Readiness probe failed: dial tcp 10.1.1.1:8081: connect: refused", ""])
def test_words_of_the_kubelet_are_no_words_of_a_log(line: str) -> None:
    assert log_cause([line]) is None


@pytest.mark.parametrize(
    ("log", "own"),
    [
        ("flag provided but not defined: -x\nUsage of manager:\n  -leader-elect-lease-duration duration", True),
        ('strict decoding error: unknown field "a"', True),
        ("panic: index out of range [3]", True),
        ("dial tcp 10.96.0.1:443: connect: connection refused", False),
        ("Get https://kubernetes.default: net/http: TLS handshake TIMEOUT", False),
        ("panic: lookup api: no such host", False),
        ('no matches for kind "JobSet" in version "jobset.x-k8s.io/v1alpha2"', False),
        ("open /tmp/certs/tls.crt: no such file or directory", False),
        ('secrets is forbidden: cannot list resource "secrets"', False),
        ("leader election lost", False),
        ("Stopping and waiting for webhooks", False),
        ("", False),
        (" \n", False),
    ],
)
def test_an_own_fault_is_one_that_nothing_else_can_resolve(log: str, own: bool) -> None:
    assert is_own_fault(log.split("\n")) is own
