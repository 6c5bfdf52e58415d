# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report the progress of a wait: a short line when the unmet conditions change, and repeated from time to time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..text import one_line
from .verdict import Verdict

# Seconds between two lines: the minimum after a change, and the maximum without one.
_SOONEST, _LATEST = 0.5, 5.0
_AT_LAST = "all components ready"


class Progress:
    """Report what a wait still waits for; C(lines) keeps all reported lines.

    Args:
        say: prints a line immediately.
        at_last: the line at the end of the wait.
        latest: seconds between two lines if nothing changes.
    """

    def __init__(self, say: Callable[[str], None], *, at_last: str = _AT_LAST, latest: float = _LATEST) -> None:
        self.lines: list[str] = []
        self._say = say
        self._at_last = at_last
        self._latest = latest
        self._text = ""
        self._at = float("-inf")

    def look(self, seconds: float, waiting: Sequence[Verdict], mounting: Sequence[str] = ()) -> None:
        """Report the verdicts if they changed, or if the last line is old.

        Args:
            seconds: since the wait began.
            waiting: the verdicts that are not ready.
            mounting: the pods whose certificate is written but not mounted yet.
        """
        self.tell(seconds, summary(waiting, mounting))

    def tell(self, seconds: float, text: str) -> None:
        """Report a text in the same way; C(text) is empty when the wait is over."""
        if not text and not self._text:
            # Everything was ready when the wait began, or the end is already reported.
            return
        since = seconds - self._at
        if text and since < (self._latest if text == self._text else _SOONEST):
            return
        self._text, self._at = text, seconds
        line = one_line(f"{seconds:.0f} s  {text or self._at_last}")
        self.lines.append(line)
        self._say(line)


def summary(waiting: Iterable[Verdict], mounting: Sequence[str] = ()) -> str:
    """Return the verdicts as one line; empty without any. Pure."""
    verdicts = list(waiting)
    starting = any(verdict.rule == "rollout" for verdict in verdicts)
    # While a controller starts, its Service has no endpoints: do not report them as well.
    told = [verdict for verdict in verdicts if not (starting and verdict.rule == "endpoints")]
    phrases = list(dict.fromkeys(_phrase(verdict) for verdict in told))
    if mounting:
        phrases.insert(0, "certificate written, waiting for the kubelet to mount it")
    return one_line("; ".join(phrases))


def _phrase(verdict: Verdict) -> str:
    """Return a short text for a verdict, equal for verdicts with the same reason."""
    if verdict.is_probe:
        return "webhooks do not answer correctly yet"
    phrases = {
        "established": "CRDs are not served yet",
        "caBundle": "webhooks have no certificate yet",
        "certificate": "certificates are not valid yet",
        "leader": "no leader yet",
    }
    if verdict.rule in phrases and verdict.state != "failed":
        return phrases[verdict.rule]
    if verdict.rule in ("admission", "other webhook"):
        return verdict.brief
    # The state of a pod explains more than the number of replicas.
    short = (verdict.name or verdict.subject).removesuffix("-controller-manager").removeprefix("kubeflow-")
    return f"{short}: {verdict.brief or verdict.evidence or verdict.rule}"
