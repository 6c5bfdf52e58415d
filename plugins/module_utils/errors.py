# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors of the library (private to this collection, may change at any time).

Lower layers raise, C(module_runner.py) turns an error into C(fail_json) once. Every error says four things:
the step that failed, the object it failed on, the server's own words, and the next thing to try.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


class ConductorError(Exception):
    """Something an operator can act on.

    Args:
        message: what went wrong, in the words of the server where there are any.
        step: what was being done, e.g. C(apply); None where the message says it all.
        subject: the object or resource it was done to, e.g. C(Deployment kubeflow-system/x).
        hint: the next thing to try.
        facts: further machine-readable keys for the module's result; small, documented, free of secrets.
    """

    def __init__(
        self,
        message: str,
        *,
        step: str | None = None,
        subject: str | None = None,
        next_step: str | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message.strip()
        self.step = step
        self.subject = subject
        self.next_step = next_step
        self.facts = facts or {}

    def __str__(self) -> str:
        where = " ".join(part for part in (self.step, self.subject) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}\nNext: {self.next_step}" if self.next_step else text


class InputError(ConductorError):
    """The caller's options do not fit together or name something unknown. Raised before any request."""


class TargetError(InputError):
    """No cluster, more than one cluster, or unusable credentials are named."""


class BundleError(ConductorError):
    """A bundle is missing, damaged or of an unknown format."""


class UnreachableError(ConductorError):
    """The API server did not answer.

    Args:
        transient: False where trying again cannot help, e.g. a certificate that does not verify.
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


class RightsError(ConductorError):
    """The API server knows the caller and does not allow something that is needed."""


def listed(head: str, lines: Sequence[str]) -> str:
    """A message of several lines; of one, where there is but one thing to say."""
    return "\n  ".join([head, *lines]) if len(lines) > 1 else " ".join([head, *lines])


def missing_permissions(rights: Iterable[str], step: str, *, written: bool = False) -> RightsError:
    """The error that names all of them, so that nobody has to ask for one after the other.

    Args:
        written: whether something may have been written before.
    """
    lines = sorted(set(rights))
    return RightsError(
        listed("these rights are missing:" if len(lines) > 1 else "this right is missing:", lines),
        step=step,
        next_step=f"grant them to the identity in use; {'then run this again' if written else 'nothing was written'}",
        facts={"missing_permissions": lines},
    )


class RefusedError(ConductorError):
    """The plan holds something that must not be done: another owner, a Terminating object, an unsupported server."""


class NotReadyError(ConductorError):
    """A wait ended, by its deadline or by a state that cannot heal, before everything was ready."""


class ApiError(ConductorError):
    """The API server answered with a Status that is a failure.

    Args:
        status: the HTTP status code.
        reason: the machine-readable C(reason) of the Status, e.g. C(Conflict); empty if there was none.
        causes: the C(details.causes) of the Status: dictionaries with C(reason), C(message), C(field).
        retry_after: seconds the server asked to wait, None if it did not.
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
        next_step: str | None = None,
    ) -> None:
        super().__init__(
            message, step=step, subject=subject, next_step=next_step, facts={"status": status, "reason": reason}
        )
        self.status = status
        self.reason = reason
        self.causes = causes or []
        self.retry_after = retry_after
