# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading for an inspection: requests are counted, and one that is refused is noted and does not stop the rest.

None stands for "may not be read", an empty value for "is not there".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ApiError
from ..objects.fields import name_of, namespace_of, parts, text
from ..objects.line import Line
from ..objects.resources import Resource
from .access_reviews import ANYTHING, Right, is_allowed, rules_review
from .client import METADATA_ONLY_LIST, Cluster

_PAGE = 500


@dataclass(frozen=True)
class Page:
    """The first page of a list. C(total) counts what the server has beyond it as well."""

    items: Sequence[Mapping[str, Any]] = ()
    total: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.total <= len(self.items)


class Reader:
    """Sends the requests of one inspection."""

    def __init__(self, cluster: Cluster) -> None:
        self.denied: set[str] = set()
        self._cluster = cluster
        self._sent: list[str] = []

    @property
    def requests(self) -> int:
        """How many were sent; repetitions after a passing failure not counted."""
        return len(self._sent)

    def all(self, tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """The answers to all of them, asked at once."""
        names = list(tasks)
        return dict(zip(names, self._cluster.each(lambda name: tasks[name](), names), strict=True))

    def document(self, path: str, right: str, *, accept: str = "application/json") -> dict[str, Any] | None:
        """One document."""
        answer: dict[str, Any] | None = self._ask(
            right, lambda: self._cluster.request("GET", path, accept=accept, step="read", subject=path), {}
        )
        return answer

    def named(
        self, resource: Resource, name: str, namespace: str | None = None, *, metadata_only: bool = False
    ) -> dict[str, Any] | None:
        """One object."""
        where = f" in namespace {namespace}" if namespace else ""
        path = resource.path(namespace, name)
        answer: dict[str, Any] | None = self._ask(
            Line(f"get {resource} {name}{where}", about=[_right("get", resource, namespace, name)]),
            lambda: self._cluster.get(path, metadata_only=metadata_only),
            {},
        )
        return answer

    def page(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        metadata_only: bool = False,
        limit: int = _PAGE,
        selectors: Mapping[str, str] | None = None,
    ) -> Page | None:
        """The first objects of a type; C(selectors) are C(labelSelector) and C(fieldSelector)."""
        where = f" in namespace {namespace}" if namespace else ""

        def send() -> Page:
            answer = self._cluster.request(
                "GET",
                resource.path(namespace),
                query={"limit": str(limit), **(selectors or {})},
                accept=METADATA_ONLY_LIST if metadata_only else "application/json",
                step="list",
                subject=f"{resource}{where}",
            )
            items = parts(answer, "items")
            left = text(answer, "metadata", "remainingItemCount")
            # With a selector the server does not count what is left: at least one.
            more = int(left) if left.isdigit() else int(bool(text(answer, "metadata", "continue")))
            return Page(items, len(items) + more)

        found: Page | None = self._ask(
            Line(f"list {resource}{where}", about=[_right("list", resource, namespace)]), send, Page()
        )
        return found

    def rules(self, namespace: str) -> dict[str, Any] | None:
        """The C(status) of a SelfSubjectRulesReview: what this identity may do cluster-wide, and in a namespace."""

        def send() -> dict[str, Any]:
            return dict(self._cluster.review(rules_review(namespace)).get("status") or {})

        answer: dict[str, Any] | None = self._ask("create selfsubjectrulesreviews.authorization.k8s.io", send, {})
        return answer

    def may_do_anything(self) -> bool:
        """Whether a SelfSubjectAccessReview says so; for servers whose authorizer cannot list its rules."""
        allowed = self._ask(
            "create selfsubjectaccessreviews.authorization.k8s.io", lambda: is_allowed(self._cluster, ANYTHING), False
        )
        return allowed is True

    def _ask(self, right: str, send: Callable[[], Any], absent: Any) -> Any:
        self._sent.append(right)
        try:
            return send()
        except ApiError as error:
            if error.status == 404:
                return absent
            if error.status == 403:
                self.denied.add(right)
                return None
            raise


def _right(verb: str, resource: Resource, namespace: str | None, name: str = "") -> Right:
    return Right(verb, resource.group, resource.plural, namespace or "", name)


def merge_pages(pages: Sequence[Page | None]) -> Page | None:
    """Several pages as one, each object once; None where none of them could be read."""
    readable = [page for page in pages if page is not None]
    if not readable:
        return None
    items = {(namespace_of(item), name_of(item)): item for page in readable for item in page.items}
    more = sum(page.total - len(page.items) for page in readable)
    return Page(list(items.values()), len(items) + more)
