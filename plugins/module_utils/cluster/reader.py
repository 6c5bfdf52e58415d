# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read for an inspection: count requests, and continue after a missing permission (403).

A result of None means "not permitted"; an empty value means "does not exist". Reviews of permissions only help: they
are posted, so admission webhooks and policies may reject them, and no failure of theirs ends an inspection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..objects.fields import name_of, namespace_of, part, parts, text
from ..objects.line import Line
from ..objects.resources import Resource
from .access_reviews import ANYTHING, Right, is_allowed, rules_review
from .client import METADATA_ONLY_LIST, Cluster

if TYPE_CHECKING:
    from ..rejections.rejection import Rejection

_PAGE = 500


@dataclass(frozen=True)
class Page:
    """The first page of a list. C(total) also counts the objects beyond it."""

    items: Sequence[Mapping[str, Any]] = ()
    total: int = 0

    @property
    def whole(self) -> bool:
        """Return whether the page holds all objects."""
        return self.total <= len(self.items)


class Reader:
    """Send the requests of one inspection.

    C(denied) collects the missing permissions, C(rejections) what rejects reviews of permissions.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.denied: set[str] = set()
        self.rejections: dict[tuple[str, str], Rejection] = {}
        self._cluster = cluster
        self._sent: list[str] = []

    @property
    def requests(self) -> int:
        """Return how many requests were sent, without retries."""
        return len(self._sent)

    def all(self, tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Run all tasks in parallel; return their results by name."""
        names = list(tasks)
        return dict(zip(names, self._cluster.each(lambda name: tasks[name](), names), strict=True))

    def document(self, path: str, right: str, *, accept: str = "application/json") -> dict[str, Any] | None:
        """Read one document."""
        answer: dict[str, Any] | None = self._ask(
            right, lambda: self._cluster.request("GET", path, accept=accept, step="read", subject=path), {}
        )
        return answer

    def named(
        self, resource: Resource, name: str, namespace: str | None = None, *, metadata_only: bool = False
    ) -> dict[str, Any] | None:
        """Read one object."""
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
        helps: bool = False,
    ) -> Page | None:
        """Read the first objects of a type; C(selectors) are C(labelSelector) and C(fieldSelector).

        Args:
            helps: whether the objects only help, so that a missing permission is not reported.
        """
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
            left = part(answer, "metadata").get("remainingItemCount")
            # With a selector the server does not count the remaining objects: there is at least one.
            more = (
                left
                if isinstance(left, int) and left is not True and left > 0
                else int(bool(text(answer, "metadata", "continue")))
            )
            return Page(items, len(items) + more)

        right = Line(f"list {resource}{where}", about=[_right("list", resource, namespace)])
        found: Page | None = self._ask(right, send, Page(), helps=helps)
        return found

    def rules(self, namespace: str) -> dict[str, Any] | None:
        """Read the C(status) of a SelfSubjectRulesReview: the permissions in a namespace and cluster-wide."""

        def send() -> dict[str, Any]:
            return dict(self._cluster.review(rules_review(namespace)).get("status") or {})

        answer: dict[str, Any] | None = self._review("create selfsubjectrulesreviews.authorization.k8s.io", send)
        return answer

    def may_do_anything(self) -> bool:
        """Return whether this identity has all permissions, for servers whose authorizer cannot list its rules."""
        allowed = self._review(
            "create selfsubjectaccessreviews.authorization.k8s.io", lambda: is_allowed(self._cluster, ANYTHING)
        )
        return allowed is True

    def _review(self, right: str, send: Callable[[], Any]) -> Any:
        """Send a review; return None if it was rejected or failed."""
        try:
            return send()
        except ApiError as error:
            # A late import: most runs meet no error.
            from ..rejections.rejection import rejection_of

            # These credentials are not accepted at all.
            if error.status == 401:
                raise
            found = rejection_of(error.message, error.status, error.reason)
            if found.is_admission:
                self.rejections[found.kind, found.name] = found
            elif found.kind in ("permission", "forbidden"):
                self.denied.add(right)
            return None
        finally:
            self._sent.append(right)

    def _ask(self, right: str, send: Callable[[], Any], absent: Any, *, helps: bool = False) -> Any:
        self._sent.append(right)
        try:
            return send()
        except ApiError as error:
            if error.status == 404:
                return absent
            if error.status == 403:
                if not helps:
                    self.denied.add(right)
                return None
            raise


def _right(verb: str, resource: Resource, namespace: str | None, name: str = "") -> Right:
    return Right(verb, resource.group, resource.plural, namespace or "", name)


def merge_pages(pages: Sequence[Page | None]) -> Page | None:
    """Merge pages into one, with each object once; None if none of them could be read."""
    readable = [page for page in pages if page is not None]
    if not readable:
        return None
    items = {(namespace_of(item), name_of(item)): item for page in readable for item in page.items}
    more = sum(page.total - len(page.items) for page in readable)
    return Page(list(items.values()), len(items) + more)
