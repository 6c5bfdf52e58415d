# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exit for everything that a task shows to a person: results, errors, warnings and lines of progress.

Known secrets are hidden everywhere. Text that looks like a secret is hidden wherever we quote something as a cause, but
not in the logs that a person asked for: those belong to the person. Control characters are escaped and lengths are
limited everywhere. Causes must be matched before: this changes words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import ConductorError
from .redaction import Secrets, redact
from .text import LINE, MESSAGE, NAME, bounded, escaped, indented, one_line, seen

# The logs that people asked for, by their key in a result.
LOGS = frozenset({"logs"})
# The most characters of a text, by its key in a result; MESSAGE for other keys.
_LONGEST = {"msg": 10_000, "exception": 20_000, "diff": 400_000, "invocation": 100_000}
# The most characters of a result; after that, each text is a short one.
_LARGEST = 4 << 20
# Of a longer text only the beginning and the end are searched, and what is shown of them is shorter.
_SEARCHED, _EDGE = 64 << 10, 1000
# Nesting that JSON libraries can read; a structure that contains itself has no end.
_DEEPEST = 60
_TOO_DEEP = "... (nested too deeply)"


class Outlet:
    """Makes what a task shows safe.

    Args:
        secrets: the secrets that the task knows; more may become known later.
    """

    def __init__(self, secrets: Secrets | None = None) -> None:
        self.secrets = secrets or Secrets()

    def hide(self, values: Iterable[str]) -> None:
        """Add secrets that became known."""
        self.secrets.add(values)

    def message(self, error: ConductorError) -> str:
        """Return the text of an error: only its first line and the next step begin at the left."""
        where = " ".join(self.line(part, NAME) for part in (error.step, error.subject) if part)
        said = self.paragraph(error.message)
        text = f"{where}: {said}" if where else said
        return f"{text}\nNext: {self.paragraph(error.next_step)}" if error.next_step else text

    def paragraph(self, text: str) -> str:
        """Return a foreign message as one paragraph: its further lines are indented."""
        return indented(bounded(escaped(self._hidden(str(text).strip(), self.secrets)), 2 * MESSAGE))

    def line(self, text: str, most: int = LINE) -> str:
        """Return a text as one line."""
        return one_line(self._hidden(str(text), self.secrets), most)

    def result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return a result with plain values only, all of them safe to show."""
        return _Cleaning(self, self._occurring(result)).cleaned(result)

    def _occurring(self, result: Mapping[str, Any]) -> Secrets | None:
        texts: set[str] = set()
        _collect(result, texts, 0)
        whole = "\n".join(texts)
        return self.secrets.among(f"{whole}\n{plain}" if (plain := seen(whole)) != whole else whole)

    def _hidden(self, text: str, secrets: Secrets | None, *, log: bool = False) -> str:
        plain = seen(text)
        if plain != text and (hidden := self._searched(plain, secrets, log)) != plain:
            # Colours or invisible characters may be between a name and its secret, or in the secret.
            return hidden
        return self._searched(text, secrets, log)

    def _searched(self, text: str, secrets: Secrets | None, log: bool) -> str:
        if secrets is not None:
            text = secrets.hidden_in(text)
        if log:
            return text
        if len(text) <= _SEARCHED:
            return redact(text)
        # What looks like a secret may be cut in two: show nothing next to the cut.
        end = _SEARCHED // 4
        beginning = _SEARCHED - end
        head, tail = redact(text[:beginning]), redact(text[-end:])
        return f"{head[:-_EDGE]}... ({len(text)} characters, cut here) ...{tail[_EDGE:]}"


class _Cleaning:
    """The cleaning of one result."""

    def __init__(self, outlet: Outlet, secrets: Secrets | None) -> None:
        self._outlet = outlet
        self._secrets = secrets
        self._left = _LARGEST
        # Results repeat many texts.
        self._done: dict[tuple[str, bool], str] = {}

    def cleaned(self, result: Mapping[str, Any]) -> dict[str, Any]:
        return {
            self._key(name): self._value(value, _LONGEST.get(name, MESSAGE), name in LOGS, 1)
            for name, value in result.items()
        }

    def _value(self, value: Any, most: int, log: bool, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, most, log)
        if isinstance(value, (Mapping, list, tuple)) and depth >= _DEEPEST:
            return _TOO_DEEP
        if isinstance(value, Mapping):
            return {self._key(name): self._value(part, most, log, depth + 1) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(part, most, log, depth + 1) for part in value]
        return value

    def _key(self, name: Any) -> Any:
        if not isinstance(name, str) or (name.isidentifier() and len(name) <= NAME and self._secrets is None):
            return name
        return self._text(name, NAME, log=True)

    def _text(self, text: str, most: int, log: bool) -> str:
        known = (text, log)
        if known not in self._done:
            self._done[known] = escaped(self._outlet._hidden(text, self._secrets, log=log))
        self._left -= len(text)
        return bounded(self._done[known], most if self._left > 0 else min(most, NAME))


def _collect(value: Any, texts: set[str], depth: int) -> None:
    if isinstance(value, str):
        texts.add(value)
    elif depth >= _DEEPEST:
        return
    elif isinstance(value, Mapping):
        for name, part in value.items():
            _collect(name, texts, depth + 1)
            _collect(part, texts, depth + 1)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _collect(part, texts, depth + 1)
