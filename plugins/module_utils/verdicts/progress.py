# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wait says while it lasts: a short line when what it waits for changes, and now and then that it still does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .verdict import Verdict

# Seconds between two lines: at least, when something changes, and at most, when nothing does.
_SOONEST, _LATEST = 0.5, 5.0
_WIDTH = 150
_AT_LAST = "all of it serves"


class Progress:
    """Says what is waited for; keeps what was said in C(lines).

    Args:
        say: where a line goes at once.
        at_last: what is said when nothing is waited for any more.
        latest: seconds between two lines when nothing changes.
    """

    def __init__(self, say: Callable[[str], None], *, at_last: str = _AT_LAST, latest: float = _LATEST) -> None:
        self.lines: list[str] = []
        self._say = say
        self._at_last = at_last
        self._latest = latest
        self._text = ""
        self._at = float("-inf")

    def look(self, seconds: float, waiting: Sequence[Verdict], mounting: Sequence[str] = ()) -> None:
        """Says something, if there is anything new to say, or nothing was said for long.

        Args:
            seconds: since the wait began.
            waiting: the verdicts that are not ready.
            mounting: the pods whose certificate is written and not mounted yet.
        """
        self.tell(seconds, summary(waiting, mounting))

    def tell(self, seconds: float, text: str) -> None:
        """The same for whoever knows what to say; C(text) is empty when nothing is waited for."""
        if not text and not self._text:
            # It was there already when the wait began, or all has been said.
            return
        since = seconds - self._at
        if text and since < (self._latest if text == self._text else _SOONEST):
            return
        self._text, self._at = text, seconds
        line = f"{seconds:.0f} s  {text or self._at_last}"
        self.lines.append(line)
        self._say(line)


def summary(waiting: Iterable[Verdict], mounting: Sequence[str] = ()) -> str:
    """What is waited for, in one line; empty where that is nothing. Pure."""
    verdicts = list(waiting)
    starting = any(verdict.rule == "rollout" for verdict in verdicts)
    # While a controller starts nobody is behind its Service.
    told = [verdict for verdict in verdicts if not (starting and verdict.rule == "endpoints")]
    phrases = list(dict.fromkeys(_phrase(verdict) for verdict in told))
    if mounting:
        phrases.insert(0, "certificate written, waiting for the kubelet to mount it")
    text = "; ".join(phrases)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _phrase(verdict: Verdict) -> str:
    """One verdict, shortly; the same for all that wait for the same."""
    if verdict.is_probe:
        return "webhooks do not answer as they should yet"
    phrases = {
        "established": "CRDs are not served yet",
        "caBundle": "webhooks have no certificate yet",
        "certificate": "certificates are not in place yet",
        "leader": "no leader yet",
    }
    if verdict.rule in phrases:
        return phrases[verdict.rule]
    # What a pod says tells more than that it is missing.
    short = (verdict.name or verdict.subject).removesuffix("-controller-manager").removeprefix("kubeflow-")
    return f"{short}: {verdict.brief or verdict.evidence or verdict.rule}"
