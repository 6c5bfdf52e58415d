# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request to an API server. Pure."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
# Reviews are posted, but the server stores nothing.
_REVIEWS = "/apis/authorization.k8s.io/"
# Parameters that do not change which objects are meant.
_HOW = frozenset(
    ("limit", "continue", "watch", "resourceVersion", "timeoutSeconds", "allowWatchBookmarks", "fieldManager")
)


@dataclass(frozen=True)
class Request:
    """One request to an API server.

    Args:
        path: the path below the address of the server.
        step: what the request is for, e.g. C(apply); named in errors.
        subject: the object or resource type it is about; named in errors.
        query: the parameters of the URL.
        body: is sent as JSON; None sends no body.
        content_type: the media type of the body.
        accept: the media type of the response.
    """

    method: str
    path: str
    step: str
    subject: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = JSON
    accept: str = JSON

    @property
    def only_reads(self) -> bool:
        """Return whether the server stores nothing and does not run admission, so that a response can be reused."""
        return self.method == "GET" or self.path.startswith(_REVIEWS)

    @property
    def question(self) -> Hashable:
        """Return a value that is equal for requests that have the same response."""
        return self.path, json.dumps([dict(self.query), self.body], sort_keys=True), self.accept

    @property
    def objects(self) -> Hashable:
        """Return a value that is equal for requests whose responses replace each other."""
        return self.method, self.path, tuple(pair for pair in self.query.items() if pair[0] not in _HOW)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
