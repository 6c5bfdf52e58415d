# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that the controllers make for themselves: when to make the kubelet mount them at once. Pure.

Both controllers write their certificate into a Secret that is mounted into their own pod, and wait for the files to
appear (open-policy-agent/cert-controller). The kubelet refreshes a mounted Secret at the next sync of the pod, up to
about a minute and a half later; any change of the pod's metadata makes it sync now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._resources import Key
from ._verdict_pod import is_pod_ready

# What cert-controller's rotator writes (pkg/rotator: caCertName, caKeyName, certName, keyName).
CERTIFICATE_KEYS = frozenset({"ca.crt", "ca.key", "tls.crt", "tls.key"})
ANNOTATION = "conductor.trainer/certificate-mounted-at"
# The kubelet remounts from its own watch on the Secret and can lose the race with one touch; the controller looks for
# its files at about 0, 1-2, 3-6, 7-14 s, so a touch must not come late either.
TOUCH_INTERVAL = 2.0


def data_keys(metadata: Mapping[str, Any]) -> frozenset[str]:
    """The data keys of a Secret or ConfigMap, told from its managedFields: no value is ever read."""
    keys: set[str] = set()
    for entry in metadata.get("managedFields") or []:
        data = (entry.get("fieldsV1") or {}).get("f:data") or {}
        keys |= {field[2:] for field in data if field.startswith("f:")}
    return frozenset(keys)


def has_certificate(secret: Mapping[str, Any] | None) -> bool:
    """Whether a Secret, known by its metadata, holds a whole certificate."""
    return secret is not None and data_keys(secret.get("metadata") or {}) >= CERTIFICATE_KEYS


def certificate_secrets(deployment: Mapping[str, Any]) -> list[str]:
    """The names of the Secrets that a Deployment mounts."""
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or []
    return [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]


def pods_of(deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The pods that a Deployment's selector matches and that are not being deleted."""
    wanted = deployment["spec"]["selector"]["matchLabels"].items()
    return [
        pod
        for pod in pods
        if wanted <= (pod["metadata"].get("labels") or {}).items() and not pod["metadata"].get("deletionTimestamp")
    ]


def pods_to_touch(
    deployments: Iterable[Mapping[str, Any]],
    pods: Iterable[Mapping[str, Any]],
    secrets: Mapping[str, Mapping[str, Any]],
) -> list[Key]:
    """The pods that wait for a certificate which its Secret already holds.

    Args:
        deployments: the controllers' Deployments as the bundle has them.
        pods: the pods of their namespace.
        secrets: name to Secret (metadata suffices).
    """
    pods = list(pods)
    return [
        Key("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
        for deployment in deployments
        if all(has_certificate(secrets.get(name)) for name in certificate_secrets(deployment))
        for pod in pods_of(deployment, pods)
        if not is_pod_ready(pod)
    ]
