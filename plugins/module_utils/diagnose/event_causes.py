# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The causes in events of the kubelet, and in the reason of a pod that was rejected or ended as a whole. Pure.

A kubelet connects to registries, to the container runtime and, for probes, to the pod. None of this is the pod itself
that fails to reach the API server.
"""

from __future__ import annotations

from .causes import KnownCause, cause_in
from .pull_failures import DISK_FULL, NO_RUNTIME, OTHER_ARCHITECTURE

_SANDBOX = r"(?:FailedCreatePodSandBox|FailedPodSandBoxStatus|pod sandbox|NetworkNotReady)"
_SOURCE = "create what the message names; if it belongs to the controllers, run the install, which restores it"
_NODES = "check the nodes: `kubectl get nodes`"

MORE_MEMORY = "raise the memory limit of the container with `conductor_resources`"

WRONG_ARCHITECTURE = KnownCause(
    r"exec format error",
    "its image is built for another architecture than the node's",
    "use an image that is built for the nodes' architecture, or nodes of an architecture that the image supports",
    if_installed=OTHER_ARCHITECTURE,
)

# The first match counts. Sources: kubernetes/kubernetes pkg/kubelet (events, prober, kuberuntime), pkg/volume;
# containerd internal/cri/server; CRI-O server and internal/lib; Mirantis/cri-dockerd core; containernetworking/cni.
EVENT_CAUSES: tuple[KnownCause, ...] = (
    KnownCause(
        r"failed to sync (?:secret|configmap) cache|object \\*\"[^\"]*\\*\"/\\*\"[^\"]*\\*\" not registered"
        r"|services have not yet been read",
        "the kubelet of its node does not know its Secrets, ConfigMaps or Services yet",
        "wait; if it does not pass, check that the node reaches the API server",
    ),
    KnownCause(
        DISK_FULL,
        "the disk of its node is full",
        "free space on the node that `kubectl describe pod` names",
    ),
    KnownCause(
        NO_RUNTIME,
        "the container runtime of its node does not answer",
        "check the container runtime of the node that `kubectl describe pod` names",
    ),
    KnownCause(
        r"no runtime for \\*\"?([\w./-]+?)\\*\"? is configured"
        r"|RuntimeHandler \\*\"?([\w./-]+?)\\*\"? not supported"
        r"|(?:find|unknown|invalid) runtime (?:handler|name)[: ]+\\*\"?([\w./-]+)"
        r"|RuntimeClass\S* \\*\"([\w./-]+?)\\*\" not found"
        r"|lookup runtimeHandler for runtimeClassName ([\w./-]+)|runtime \\*\"([\w./-]+?)\\*\" binary not installed",
        "its node does not have the container runtime of its RuntimeClass: {0}{1}{2}{3}{4}{5}",
        "install that runtime on the nodes, or remove runtimeClassName from the pod template",
        if_installed="install that runtime on the nodes, or remove runtimeClassName from `conductor_patches`",
    ),
    KnownCause(
        rf"{_SANDBOX}.*(?:(?:sandbox|pause|infra(?:structure)?(?: container)?) image"
        r"|(?:failed to pull|failed pulling|pulling) image"
        r"|initializing source docker://|reading manifest|pinging container registry|image \S*pause)",
        "its node cannot pull the sandbox image (pause) that every pod needs",
        "load the sandbox image of the nodes' container runtime onto the nodes, or configure one that they can pull",
    ),
    KnownCause(
        rf"{_SANDBOX}.*(?:is reserved for|name is already in use)",
        "the container runtime of its node has not finished an earlier attempt to create it",
        "wait; if it does not pass, restart the container runtime of the node that `kubectl describe pod` names",
    ),
    KnownCause(
        r"OOM-?killed",
        "it runs out of memory",
        "raise the memory limit of the container",
        if_installed=MORE_MEMORY,
    ),
    KnownCause(
        r"too many open files|no space left for inotify|cannot allocate memory|resource temporarily unavailable",
        "its node has reached a limit of its operating system (files, inotify, processes or memory)",
        "raise the limit on the node that `kubectl describe pod` names, or move pods to other nodes",
    ),
    KnownCause(
        r"network is not ready|NetworkPluginNotReady|NetworkReady=false|cni plugin not initialized"
        r"|cni config uninitialized"
        rf"|{_SANDBOX}.*(?:set ?up (?:pod )?(?:\S+ )?network|setup network|plugin type|network ?plugin|\bCNI\b"
        r"|\bcni[.\w]*d?/"
        r"|no (?:IP addresses|more IPs|available IP|free IP|IPs) ?\w*"
        r"|(?:allocate|assign|reserve)\w* (?:an? )?(?:\w+ )?(?:IP|address)"
        r"|failed to find plugin|network namespace|\bipam\b|multus|calico|cilium|flannel|weave|antrea|delegateAdd)",
        "the node cannot set up its network",
        "check the network plugin of the node",
    ),
    KnownCause(
        r"Failed to create pod sandbox|FailedCreatePodSandBox|FailedPodSandBoxStatus|CreatePodSandboxError",
        "the container runtime of its node cannot create its sandbox",
        "read the message of the event, and check the container runtime of the node",
    ),
    KnownCause(
        r'MountVolume\.SetUp failed for volume \\*"([^"\\]+)\\*".*'
        r"references non-existent (?:secret|config) key: ([\w.-]+)",
        "the key {1} is missing in the source of its volume {0}",
        _SOURCE,
    ),
    KnownCause(
        r"configmap \\*\"kube-root-ca\.crt\\*\" not found",
        "Kubernetes has not created the ConfigMap kube-root-ca.crt in its namespace yet",
        "wait; if it does not appear, check kube-controller-manager, which creates it in every namespace",
    ),
    KnownCause(
        r'MountVolume\.SetUp failed for volume \\*"([^"\\]+)\\*".*'
        r'(?:secret|configmap|serviceaccount)s? \\*"[^"\\]+\\*" not found',
        "the source of its volume {0} is missing",
        _SOURCE,
    ),
    KnownCause(
        r"MountVolume\.(?:SetUp|MountDevice|WaitForAttach) failed"
        r"|Unable to attach or mount volumes"
        r"|AttachVolume\.\w+ failed|FailedAttachVolume|FailedMapVolume|Multi-Attach error",
        "one of its volumes cannot be mounted",
        "read the message of the event",
    ),
    WRONG_ARCHITECTURE,
    KnownCause(
        r"executable file not found|exec: \\*\"[^\"]+\\*\": (?:stat|permission denied|is a directory)"
        r"|no command specified"
        r"|no such file or directory: unknown",
        "its image does not have the program that its container starts",
        "correct the image or the command of the container",
        if_installed="correct the image in `conductor_images`, or the command in `conductor_patches`",
    ),
    KnownCause(
        r"Liveness probe (?:failed|error)|failed liveness probe",
        "the kubelet restarts it, because it does not answer its liveness probe in time",
        "give it more CPU, or find out what slows its node down",
        if_installed="give it more CPU with `conductor_resources`, or find out what slows its node down",
    ),
    KnownCause(
        r"NodeNotReady: |Node is not ready|TaintManagerEviction",
        "its node is not ready",
        _NODES,
    ),
    KnownCause(
        r"Unable to retrieve some image pull secrets \(([^)]+)\)",
        "Secrets with the credentials of its registry are missing: {0}",
        "create these Secrets (imagePullSecrets) in its namespace",
        if_installed="create these Secrets in its namespace, or correct `conductor_image_pull_secrets`",
    ),
    KnownCause(
        r"(?:Readiness|Startup) probe (?:failed|error)|failed startup probe",
        "it runs but is not ready yet: it waits until its certificate is mounted",
        "wait; if it does not become ready, search its log for cert-rotation",
    ),
)

# The last ones hold only if nothing else explains the failure.
WEAK = 2
LIVENESS = "Liveness probe"

# The reason of the pod's status, and that of its condition, which has the same message.
_EVICTED = r"^(?:Evicted|TerminationByKubelet): "

# Words are the reason and message of a pod's status, or of its condition DisruptionTarget.
POD_CAUSES: tuple[KnownCause, ...] = (
    KnownCause(
        rf"{_EVICTED}.*(?:ephemeral|EmptyDir)",
        "its node evicted it, because it used more temporary disk space than it may",
        "raise the limit of ephemeral-storage with `conductor_resources` or that of the volume, or find out what fills "
        "it",
    ),
    KnownCause(
        rf"{_EVICTED}.*memory",
        "its node evicted it, because the memory of the node ran out",
        "raise the memory request of the container with `conductor_resources`, or free memory on the nodes",
    ),
    KnownCause(
        rf"{_EVICTED}.*(?:disk|inodes|nodefs|imagefs|containerfs|storage)",
        "its node evicted it, because the disk of the node ran full",
        "free space on the nodes",
    ),
    KnownCause(
        rf"{_EVICTED}.*pid",
        "its node evicted it, because the node ran out of process ids",
        "find out which pod of the node starts so many processes",
    ),
    KnownCause(
        r"^(?:Preempt\w*|TerminationByKubelet: Preempted)\b",
        "it was stopped to make room for a pod of a higher priority",
        "add capacity, or give it a PriorityClass with `conductor_priority_class`",
    ),
    KnownCause(
        r"^(?:NodeShutdown|Terminated|Shutdown|TerminationByKubelet: .*shutdown)\b",
        "its node is shutting down",
        _NODES,
    ),
    KnownCause(
        r"^(?:Evicted|EvictionByEvictionAPI|TerminationByKubelet)\b",
        "it was evicted from its node",
        "find out why: `kubectl get events` and `kubectl describe nodes` show it",
    ),
    KnownCause(
        r"^DeletionByTaintManager\b",
        "a taint of its node evicted it",
        "check the taints of the nodes (`kubectl describe nodes`), or set `conductor_tolerations`",
    ),
    KnownCause(
        r"^(?:NodeLost|DeletionByPodGC)\b",
        "its node was lost",
        _NODES,
    ),
    KnownCause(
        r"^OutOf([\w./-]+)",
        "its node does not have enough {0} left for it",
        "free capacity on the nodes, add a node, or lower the request with `conductor_resources`",
    ),
    KnownCause(
        r"^DeadlineExceeded\b",
        "it ran longer than its activeDeadlineSeconds",
        "raise activeDeadlineSeconds, or find out why it takes so long",
    ),
    KnownCause(
        r"^(NodeAffinity|NodeName|NodePorts|NodeUnschedulable|TaintToleration|NodeLabel\w*)\b",
        "its node no longer accepts it: {0}",
        "check the labels and taints of the nodes (`kubectl describe nodes`), or set `conductor_node_selector` or "
        "`conductor_tolerations`",
    ),
    KnownCause(
        r"^(UnexpectedAdmissionError|TopologyAffinityError|SMTAlignmentError|InvalidNodeInfo|Unknown(?:Reason)?"
        r"|UnexpectedPredicateFailureType|SysctlForbidden|AppArmor|PodOS\w+|InitContainerRestartPolicyForbidden"
        r"|SupplementalGroupsPolicyNotSupported|PodLevelResourcesNotSupported|PodFeatureUnsupported"
        r"|VolumeAttachmentLimitExceeded)\b",
        "its node did not admit it: {0}",
        "read the message of the pod's status: `kubectl describe pod` shows it",
    ),
)


def event_cause(
    words: str, *, weak: bool = True, liveness: bool = True, installed: bool = True
) -> tuple[str, str] | None:
    """Return the cause and the next step for an event; None if the catalogue has no match.

    Args:
        words: its reason and message, unchanged.
        weak: use entries that say little, too.
        liveness: use the liveness probe, too.
        installed: whether it is about a controller or its pods, which an install applies.
    """
    entries = EVENT_CAUSES if weak else EVENT_CAUSES[:-WEAK]
    known = (entry for entry in entries if liveness or LIVENESS not in entry.words)
    return cause_in(words, known, installed=installed)


def pod_cause(reason: str) -> tuple[str, str] | None:
    """Return the cause and the next step for C(pod_reason); None if the catalogue has no match."""
    return cause_in(reason, POD_CAUSES)
