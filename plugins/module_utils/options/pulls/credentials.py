# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret with the credentials of registries, and who uses it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...credentials import docker_config
from ...errors import InputError
from ...names import PULL_SECRET
from ...objects.resources import Key
from ..draft import Draft, pod_of

_OPTION = "image_pull_credentials"


def lay_pull_credentials(draft: Draft, options: Mapping[str, Any]) -> None:
    """Add the Secret with the credentials, and let the controllers use it."""
    credentials = options.get(_OPTION)
    if not credentials:
        return
    with draft.because(_OPTION):
        if draft.recorded:
            # The record has digests of the credentials. The Secret stays as it is.
            draft.keep(Key("v1", "Secret", draft.bundle.namespace, PULL_SECRET))
        else:
            _check(credentials)
            draft.add("access", pull_secret(draft.bundle.namespace, credentials))
        for controller in draft.controllers():
            pod = pod_of(draft.edit(controller.deployment))
            pod["imagePullSecrets"] = [*(pod.get("imagePullSecrets") or []), {"name": PULL_SECRET}]


def pull_secret(namespace: str, credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Secret with these credentials."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": PULL_SECRET, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": docker_config(credentials)},
    }


def _check(credentials: Mapping[str, Any]) -> None:
    for registry, login in credentials.items():
        if (
            not isinstance(login, Mapping)
            or set(login) != {"username", "password"}
            or not all(isinstance(value, str) and value for value in login.values())
        ):
            # Without the value: it may be the password itself.
            raise InputError(
                f"`conductor_image_pull_credentials`: {registry} has no username and password",
                next_step="set both, as texts, and nothing else",
            )
