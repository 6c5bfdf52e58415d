# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge the endpoints of a webhook's Service and the caBundle of a webhook configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import conditions_of, has_ended, is_terminating, name_of, part, parts, text, texts
from .pods import is_pod_ready
from .verdict import State, Verdict


def endpoints_verdict(
    service: str, slices: Iterable[Mapping[str, Any]], pods: Mapping[str, Mapping[str, Any]]
) -> Verdict:
    """Judge a Service: ready if it has a ready endpoint, all belong to its Deployment and none is terminating.

    A terminating pod answers until its process ends, and a node learns that up to a second later: a call after a
    successful one may still fail.

    Args:
        slices: the EndpointSlices of this Service.
        pods: the pods of the Service's own Deployment, by uid.
    """

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"Service {service}", "endpoints", state, evidence, name=service)

    ready, strangers, ending, unready = 0, [], [], []
    for piece in slices:
        if is_terminating(piece):
            return verdict("progressing", f"it is being deleted: EndpointSlice {name_of(piece)}".rstrip())
        for endpoint in parts(piece, "endpoints"):
            conditions, target = part(endpoint, "conditions"), part(endpoint, "targetRef")
            is_serving = conditions.get("serving") is not False
            if conditions.get("terminating") is True:
                # It is ready as well if the Service publishes addresses that are not ready.
                if conditions.get("serving") is True or conditions.get("ready") is True:
                    ending.append(text(target, "name") or "a pod")
                continue
            if conditions.get("ready") is not True or not is_serving:
                continue
            addresses = texts(endpoint, "addresses")
            uid = text(target, "uid")
            pod = pods.get(uid) if uid else None
            if pod is None or has_ended(pod) or is_terminating(pod):
                strangers.append(text(target, "name") or next(iter(addresses), "an address"))
            elif conditions_of(pod, "Ready") and not is_pod_ready(pod):
                unready.append(name_of(pod))
            else:
                ready += 1
    if strangers:
        return verdict("progressing", f"an endpoint is not a pod of its controller: {', '.join(sorted(strangers))}")
    if unready:
        return verdict("progressing", f"a pod that is not ready is still an endpoint: {', '.join(sorted(unready))}")
    if not ready:
        return verdict("progressing", "no ready endpoint")
    if ending:
        return verdict("progressing", f"a terminating pod is still an endpoint: {', '.join(sorted(ending))}")
    return verdict("ready", f"{ready} ready")


def webhook_configuration_verdict(
    name: str, configuration: Mapping[str, Any] | None, webhooks: Iterable[str]
) -> Verdict:
    """Judge a webhook configuration: ready if every webhook has a caBundle.

    The controllers write the caBundle after creating their certificate.
    """

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"webhook configuration {name}", "caBundle", state, evidence, name=name)

    if configuration is None:
        return verdict("progressing", "missing")
    if is_terminating(configuration):
        return verdict("progressing", "it is being deleted")
    wanted = list(webhooks)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for webhook in parts(configuration, "webhooks"):
        found.setdefault(text(webhook, "name"), []).append(webhook)
    if not wanted:
        return verdict("progressing", "it has no webhooks")
    missing = [name for name in wanted if name not in found]
    if missing:
        return verdict("progressing", f"missing webhook {', '.join(missing)}")
    bare = [name for name in wanted if not all(_has_bundle(webhook) for webhook in found[name])]
    if bare:
        return verdict("progressing", f"no caBundle yet on {', '.join(bare)}")
    return verdict("ready")


def _has_bundle(webhook: Mapping[str, Any]) -> bool:
    bundle = part(webhook, "clientConfig").get("caBundle")
    return isinstance(bundle, str) and bool(bundle)
