# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All errors of the library (private to this collection, may change at any time).

The library raises them; C(module_runner.py) turns them into C(fail_json). Every error names the step that failed, the
object, the server's message and the next step to take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


class ConductorError(Exception):
    """An error that a person can act on.

    Args:
        message: what went wrong; the server's own message if there is one.
        step: the step that failed, e.g. C(apply); None if the message is enough.
        subject: the object or resource type, e.g. C(Deployment kubeflow-system/x).
        next_step: what to do next, or a function that finds it out when somebody asks: many errors are no problem.
        facts: further machine-readable keys for the module's result; small, documented, without secrets.
    """

    def __init__(
        self,
        message: str,
        *,
        step: str | None = None,
        subject: str | None = None,
        next_step: str | Callable[[], str] | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message.strip()
        self.step = step
        self.subject = subject
        self._next_step = next_step
        self.facts = facts or {}

    @property
    def next_step(self) -> str | None:
        """Return what to do next."""
        if callable(self._next_step):
            self._next_step = self._next_step()
        return self._next_step

    @next_step.setter
    def next_step(self, words: str | None) -> None:
        self._next_step = words

    def __str__(self) -> str:
        where = " ".join(part for part in (self.step, self.subject) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}\nNext: {self.next_step}" if self.next_step else text


class InputError(ConductorError):
    """The options contradict each other or name something unknown. Raised before any request."""


class TargetError(InputError):
    """The options name no cluster, more than one cluster, or unusable credentials."""


class BundleError(ConductorError):
    """A bundle is missing, damaged or of an unknown format."""


class UnreachableError(ConductorError):
    """The API server did not answer.

    Args:
        transient: False if a retry cannot help, e.g. if a certificate cannot be verified.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool = True,
        step: str | None = None,
        subject: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, step=step, subject=subject, next_step=next_step)
        self.transient = transient


class AnswerError(UnreachableError):
    """Something answered, but not as the API server answers: a proxy, another server, or more than is accepted.

    Its status proves nothing about the cluster, e.g. 404 does not mean that an object does not exist.

    Args:
        status: the HTTP status code.
        retry_after: seconds to wait as requested by the server; None if it requested none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        retry_after: float | None = None,
        transient: bool = False,
        step: str | None = None,
        subject: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, transient=transient, step=step, subject=subject, next_step=next_step)
        self.status = status
        self.retry_after = retry_after


class RightsError(ConductorError):
    """The identity in use is missing a permission that is needed."""


def listed(head: str, lines: Sequence[str]) -> str:
    """Return a message with each item on its own line, or on the same line if there is only one."""
    return "\n  ".join([head, *lines]) if len(lines) > 1 else " ".join([head, *lines])


def missing_permissions(rights: Iterable[str], step: str, *, written: bool = False) -> RightsError:
    """Return an error that names all missing permissions at once.

    Args:
        written: whether something may have been written before.
    """
    lines = sorted(set(rights))
    return RightsError(
        listed("missing permissions:" if len(lines) > 1 else "missing permission:", lines),
        step=step,
        next_step=f"grant them to the identity in use; {'then run this again' if written else 'nothing was written'}",
        facts={"missing_permissions": lines},
    )


class RefusedError(ConductorError):
    """The plan has a blocker: an object of another owner, a Terminating object, an unsupported server."""


class NotReadyError(ConductorError):
    """A wait ended before everything was ready, by its deadline or because of a permanent failure."""


class ApiError(ConductorError):
    """The API server answered with a failure.

    Args:
        status: the HTTP status code.
        reason: the machine-readable C(reason) of the Status, e.g. C(Conflict); empty without one.
        causes: the C(details.causes) of the Status: dictionaries with C(reason), C(message), C(field).
        retry_after: seconds to wait as requested by the server; None if it requested none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        reason: str = "",
        causes: list[dict[str, Any]] | None = None,
        retry_after: float | None = None,
        step: str | None = None,
        subject: str | None = None,
        next_step: str | Callable[[], str] | None = None,
    ) -> None:
        super().__init__(
            message, step=step, subject=subject, next_step=next_step, facts={"status": status, "reason": reason}
        )
        self.status = status
        self.reason = reason
        self.causes = causes or []
        self.retry_after = retry_after
