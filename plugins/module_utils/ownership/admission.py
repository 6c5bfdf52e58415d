# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the webhook configuration behind a rejection, and its owner; find webhooks that handle everything. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..objects.fields import name_of, part, parts, text, texts
from ..rejections.rejection import Rejection
from .owner import owner_of


def origin_of(rejection: Rejection, configurations: Iterable[Mapping[str, Any]]) -> str:
    """Return the webhook configuration that a rejection is due to, and its owner; empty if it is not among them.

    Other programs use the same names of webhooks, so the address counts, too, if the message names it. Otherwise all
    configurations with such a webhook are returned.
    """
    if not rejection.kind.startswith("webhook_"):
        return ""
    found = [
        _configuration(configuration)
        for configuration in configurations
        if any(_may_be(webhook, rejection) for webhook in parts(configuration, "webhooks"))
    ]
    return " or ".join(dict.fromkeys(found))


def _may_be(webhook: Mapping[str, Any], rejection: Rejection) -> bool:
    """Return whether a webhook has the name and, if known, the address of the one that a rejection is due to."""
    client = part(webhook, "clientConfig")
    service, url = part(client, "service"), text(client, "url")
    return text(webhook, "name") == rejection.name and (
        not rejection.address
        or (bool(rejection.service[1]) and rejection.service == (text(service, "namespace"), text(service, "name")))
        or url.partition("?")[0].startswith(rejection.address)
    )


class BroadWebhook(NamedTuple):
    """A webhook that handles objects of every kind, and without which the API server rejects them.

    Args:
        origin: its configuration, with the owner.
        namespace, service: the Service that it calls.
    """

    name: str
    origin: str
    namespace: str
    service: str


def broad_webhooks(configurations: Iterable[Mapping[str, Any]]) -> Iterator[BroadWebhook]:
    """Yield the webhooks that handle every kind of object, cluster-scoped ones included, and fail closed.

    A namespaceSelector does not exempt cluster-scoped objects. A webhook that selects objects or has match conditions
    may leave out ours, so it is not one of these.
    """
    for configuration in configurations:
        for webhook in parts(configuration, "webhooks"):
            service = part(webhook, "clientConfig", "service")
            selects = part(webhook, "objectSelector") or parts(webhook, "matchConditions")
            if (
                text(webhook, "failurePolicy") != "Ignore"
                and not selects
                and text(service, "name")
                and any(_is_broad(rule) for rule in parts(webhook, "rules"))
            ):
                yield BroadWebhook(
                    text(webhook, "name"),
                    _configuration(configuration),
                    text(service, "namespace"),
                    text(service, "name"),
                )


def is_served(service: str, slices: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether something may answer behind a Service, among the EndpointSlices of its namespace."""
    return any(
        part(endpoint, "conditions").get("ready") is not False or part(endpoint, "conditions").get("serving") is True
        for piece in slices
        if text(piece, "metadata", "labels", "kubernetes.io/service-name") == service
        for endpoint in parts(piece, "endpoints")
    )


def _is_broad(rule: Mapping[str, Any]) -> bool:
    return (
        "*" in texts(rule, "apiGroups")
        and bool({"*", "*/*"}.intersection(texts(rule, "resources")))
        and bool({"*", "CREATE"}.intersection(texts(rule, "operations")))
        and text(rule, "scope") in ("", "*", "Cluster")
    )


def _configuration(configuration: Mapping[str, Any]) -> str:
    return f"webhook configuration {name_of(configuration)} of {owner_of(part(configuration, 'metadata'))}"
