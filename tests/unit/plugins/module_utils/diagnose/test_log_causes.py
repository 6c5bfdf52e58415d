# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import (
    FAILURE_CAUSES,
    failure_cause,
    is_own_fault,
)

# In the order of the catalogue: a line of a log or an event, and words of the cause.
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
    (
        'FailedMount: MountVolume.SetUp failed for volume "cert" : secret "kubeflow-trainer-webhook-cert" not found',
        "the source of its volume cert is missing",
    ),
    ('FailedMount: MountVolume.SetUp failed for volume "cert" : permission denied', "cannot be mounted"),
    ("exec /manager: exec format error", "another architecture"),
    ("FailedCreatePodSandBox: Failed to create pod sandbox: plugin type ptp failed", "cannot set up its network"),
    ("Get https://10.96.0.1:443/api: dial tcp 10.96.0.1:443: i/o timeout", "cannot reach the API server"),
    ("Unhealthy: Liveness probe failed: context deadline exceeded", "the kubelet restarts it, because"),
    ("Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500", "is not ready yet"),
]
MORE = [
    ("unknown flag: --no-such-flag", "the flag --no-such-flag"),
    ("JobSet CRDs must be installed in advance", "a CRD that it requires was missing when it started"),
    # Within JSON.
    (r'{"error":"unknown field \"noSuchKey\""}', "the field noSuchKey"),
    ("failed to renew lease kubeflow-system/trainer.kubeflow.org: context deadline exceeded", "lost its leader lease"),
    ("Unhealthy: Startup probe failed: connection refused", "is not ready yet"),
]


@pytest.mark.parametrize(("line", "cause"), SAID + MORE)
def test_a_line_has_a_cause_and_a_next_step(line: str, cause: str) -> None:
    found = failure_cause(["something before", line, "something after"])
    assert found is not None
    assert cause in found[0]
    assert found[1]
    assert "{" not in "".join(found)


def test_every_entry_is_matched_first_by_its_line() -> None:
    for (line, _words), entry in zip(SAID, FAILURE_CAUSES, strict=True):
        first = next(other for other in FAILURE_CAUSES if re.search(other.words, line, re.IGNORECASE))
        assert first is entry, line


def test_unknown_lines_have_no_cause() -> None:
    assert failure_cause([]) is None
    assert failure_cause(["starting manager"]) is None


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
