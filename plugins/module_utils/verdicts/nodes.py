# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge nodes: which taints are temporary, and whether a node may accept pods soon. Pure.

Kubernetes, cloud providers, network and storage plugins and autoscalers taint nodes that are starting, under pressure
or about to leave, and remove the taint themselves. People taint nodes to reserve them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import is_terminating, is_true, parts, text

# Words in keys of taints that programs set and remove: node.kubernetes.io/*, node.cloudprovider.kubernetes.io/*,
# node.cluster.x-k8s.io/uninitialized, DRIVER/agent-not-ready (Cilium, the CSI drivers of AWS and Azure),
# startup-taint.cluster-autoscaler.kubernetes.io/*, karpenter.sh/*, readiness.k8s.io/*, aws-node-termination-handler/*.
_PASSES = re.compile(
    r"not[-_.]?(?:ready|reachable|available|healthy|registered|initiali[sz]ed|synced|started)|unready|initiali[sz]ing"
    r"|un(?:reachable|available|initiali[sz]ed|registered|healthy)|pressure$|out-?of-?(?:service|disk)"
    r"|(?:^|[/._-])(?:startup|shutdown|drain|reboot"
    r"|(?:start|boot|bootstrapp|reboot|provision|install|upgrad|updat|drain|preempt|terminat|delet|warm)ing)$"
    r"|tobedeleted|deletioncandidate|(?:startup|status|ignore)-taint\."
    r"|^karpenter\.sh/disrupt|^readiness\.k8s\.io/|^nidhogg\.|^aws-node-termination-handler/"
    r"|impending-node-termination|remediation|updateinprogress",
    re.IGNORECASE,
)
# Taints that only people set, whatever their names have in common with others.
_STAYS = frozenset({"node.kubernetes.io/unschedulable"})
_KEEPS_AWAY = ("NoSchedule", "NoExecute")
# The scheduler up to Kubernetes 1.34: "untolerated taint {key: value}".
_NAMED_TAINT = re.compile(r"taint\(?s?\)? \{([^{}:]+):[^{}]*\}")


def is_temporary_taint(key: str) -> bool:
    """Return whether programs set a taint with this key and remove it without anybody's help."""
    return key not in _STAYS and _PASSES.search(key) is not None


def named_taints(message: str) -> list[str]:
    """Return the keys of the taints that a message of the scheduler names; empty from Kubernetes 1.35 on."""
    return [key.strip() for key in _NAMED_TAINT.findall(message)]


def may_accept_soon(node: Mapping[str, Any]) -> bool:
    """Return whether a node accepts no pods now, but may do so without anybody's help.

    A node that is cordoned as well counts: a program that restarts nodes does both.
    """
    if is_terminating(node):
        return False
    return not is_true(node, "Ready") or any(
        text(taint, "effect") in _KEEPS_AWAY and is_temporary_taint(text(taint, "key"))
        for taint in parts(node, "spec", "taints")
    )


def any_may_accept_soon(nodes: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether one of these nodes may accept pods soon."""
    return any(may_accept_soon(node) for node in nodes)
