# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of signs that a controller will not become ready: sign → cause → what to do. C(failures.py) reads it.

Slow is not failed: a sign is listed only when the server says something that time alone does not change, with a grace
where something may still come to help. What is not listed is left to the deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SignatureSource = Literal["container", "scheduler", "creation", "deployment"]


@dataclass(frozen=True)
class Signature:
    """How a fate is recognised.

    Args:
        cause: what is wrong, in a few words.
        source: who says it: the kubelet of a container, the scheduler of a pod, whoever refuses to create pods (told by
            the Deployment's condition C(ReplicaFailure)), or the Deployment itself.
        reasons: the machine-readable reasons, one of which is given.
        remedy: the next thing to try; may name C({namespace}), C({deployment}), C({pod}) and C({image}).
        words: a regular expression that the message must match, upper and lower case alike.
        but_not: one that it must not match.
        grace: seconds the sign must last; until then it may be a coincidence. C(SLOW) where it is only slow, and the
            remedy is for those whose deadline has passed.
        restarts: how often the container must have been started again, once at least during the wait.
        nodes_help: whether a node that an autoscaler adds would heal it.
        own_fault: whether it is certain only where the container ended by an error of its own, and its log speaks of
            nothing that others may still bring.
    """

    cause: str
    source: SignatureSource
    reasons: frozenset[str]
    next_step: str
    words: str = ""
    but_not: str = ""
    grace: float = 0.0
    restarts: int = 0
    nodes_help: bool = False
    own_fault: bool = False


SLOW = float("inf")

_PULL = frozenset({"ErrImagePull", "ImagePullBackOff"})
_CRASH = frozenset({"CrashLoopBackOff", "RunContainerError"})
_CREATE = frozenset({"FailedCreate"})
_LOGS = "read kubectl -n {namespace} logs {pod} --previous"

# The first that fits counts. Sources of reasons and words: kubernetes/kubernetes pkg/kubelet/images/types.go and
# pkg/kubelet/kuberuntime (containers), pkg/scheduler (scheduler), pkg/controller/replicaset and plugin/pkg/admission
# (creation); containerd core/remotes/docker (registries).
SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "its image has no variant for the node's platform",
        "container",
        _PULL,
        "use an image for the nodes' architecture, or nodes of the image's",
        words=r"no match for platform",
    ),
    Signature(
        "its image is not in the registry",
        "container",
        _PULL,
        "check name and tag of {image}, and put it into that registry",
        # "lookup ...: no such host" and a registry that refuses connections may be a matter of minutes.
        words=r": not found|code = NotFound|manifest unknown|name unknown",
        # Registries answer alike for what is not there and for what one may not see.
        but_not=r"pull access denied|insufficient_scope|no such host",
    ),
    Signature(
        "the registry speaks plain HTTP and the node asks by HTTPS",
        "container",
        _PULL,
        "give the registry a certificate, or tell the nodes' container runtime that it has none",
        words=r"server gave HTTP response to HTTPS client",
    ),
    Signature(
        "the registry does not let the node have its image",
        "container",
        _PULL,
        "give the pods credentials for the registry of {image} (imagePullSecrets), and check its name",
        words=r"pull access denied|insufficient_scope|unauthorized|authorization failed|403 forbidden"
        r"|no basic auth credentials",
        # A node that has just booted may not have its cloud credentials yet: two pulls must say so.
        grace=15.0,
    ),
    Signature(
        "the node does not trust the registry's certificate",
        "container",
        _PULL,
        "let the nodes' container runtime trust the CA of the registry of {image}",
        words=r"x509:",
        grace=15.0,
    ),
    Signature(
        "its image is not pulled yet",
        "container",
        _PULL,
        "check that the nodes reach the registry of {image}",
        grace=SLOW,
    ),
    Signature(
        "its image has a name that is none",
        "container",
        frozenset({"InvalidImageName"}),
        "correct the image {image}",
    ),
    Signature(
        "its image is not on the node and must not be pulled",
        "container",
        frozenset({"ErrImageNeverPull"}),
        "load {image} into the nodes, or allow imagePullPolicy IfNotPresent",
    ),
    Signature(
        "its container cannot be configured",
        "container",
        frozenset({"CreateContainerConfigError"}),
        "correct what the message names",
        grace=5.0,
    ),
    Signature(
        "it runs out of memory",
        "container",
        _CRASH,
        "raise the container's memory limit",
        words=r"OOMKilled",
        # What it needs to start does not change; other ends may be somebody else's doing, twice even.
        restarts=1,
    ),
    # Two ends may be a node's whose network comes a little later than its pods; where the log tells another story, they
    # are enough, and nobody has to wait for the kubelet's back-off of 10 s.
    Signature("it ends again and again", "container", _CRASH, _LOGS, restarts=2),
    Signature("it ends again and again", "container", _CRASH, _LOGS, restarts=1, own_fault=True),
    Signature(
        "no node has room for it, or none may be used",
        "scheduler",
        frozenset({"Unschedulable"}),
        "make room, uncordon a node or take its taint away: kubectl describe node",
        words=r"insufficient |unschedulable|untolerated taint|didn't match pod's node affinity/selector",
        # Nodes that are only starting; and no node at all yet.
        but_not=r"node\.kubernetes\.io/(not-ready|unreachable|network-unavailable)|/uninitialized|no nodes available",
        # Pods that are ending may free what is needed.
        grace=6.0,
        nodes_help=True,
    ),
    Signature(
        "a ResourceQuota does not allow its pods",
        "creation",
        _CREATE,
        "raise or delete it: kubectl -n {namespace} describe resourcequota",
        words=r"exceeded quota|failed quota",
        # After the quota was raised the old refusal stays until the next attempt.
        grace=3.0,
    ),
    Signature(
        "Pod Security does not allow its pods",
        "creation",
        _CREATE,
        "lower the level for this namespace (label pod-security.kubernetes.io/enforce), or exempt it",
        words=r"violates PodSecurity",
        grace=3.0,
    ),
    Signature(
        "an admission webhook or policy refuses its pods",
        "creation",
        _CREATE,
        "exempt the namespace {namespace} from that policy",
        words=r"denied the request|denied request",
        grace=3.0,
    ),
    Signature(
        "its pods are refused",
        "creation",
        _CREATE,
        "change what refuses them: kubectl -n {namespace} get events --field-selector reason=FailedCreate",
        words=r"forbidden|is invalid",
        grace=10.0,
    ),
    Signature(
        "it is scaled to 0 replicas",
        "deployment",
        frozenset({"ScaledToZero"}),
        "kubectl -n {namespace} scale deployment/{deployment} --replicas=1",
    ),
    Signature(
        "somebody paused its rollout",
        "deployment",
        frozenset({"DeploymentPaused"}),
        "kubectl -n {namespace} rollout resume deployment/{deployment}",
    ),
)
