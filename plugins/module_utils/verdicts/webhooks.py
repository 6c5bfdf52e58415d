# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on the endpoints of a webhook's Service and on the caBundle of a webhook configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import part, parts
from .verdict import State, Verdict


def endpoints_verdict(
    service: str, slices: Iterable[Mapping[str, Any]], pods: Mapping[str, Mapping[str, Any]]
) -> Verdict:
    """At least one ready endpoint, each of them one of the pods that may answer, and none that is on its way out.

    A pod that is ending serves until its process ends, and a node learns of that up to a second later: an answer may be
    its last, and the next call be refused.

    Args:
        slices: the EndpointSlices of this Service.
        pods: uid to pod, those of the Service's own Deployment.
    """

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"Service {service}", "endpoints", state, evidence, name=service)

    ready, strangers, ending = 0, [], []
    for piece in slices:
        for endpoint in parts(piece, "endpoints"):
            conditions, target = part(endpoint, "conditions"), part(endpoint, "targetRef")
            if conditions.get("terminating") is True and conditions.get("serving") is True:
                ending.append(str(target.get("name", "a pod")))
            if conditions.get("ready") is not True:
                continue
            if str(target.get("uid")) in pods:
                ready += 1
            else:
                addresses = endpoint.get("addresses")
                address = addresses[0] if isinstance(addresses, list) and addresses else "an address"
                strangers.append(str(target.get("name") or address))
    if strangers:
        return verdict(
            "progressing", f"{', '.join(sorted(strangers))} answers for it and is not one of its controllers"
        )
    if not ready:
        return verdict("progressing", "no ready endpoint")
    if ending:
        return verdict("progressing", f"{', '.join(sorted(ending))} is ending and still answers for it")
    return verdict("ready", f"{ready} ready")


def webhook_configuration_verdict(
    name: str, configuration: Mapping[str, Any] | None, webhooks: Iterable[str]
) -> Verdict:
    """Every webhook of it has a caBundle; the controllers write that when their certificate is made."""

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"webhook configuration {name}", "caBundle", state, evidence, name=name)

    if configuration is None:
        return verdict("progressing", "it is not there")
    found = {str(webhook.get("name")): webhook for webhook in parts(configuration, "webhooks")}
    missing = [webhook for webhook in webhooks if webhook not in found]
    if missing:
        return verdict("progressing", f"it lacks webhook {', '.join(missing)}")
    bare = [webhook for webhook in webhooks if not _has_bundle(found[webhook])]
    if bare:
        return verdict("progressing", f"no caBundle yet on {', '.join(bare)}")
    return verdict("ready")


def _has_bundle(webhook: Mapping[str, Any]) -> bool:
    bundle = part(webhook, "clientConfig").get("caBundle")
    return isinstance(bundle, str) and bool(bundle)
