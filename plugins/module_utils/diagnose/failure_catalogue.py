# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of signs that a controller will not become ready: sign → cause → next step. C(failures.py) reads it.

Slow is not failed: the catalogue lists a sign only if it reports something that time alone does not change. A sign has
a grace period if something may still resolve it. Anything else is left to the deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SignatureSource = Literal["container", "scheduler", "creation", "deployment"]


@dataclass(frozen=True)
class Signature:
    """A permanent failure and how to recognise it.

    Args:
        cause: the problem, in a few words.
        source: where the sign comes from: the kubelet's status of a container, the scheduler's condition of a pod, the
            rejection of a pod (the Deployment's condition C(ReplicaFailure)), or the Deployment itself.
        reasons: the machine-readable reasons; one of them must be given.
        next_step: what to do; may name C({namespace}), C({deployment}), C({pod}) and C({image}).
        words: a regular expression that must match the message, ignoring case.
        but_not: a regular expression that must not match the message.
        grace: seconds that the sign must last, because until then it may be temporary. C(SLOW) if it may only be slow:
            it is then never certain, and the next step is reported when the deadline has passed.
        restarts: how often the container must have been restarted, at least once during the wait.
        nodes_help: whether a node that an autoscaler adds would resolve it.
        own_fault: whether it is certain only if the container exited with an error of its own and its log mentions
            nothing that others may still provide.
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
_LOGS = "read its log: `kubectl -n {namespace} logs {pod} --previous`"

# The first match counts. Sources of reasons and words: kubernetes/kubernetes pkg/kubelet/images/types.go and
# pkg/kubelet/kuberuntime (containers), pkg/scheduler (scheduler); containerd core/remotes/docker (registries). What an
# API server rejects is in C(rejections/catalogue.py).
SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "its image has no variant for the node's platform",
        "container",
        _PULL,
        "use an image that is built for the nodes' architecture, or nodes of an architecture that the image supports",
        words=r"no match for platform",
    ),
    Signature(
        "its image is not in the registry",
        "container",
        _PULL,
        "check the name and tag of {image}, and push it to that registry",
        # "lookup ...: no such host" and refused connections may be resolved within minutes.
        words=r": not found|code = NotFound|manifest unknown|name unknown",
        # Registries give the same answer for a missing image and for an image without access.
        but_not=r"pull access denied|insufficient_scope|no such host",
    ),
    Signature(
        "the registry speaks plain HTTP, but the node uses HTTPS",
        "container",
        _PULL,
        "configure TLS for the registry, or configure it as a plain HTTP registry in the nodes' container runtime",
        words=r"server gave HTTP response to HTTPS client",
    ),
    Signature(
        "the registry denies the node access to its image",
        "container",
        _PULL,
        "give the pods credentials for the registry of {image} (imagePullSecrets), and check the image name",
        words=r"pull access denied|insufficient_scope|unauthorized|authorization failed|403 forbidden"
        r"|no basic auth credentials",
        # A node that has just booted may not have its cloud credentials yet, so two pulls must fail.
        grace=15.0,
    ),
    Signature(
        "the node does not trust the registry's certificate",
        "container",
        _PULL,
        "add the CA of the registry of {image} to the nodes' container runtime",
        words=r"x509:",
        grace=15.0,
    ),
    Signature(
        "its image has not been pulled yet",
        "container",
        _PULL,
        "check that the nodes can reach the registry of {image}; if the pull is only slow, raise "
        "`conductor_wait_timeout`",
        grace=SLOW,
    ),
    Signature(
        "its image name is invalid",
        "container",
        frozenset({"InvalidImageName"}),
        "correct the image name {image}",
    ),
    Signature(
        "its image is not on the node, and its imagePullPolicy forbids pulling it",
        "container",
        frozenset({"ErrImageNeverPull"}),
        "load {image} onto the nodes, or set imagePullPolicy IfNotPresent",
    ),
    Signature(
        "its container cannot be configured",
        "container",
        frozenset({"CreateContainerConfigError"}),
        "correct the problem that the message names",
        grace=5.0,
    ),
    Signature(
        "it runs out of memory",
        "container",
        _CRASH,
        "raise the memory limit of the container",
        words=r"OOMKilled",
        # The memory that it needs to start does not change. Other exits may have external causes, even twice.
        restarts=1,
    ),
    # Two exits may be caused by a node whose network starts a little later than its pods. If the log shows another
    # cause, two exits are sufficient, and nobody has to wait for the kubelet's back-off of 10 s.
    Signature("its container exits again and again", "container", _CRASH, _LOGS, restarts=2),
    Signature("its container exits again and again", "container", _CRASH, _LOGS, restarts=1, own_fault=True),
    Signature(
        "no node has enough capacity for it, or no node accepts it",
        "scheduler",
        frozenset({"Unschedulable"}),
        "free capacity, uncordon a node, remove a taint or add a node; `kubectl describe nodes` shows the details",
        words=r"insufficient |unschedulable|untolerated taint|didn't match pod's node affinity/selector",
        # Nodes that are still starting, or no node yet.
        but_not=r"node\.kubernetes\.io/(not-ready|unreachable|network-unavailable)|/uninitialized|no nodes available",
        # Pods that are terminating may free enough capacity.
        grace=6.0,
        nodes_help=True,
    ),
    Signature(
        "it is scaled to 0 replicas",
        "deployment",
        frozenset({"ScaledToZero"}),
        "run `kubectl -n {namespace} scale deployment/{deployment} --replicas=1`",
    ),
    Signature(
        "its rollout is paused",
        "deployment",
        frozenset({"DeploymentPaused"}),
        "run `kubectl -n {namespace} rollout resume deployment/{deployment}`",
    ),
)
