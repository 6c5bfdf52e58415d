# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The causes that only a controller's log reveals: words → cause → next step. Pure.

C(failure_catalogue.py) has the causes that the API reports in status fields, C(event_causes.py) those of events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..rejections.rejection import Scene, event_rejection
from .causes import KnownCause, cause_in
from .event_causes import WRONG_ARCHITECTURE

_INSTALL = "run the install, which restores it"

# The first match counts. Sources: kubeflow/trainer pkg/config, cmd/trainer-controller-manager and
# pkg/runtime/framework/plugins/jobset; kubernetes-sigs/jobset main.go; open-policy-agent/cert-controller pkg/rotator;
# controller-runtime pkg/leaderelection; Go's net.
LOG_CAUSES: tuple[KnownCause, ...] = (
    KnownCause(
        r'unknown field \\*"([\w.\[\]-]+)',
        "its configuration has the field {0}, which this release does not support",
        "remove the field from `config` in `conductor_trainer_controller` or `conductor_jobset_controller`, or run the "
        "install, which restores the ConfigMap",
        own_fault=True,
    ),
    KnownCause(
        r"flag provided but not defined: (\S+)|unknown flag: (\S+)",
        "it is started with the flag {0}{1}, which this release does not support",
        "remove the flag from `conductor_patches`, or run the install, which restores the Deployment",
        # A list of all flags follows in the log.
        own_fault=True,
    ),
    KnownCause(
        r'JobSet CRDs? must be installed|no matches for kind \\*"(\w+)',
        "a CRD that it requires was missing when it started: {0}",
        _INSTALL,
    ),
    KnownCause(
        r'cannot (\w+) resource \\*"([\w./-]+)\\*" in API group',
        "its ServiceAccount may not {0} {1}",
        "run the install, which restores its roles",
    ),
    KnownCause(
        r"bind: address already in use",
        "a port that it listens on is already in use on its node",
        "set `conductor_host_network`, which gives the two controllers different ports, or change the port in the "
        "`config` of `conductor_trainer_controller` or `conductor_jobset_controller`",
    ),
    KnownCause(
        r"leader election lost|failed to renew lease",
        "it lost its leader lease: the API server did not answer for 10 s, or another process wrote the Lease",
        "check the load of the API server, and look for a second controller",
    ),
    WRONG_ARCHITECTURE,
    KnownCause(
        # Not the program itself, which has not opened the port yet.
        r"dial tcp (?!127\.|\[?::1|localhost)\S+: "
        r"(?:i/o timeout|connect: connection refused|connect: no route to host)",
        "it cannot reach the API server",
        "look for a NetworkPolicy or a firewall that blocks connections from the namespace",
    ),
)

# What a program logs when it exits because something else does not answer or is missing, or because it was stopped.
_OF_OTHERS = re.compile(
    r"dial |\bEOF\b|connection|timeout|timed out|deadline|unavailable|unreachable|no route|no such host|handshake|x509"
    r"|not (?:be )?found|could not find|no such file|no matches for|must be installed|forbidden|cannot \w+ resource"
    r"|unauthorized|too many requests|lease|leader|conflict|already in use|not ready|retry|try again|cancel|signal"
    r"|shutting down|shutdown|stopping|denied|webhook|admission",
    re.IGNORECASE,
)


def is_own_fault(lines: Iterable[str]) -> bool:
    """Return whether a container failed by an error of its own: its log mentions nothing that others may still provide.

    False if the log is empty or could not be read.
    """
    said = "\n".join(lines)
    known = (entry for entry in LOG_CAUSES if entry.own_fault)
    return bool(said.strip()) and (cause_in(said, known) is not None or not _OF_OTHERS.search(said))


_ITS_REQUESTS = Scene("its requests")
# What an API server says if it rejects a request. The rest of the line quotes others, e.g. why a webhook failed.
_REJECTED = re.compile(
    r"failed calling webhook|denied (?:the )?request|conversion webhook for \S|error trying to reach service"
)


def log_cause(lines: Iterable[str]) -> tuple[str, str] | None:
    """Return the cause and the next step for the unchanged lines of a log; None if the catalogue has no match."""
    lines = list(lines)
    rejected = [line for line in lines if _REJECTED.search(line)]
    known = cause_in("\n".join(line for line in lines if line not in rejected), LOG_CAUSES)
    if known is not None:
        return known
    for line in reversed(rejected):
        if found := event_rejection(line):
            return found.cause(_ITS_REQUESTS), found.next_step(_ITS_REQUESTS)
    return None
