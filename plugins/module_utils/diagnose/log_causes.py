# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a controller does not come up, told by what it logged and by the events about it: words → cause → remedy. Pure.

C(failure_catalogue.py) knows causes by what the API says of pods; here are those that only somebody's words give away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .causes import KnownCause, cause_in

_INSTALL = "run the install, which puts it back"

# The first that fits counts. Sources: kubeflow/trainer pkg/config, cmd/trainer-controller-manager and
# pkg/runtime/framework/plugins/jobset; kubernetes-sigs/jobset main.go; open-policy-agent/cert-controller pkg/rotator;
# controller-runtime pkg/leaderelection; kubernetes/kubernetes pkg/kubelet/events and pkg/volume.
FAILURE_CAUSES: tuple[KnownCause, ...] = (
    KnownCause(
        r'unknown field \\*"([\w.\[\]-]+)',
        "its configuration has the field {0}, which this release does not know",
        "take it out of the controller's ConfigMap; the install puts the release's own back",
        own_fault=True,
    ),
    KnownCause(
        r"flag provided but not defined: (\S+)|unknown flag: (\S+)",
        "it is started with the flag {0}{1}, which this release does not know",
        "take it out of the Deployment; the install puts the release's own back",
        # A list of all flags follows it.
        own_fault=True,
    ),
    KnownCause(
        r'JobSet CRDs? must be installed|no matches for kind \\*"(\w+)',
        "a CRD it needs was not there when it started {0}",
        _INSTALL,
    ),
    KnownCause(
        r'cannot (\w+) resource \\*"([\w./-]+)\\*" in API group',
        "its ServiceAccount may not {0} {1}",
        "the install puts its roles back",
    ),
    KnownCause(
        r"bind: address already in use",
        "a port it listens on is taken on its node",
        "with hostNetwork, give the two controllers different ports or nodes",
    ),
    KnownCause(
        r"leader election lost|failed to renew lease",
        "it lost its lease as the leader: the API server did not answer for 10 s, or somebody else wrote the Lease",
        "look at the load of the API server, and for a second controller",
    ),
    KnownCause(
        r'MountVolume\.SetUp failed for volume "([^"]+)".*not found',
        "what its volume {0} is made of is not there",
        _INSTALL,
    ),
    KnownCause(
        r"MountVolume\.SetUp failed|Unable to attach or mount volumes",
        "a volume of it cannot be mounted",
        "look at the event's own words",
    ),
    KnownCause(
        r"exec format error",
        "its image is for another architecture than the node",
        "use an image for the nodes' architecture, or nodes of the image's",
    ),
    KnownCause(
        r"Failed to create pod sandbox|FailedCreatePodSandBox",
        "the node cannot give it a network",
        "look at the network plugin of the node",
    ),
    KnownCause(
        r"dial tcp \S+: (?:i/o timeout|connect: connection refused|connect: no route to host)",
        "it does not reach the API server",
        "look for a NetworkPolicy or a firewall that holds back what leaves the namespace",
    ),
    KnownCause(
        r"Liveness probe failed",
        "it is ended because it did not answer in time",
        "give it more CPU, or look for what slows its node down",
    ),
    KnownCause(
        r"(?:Readiness|Startup) probe failed",
        "it runs and does not serve yet: until its certificate is mounted it waits",
        "wait; where it stays so, read its log for the words cert-rotation",
    ),
)

# What is logged by what ends because something does not answer, or is not there yet, or because it was told to end.
_OF_OTHERS = re.compile(
    r"dial |\bEOF\b|connection|timeout|timed out|deadline|unavailable|unreachable|no route|no such host|handshake|x509"
    r"|not (?:be )?found|could not find|no such file|no matches for|must be installed|forbidden|cannot \w+ resource"
    r"|unauthorized|too many requests|lease|leader|conflict|already in use|not ready|retry|try again|cancel|signal"
    r"|shutting down|shutdown|stopping",
    re.IGNORECASE,
)


def is_own_fault(lines: Iterable[str]) -> bool:
    """Whether what a container logged before it ended by an error speaks of nothing that others may still bring.

    A log that says nothing, or could not be read, tells nothing.
    """
    said = "\n".join(lines)
    known = (entry for entry in FAILURE_CAUSES if entry.own_fault)
    return bool(said.strip()) and (cause_in(said, known) is not None or not _OF_OTHERS.search(said))


def failure_cause(lines: Iterable[str]) -> tuple[str, str] | None:
    """The cause that these lines tell of and what to do; None where the catalogue does not know any.

    Args:
        lines: of a log, or messages of events.
    """
    return cause_in("\n".join(lines), FAILURE_CAUSES)
