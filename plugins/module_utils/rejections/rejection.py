# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine what an API server rejected and who rejected it, from a Status or from the message of an event. Pure.

A status code does not show who rejected a request: admission webhooks, policies, LimitRanges and the authorizer all
answer 403. The message does. It may quote further messages (a webhook's own words, a value of the object), so the entry
that matches first in the text counts, not the first one of the catalogue.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

from .catalogue import BY_REASON, BY_STATUS, ENTRIES, UNKNOWN
from .entry import Entry

# Characters of a message that are searched: who rejects something is at its beginning.
_READ = 4000
# The URL that the API server calls: https://NAME.NAMESPACE.svc:PORT/PATH for a Service. Old releases do not quote it.
_CALLED = r'\b(?:Post|Get) \\*"?(?P<url>(?P<host>https?://[^\s"/?\\]+)[^\s"\\]*)'
_SERVICE = r"https://(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(?:[:.][\w.:-]*)?$"
# How a call failed if the Service itself is the cause; its name is not always in the URL.
_SERVICE_WORDS = r'service \\*"?[a-z0-9-]+\\*"? not found'


class Scene(NamedTuple):
    """What was rejected, for the texts.

    Args:
        what: the rejected thing, e.g. C(its pods).
        namespace: the namespace that can be exempted; empty for a cluster-scoped object or if unknown.
        given: whether the rejected thing is created by others, e.g. by a controller, so that no person can change it.
        install: whether an install creates what the pods need.
    """

    what: str = "the request"
    namespace: str = ""
    given: bool = False
    install: bool = False


REQUEST = Scene()


@dataclass(frozen=True)
class Rejection:
    """What was rejected.

    Args:
        entry: its entry in the catalogue.
        message: the server's message, unchanged.
        words: the values that the message names, e.g. C(name), C(binding), C(namespace), C(detail).
    """

    entry: Entry
    message: str
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Return the kind of rejection; a code of the catalogue."""
        return self.entry.kind

    @property
    def name(self) -> str:
        """Return the name of the webhook, policy, quota or object that the message names; empty without one."""
        return self.words.get("name", "")

    @property
    def label(self) -> str:
        """Return who rejected the request: its kind and name, e.g. C(ValidatingAdmissionPolicy labels)."""
        kinds = {"webhook": "webhook", "validating": "ValidatingAdmissionPolicy", "mutating": "MutatingAdmissionPolicy"}
        kind = kinds.get(self.kind.partition("_")[0], "")
        return f"{kind} {self.name}" if kind and self.name else "API server"

    @property
    def is_lasting(self) -> bool:
        """Return whether the same request is rejected again until somebody changes something."""
        words = f"{_PASSING}|{_OF_OTHERS}" if self.is_denial else _PASSING
        return self.entry.lasting and not re.search(words, self.message[:_READ], re.IGNORECASE)

    @property
    def is_unanswered(self) -> bool:
        """Return whether a webhook could not be called."""
        return self.kind.startswith("webhook_unanswered")

    @property
    def is_admission(self) -> bool:
        """Return whether an admission webhook, a policy or a rule of a namespace rejected the request."""
        return self.entry.admission

    @property
    def is_denial(self) -> bool:
        """Return whether a webhook or an admission policy denied the request, with a status code of its choice."""
        return self.kind.startswith(("webhook_", "validating_", "mutating_")) and not self.is_unanswered

    @property
    def is_called_service_missing(self) -> bool:
        """Return whether a webhook cannot be called because its Service does not exist."""
        return self.is_unanswered and re.search(_SERVICE_WORDS, self.message[:_READ]) is not None

    @property
    def service(self) -> tuple[str, str]:
        """Return namespace and name of the Service that the API server called; empty if it called none."""
        found = re.match(_SERVICE, self.address)
        return (found["namespace"], found["name"]) if found else ("", "")

    @property
    def address(self) -> str:
        """Return scheme, host and port of the URL that the API server called; empty if it called none."""
        called = re.search(_CALLED, self.message[:_READ])
        return called["host"] if called else ""

    @property
    def called(self) -> str:
        """Return the server behind the webhook: a Service, or an address."""
        namespace, name = self.service
        if name:
            return f"Service {namespace}/{name}"
        return f"the server {self.address or f'behind the webhook {self.name}'}"

    def is_of(self, webhooks: Mapping[str, Collection[tuple[str, str]]]) -> bool:
        """Return whether one of these webhooks rejected the request or could not be called.

        Other programs use the same names (C(vpod.kb.io) is the default of a generator), so the Service counts, too, if
        the message names it.

        Args:
            webhooks: the names, with namespace and name of the Services that they call; empty if they are unknown.
        """
        if self.name not in webhooks or not self.kind.startswith("webhook_"):
            return False
        return not self.service[1] or not webhooks[self.name] or self.service in webhooks[self.name]

    def cause(self, scene: Scene = REQUEST) -> str:
        """Return the cause in one sentence."""
        return _filled(self.entry.cause, self._texts(scene)).rstrip(" :")

    def next_step(self, scene: Scene = REQUEST) -> str:
        """Return what to do next."""
        template = (self.entry.if_installed if scene.install else "") or (self.entry.if_given if scene.given else "")
        return _filled(template or self.entry.next_step, self._texts(scene))

    def _texts(self, scene: Scene) -> Mapping[str, str]:
        namespace = scene.namespace
        exempt = f"exempt the namespace {namespace}" if namespace else f"exempt {scene.what}"
        where = f"namespace {namespace}" if namespace else "namespace"
        limit_range = self.words.get("limit_range", "")
        binding = self.words.get("binding", "")
        # "limits.cpu for: a,b; limits.memory for: b": a resource, and the containers that do not set it.
        missing = [part.partition(" for: ")[0] for part in self.words.get("missing", "").split("; ")]
        policy = "Validating" if self.kind.startswith("validating_") else "Mutating"
        return defaultdict(
            str,
            {
                **self.words,
                "what": scene.what,
                "where": where,
                "exempt": exempt,
                "flag": f" -n {namespace}" if namespace else "",
                "called": self.called,
                "by_binding": f" ({policy}AdmissionPolicyBinding {binding})" if binding else "",
                "resources": ", ".join(filter(None, missing)),
                "limit_range": f" {limit_range}" if limit_range else "",
                "a_limit_range": f"the LimitRange {limit_range}" if limit_range else f"a LimitRange of the {where}",
            },
        )


# Rejections by a policy that end by themselves: its parameters are not loaded yet.
_PASSING = r"not yet synced|not yet ready|status unknown for quota|evaluation timed out"
# Why a webhook may deny something that it cannot judge now, e.g. because a registry does not answer.
_OF_OTHERS = (
    r"time(?:d )?out\b|deadline exceeded|connection (?:refused|reset)|no such host|no route to host|\bEOF\b|unavailable"
    r"|too many requests|not (?:yet )?(?:ready|synced|initiali[sz]ed)|tempora|transient|(?:try|retry) (?:again|later)"
)


def rejection_of(message: str, status: int = 0, reason: str = "") -> Rejection:
    """Return what was rejected; kind C(unknown) if neither message nor status show it.

    Args:
        message: of a Status, an event or a condition, not redacted.
        status: the HTTP status code; 0 for an event.
        reason: the C(reason) of the Status.
    """
    best: Rejection | None = None
    first = _READ + 1
    for entry, pattern in _patterns():
        found = pattern.search(message, 0, _READ)
        if found and found.start() < first:
            first = found.start()
            best = Rejection(entry, message, _groups(found))
    if best is not None:
        return _refined(best)
    entry = BY_REASON.get(reason) or BY_STATUS.get(status) or BY_STATUS.get(status // 100 * 100) or UNKNOWN
    return Rejection(entry, message)


def event_rejection(message: str) -> Rejection | None:
    """Return what the message of a controller says was rejected; None if it is about something else."""
    found = rejection_of(message)
    return None if found.entry is UNKNOWN else found


# Compiled when they are needed: most runs meet no error.
@cache
def _patterns() -> tuple[tuple[Entry, re.Pattern[str]], ...]:
    return tuple((entry, re.compile(entry.words, re.DOTALL)) for entry in ENTRIES if entry.words and not entry.within)


def _refined(found: Rejection) -> Rejection:
    """Return the more specific entry for what an answer quotes."""
    quoted = found.words.get("detail", "")
    for entry in ENTRIES:
        if found.kind not in entry.within or not re.search(entry.only, found.name):
            continue
        if match := re.search(entry.words, quoted, re.DOTALL):
            return replace(found, entry=entry, words={**found.words, **_groups(match)})
    return found


def _groups(found: re.Match[str]) -> dict[str, str]:
    return {name: " ".join(value.split()) for name, value in found.groupdict().items() if value}


def _filled(template: str, texts: Mapping[str, str]) -> str:
    return " ".join(template.format_map(texts).split())
