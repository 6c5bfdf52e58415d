# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of signs that a controller will not become ready: sign → cause → next step. C(failures.py) reads it.

Slow is not failed: the catalogue lists a sign only if it reports something that time alone does not change. A sign has
a grace period if something may still resolve it. Anything else is left to the deadline.
"""

from __future__ import annotations

from .event_causes import MORE_MEMORY
from .pull_failures import CORRECT_NAME, PULL_SIGNATURES, START_REASONS
from .signature import SLOW, Signature

_START = START_REASONS
_CRASH = frozenset({"CrashLoopBackOff", "RunContainerError"})
_LOGS = "read its log: `kubectl -n {namespace} logs {pod} --previous`"

# The first match counts. Sources of reasons and words: kubernetes/kubernetes pkg/kubelet/images/types.go and
# pkg/kubelet/kuberuntime (containers), pkg/scheduler (scheduler). What an API server rejects is in
# C(rejections/catalogue.py).
SIGNATURES: tuple[Signature, ...] = (
    *PULL_SIGNATURES,
    Signature(
        "its image name is invalid",
        "container",
        frozenset({"InvalidImageName"}),
        "correct the image name {image}",
        if_installed=CORRECT_NAME,
    ),
    Signature(
        "its image is not on the node, and its imagePullPolicy forbids pulling it",
        "container",
        frozenset({"ErrImageNeverPull"}),
        "load {image} onto the nodes, or set imagePullPolicy IfNotPresent",
        if_installed="load {image} onto the nodes, or set `conductor_image_pull_policy: IfNotPresent`",
    ),
    Signature(
        "the kubelet of its node does not know yet what its container needs",
        "container",
        frozenset({"CreateContainerConfigError"}),
        "wait; if it does not pass, check that the node reaches the API server; "
        "`kubectl -n {namespace} describe pod {pod}` names it",
        words=r"failed to sync (?:secret|configmap) cache|timed out waiting for the condition"
        r"|services have not yet been read|not registered|cannot construct envvars|context deadline exceeded"
        r"|host IP unknown|failed to get (?:host IP|node)|node \\*\"[^\"]*\\*\" not found"
        # What a kubelet gets that cannot ask the API server, or that the node authorizer does not know yet.
        r"|(?:Get|Post) \\*\"https?://|no relationship found between node|currently unable to handle|unauthori[sz]ed"
        r"|connection refused|i/o timeout|etcdserver|too many requests|service account token.*(?:timeout|refused)",
        grace=SLOW,
    ),
    Signature(
        "its container cannot be configured",
        "container",
        frozenset({"CreateContainerConfigError"}),
        "correct the problem that the message names",
        words=r"(?:secret|configmap)s? \\*\"[^\"]*\\*\" not found|couldn't find key"
        r"|environment variable key .* not found|runAsNonRoot|non-root policy|recursive read-only"
        r"|must (?:not )?be an absolute path|cannot find (?:the )?volume|is not a valid DNS"
        r"|hostname for pod .* was invalid|unsupported supplementalGroupsPolicy",
        grace=5.0,
    ),
    # The node or a volume may be at fault, which another attempt may find repaired.
    Signature(
        "its container cannot be configured",
        "container",
        frozenset({"CreateContainerConfigError"}),
        "correct the problem that the message names: `kubectl -n {namespace} describe pod {pod}`",
        grace=SLOW,
    ),
    Signature(
        "it runs out of memory",
        "container",
        _CRASH | _START,
        "raise the memory limit of the container",
        if_installed=MORE_MEMORY,
        words=r"OOMKilled|OOM-?killed|out of memory \(memory limit",
        # The memory that it needs to start does not change. Other exits may have external causes, even twice.
        restarts=1,
    ),
    Signature(
        "it runs out of memory",
        "container",
        _START,
        "raise the memory limit of the container",
        if_installed=MORE_MEMORY,
        # It is killed before its program starts, so that it was never restarted.
        words=r"OOM-?killed",
        grace=5.0,
    ),
    # Two exits may be caused by a node whose network starts a little later than its pods. If the log shows another
    # cause, two exits are sufficient, and nobody has to wait for the kubelet's back-off of 10 s.
    Signature("its container exits again and again", "container", _CRASH, _LOGS, restarts=2),
    Signature("its container exits again and again", "container", _CRASH, _LOGS, restarts=1, own_fault=True),
    Signature(
        "its container cannot be created",
        "container",
        frozenset({"CreateContainerError"}),
        "give the container a command, or use an image that has one",
        if_installed="set `conductor_images` to an image that has a command",
        words=r"no command specified|no command to run",
        grace=5.0,
    ),
    Signature(
        "its container cannot be created",
        "container",
        _START - _CRASH,
        "read the message: `kubectl -n {namespace} describe pod {pod}`",
        grace=SLOW,
    ),
    Signature(
        "no node has enough capacity for it, or no node accepts it",
        "scheduler",
        frozenset({"Unschedulable"}),
        "free capacity, uncordon a node, remove a taint or add a node; `kubectl describe nodes` shows the details",
        if_installed="free capacity, uncordon a node or add one, or set `conductor_tolerations`, "
        "`conductor_node_selector` or `conductor_resources`; `kubectl describe nodes` shows the details",
        words=r"insufficient |unschedulable|untolerated taint|had taints|didn't match pod's node affinity/selector",
        # No node yet.
        but_not=r"no nodes available",
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
