# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of failed pulls: the words of a container runtime or a registry → cause → next step.

A registry that answers is certain, after a while. The network, a proxy, a limit or the node may be repaired meanwhile.
"""

from __future__ import annotations

from .signature import SLOW, Signature

# The kubelet's reasons for failed pulls; the last two come from the container runtime (kubernetes/cri-api pkg/errors).
PULL_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed"})
# The kubelet asks the container runtime of its own node, not a registry.
_INSPECT = frozenset({"ImageInspectError"})
# The kubelet's reasons for containers that cannot be created or started.
START_REASONS = frozenset(
    {"CreateContainerError", "RunContainerError", "StartError", "PreCreateHookError", "PreStartHookError"}
)
_PULL, _START = PULL_REASONS, START_REASONS
_NODE_RUNTIME = (
    "check the container runtime of the pod's node: `kubectl -n {namespace} describe pod {pod}` names the node"
)

CORRECT_NAME = "correct the image name {image} in `conductor_registries`, `conductor_images` or `conductor_patches`"
OTHER_ARCHITECTURE = (
    "set `conductor_images` to an image that is built for the nodes' architecture, or `conductor_node_selector` to "
    "nodes of an architecture that the image supports"
)

DISK_FULL = r"no space left on device|disk quota exceeded|not enough (?:disk )?space|insufficient (?:disk )?space"
# Network plugins and volume drivers have sockets, too.
NO_RUNTIME = r"(?:containerd|crio|cri-dockerd|dockershim|docker)\.sock|cannot connect to the docker daemon"
# The first match counts. Sources of the words: kubernetes/kubernetes pkg/kubelet/images; containerd
# core/remotes/docker, internal/cri and core/unpack; containers/image docker and signature (CRI-O); moby distribution
# (cri-dockerd); opencontainers/distribution-spec (codes of errors).
PULL_SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "the signature policy of its node rejects its image",
        "container",
        _PULL,
        "allow {image} in the signature policy of the nodes' container runtime, or use an image that is signed",
        if_installed="allow {image} in the signature policy of the nodes' container runtime, or set `conductor_images` "
        "to an image that is signed",
        words=r"SignatureValidationFailed|signature validation failed|source image rejected|signature was required"
        r"|signature for .*not accepted|invalid (?:gpg )?signature|signature verification failed",
        # A service that keeps the signatures may not answer at first.
        grace=15.0,
    ),
    Signature(
        "the container runtime of its node does not answer",
        "container",
        _PULL | _START | _INSPECT,
        _NODE_RUNTIME,
        words=NO_RUNTIME,
        # It may be restarting.
        grace=SLOW,
    ),
    Signature(
        "its image name is invalid",
        "container",
        _PULL,
        "correct the image name {image}",
        if_installed=CORRECT_NAME,
        words=r"invalid reference format|couldn't parse image",
    ),
    Signature(
        "its image name has no registry, and the container runtime of its node does not add one",
        "container",
        _PULL,
        "write {image} with its registry, e.g. docker.io/",
        if_installed="set `conductor_images` to {image} with its registry, e.g. docker.io/",
        words=r"did not resolve to an alias|short name mode is enforcing|no unqualified-search registries",
        grace=15.0,
    ),
    Signature(
        "its image has an old format that the container runtime of its node does not support",
        "container",
        _PULL,
        "use an image in the format of OCI or of Docker's schema 2: build {image} again",
        if_installed="build {image} again in the format of OCI or of Docker's schema 2, or set `conductor_images` to "
        "an image in such a format",
        words=r"media type \\*\"[^\"]*\\*\" is no longer supported|docker schema ?1"
        r"|schema1 .*(?:not supported|deprecated)",
        grace=15.0,
    ),
    Signature(
        "its image has not been pulled yet: the proxy between its node and the registry does not let the pull through",
        "container",
        _PULL,
        "check the proxy of the nodes' container runtime (HTTPS_PROXY and NO_PROXY), and allow the registry of {image}",
        words=r"proxyconnect|proxy authentication required|(?<![\d.:])407\b",
        grace=SLOW,
    ),
    Signature(
        "its image has not been pulled yet: a web page arrives instead, from a proxy between node and registry",
        "container",
        _PULL,
        "check the proxy and the registry mirrors of the nodes' container runtime, and open the registry of {image} "
        "from a node",
        words=r"text/html|invalid character '<'|<!doctype|<html",
        grace=SLOW,
    ),
    Signature(
        "its image has not been pulled yet: the registry limits how many images the node may pull",
        "container",
        _PULL,
        "wait until the limit of the registry of {image} ends, give the pods credentials (imagePullSecrets), or use a "
        "mirror",
        if_installed="wait until the limit of the registry of {image} ends, set `conductor_image_pull_credentials`, or "
        "set `conductor_registries` to a mirror",
        words=r"toomanyrequests|too many requests|(?<![\d.:])429\b|rate ?limit|pull QPS exceeded",
        grace=SLOW,
    ),
    Signature(
        "the disk of its node is full",
        "container",
        _PULL | _START,
        "free space on the pod's node: `kubectl -n {namespace} describe pod {pod}` names it",
        words=DISK_FULL,
        # The kubelet deletes unused images first, and checks every 10 s whether that is necessary.
        grace=60.0,
    ),
    Signature(
        "its image has no variant for the node's platform",
        "container",
        _PULL,
        "use an image that is built for the nodes' architecture, or nodes of an architecture that the image supports",
        if_installed=OTHER_ARCHITECTURE,
        words=r"no match for platform"
        r"|no matching manifest for|no image found in (?:image index|manifest list)"
        r"|no supported platform found|cannot be used on this platform"
        r"|does not (?:match|provide|match \(provide\)) the specified platform"
        r"|no (?:child|suitable) (?:manifest|image).*(?:platform|architecture)",
    ),
    Signature(
        "the registry's certificate is not valid yet by the clock of the node",
        "container",
        _PULL,
        "set the clock of the nodes, or issue the certificate of the registry of {image} again",
        words=r"certificate has expired or is not yet valid: current time \S+ is before|certificate is not yet valid",
        # A node that has just booted sets its clock.
        grace=60.0,
    ),
    Signature(
        "the registry's certificate has expired, or the clock of the node is wrong",
        "container",
        _PULL,
        "renew the certificate of the registry of {image}, or set the clock of the nodes",
        words=r"certificate has expired",
        grace=15.0,
    ),
    Signature(
        "the registry's certificate is issued for another name",
        "container",
        _PULL,
        "issue a certificate with the name in {image}, or use the name that the certificate has",
        words=r"x509: (?:certificate is (?:valid for .*, not|not valid for any names)|cannot validate certificate for"
        r"|certificate relies on legacy Common Name|certificate is not authorized)",
        grace=15.0,
    ),
    Signature(
        "the node does not trust the registry's certificate",
        "container",
        _PULL,
        "add the CA of the registry of {image} to the nodes' container runtime",
        words=r"x509:|unknown (?:certificate )?authority|failed to verify certificate|tls: bad certificate",
        grace=15.0,
    ),
    Signature(
        "the registry speaks plain HTTP, but the node uses HTTPS",
        "container",
        _PULL,
        "configure TLS for the registry, or configure it as a plain HTTP registry in the nodes' container runtime",
        words=r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake",
    ),
    Signature(
        "the registry speaks HTTPS, but the node uses plain HTTP",
        "container",
        _PULL,
        "remove the plain HTTP setting of the registry from the nodes' container runtime",
        words=r"client sent an HTTP request to an HTTPS server",
    ),
    Signature(
        "the registry denies the node access to its image",
        "container",
        _PULL,
        "give the pods credentials for the registry of {image} (imagePullSecrets), and check the image name",
        if_installed="give the pods credentials for the registry of {image} by `conductor_image_pull_credentials` or "
        "`conductor_image_pull_secrets`, and check the image name, which `conductor_registries` and "
        "`conductor_images` set",
        # Registries give the same answer for a missing image and for an image without access.
        words=r"access (?:\S+ ){0,6}denied|(?<!permission )denied: |insufficient_scope|\bunauthori[sz]ed\b"
        r"|authori[sz]ation failed|authentication (?:is )?required|authentication failed|(?<![\d.:])40[13]\b"
        r"|: forbidden\b"
        r"|no basic auth credentials|invalid username/password|incorrect username or password|invalid credentials"
        r"|not authori[sz]ed|AccessDenied|ExpiredToken",
        # A node that has just booted may not have its cloud credentials yet, so two pulls must fail.
        grace=15.0,
    ),
    Signature(
        "a part of its image is missing in the registry",
        "container",
        _PULL,
        "repair {image} by a new push, or use another tag",
        if_installed="repair {image} by a new push, or set `conductor_images` to another tag",
        words=r"httpReadSeeker.*not found|blob unknown|could not fetch content descriptor.*not found"
        r"|content at \S* ?not found|fetching blob.*(?:not found|404)|manifest blob unknown",
        # A registry that mirrors another one may still be fetching it.
        grace=15.0,
    ),
    Signature(
        "its image has not been pulled yet: the container runtime of its node cannot store it",
        "container",
        _PULL,
        "remove the image from the pod's node (`crictl rmi {image}`), or restart the container runtime of that node",
        words=r"content digest|failed to (?:unpack|extract|prepare|mount|commit|ingest)|failed commit|snapshot"
        r"|bucket: not found|lease .*not found|layer .*(?:not known|does not exist)|failed to register layer"
        r"|input/output error|read-only file system|unexpected commit digest|failed size validation"
        r"|creating (?:layer|overlay)|adding layer with blob|committing the finished image",
        grace=SLOW,
    ),
    Signature(
        "the container runtime of its node cannot read its image",
        "container",
        _INSPECT,
        _NODE_RUNTIME,
        grace=SLOW,
    ),
    Signature(
        "its image is not in the registry",
        "container",
        _PULL,
        "check the name and tag of {image}, and push it to that registry",
        if_installed="check the name and tag of {image}, which `conductor_registries` and `conductor_images` set, and "
        "push it to that registry",
        # "lookup ...: no such host" and refused connections may be resolved within minutes.
        words=r": not found|code = NotFound|manifest unknown|name unknown|manifest_unknown|name_unknown"
        r"|(?<![\d.:])404\b|repository (?:\S+ )?(?:does not exist|not found)|no such image"
        r"|(?:manifest|artifact) (?:\S+ ){0,4}not found",
        but_not=r"no such host",
    ),
    Signature(
        "its image has not been pulled yet",
        "container",
        _PULL,
        "check that the nodes can reach the registry of {image}; if the pull is only slow, raise {timeout}",
        if_installed="check that the nodes can reach the registry of {image}, or set `conductor_registries` to one "
        "that they reach; if the pull is only slow, raise {timeout}",
        grace=SLOW,
    ),
)
