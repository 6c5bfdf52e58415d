# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run will do and what it did, and the resulting install record. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..objects.resources import Key
from ..ownership.record import Record, RecordEntry
from ..plan.plan import Action, Observed, Plan
from ..release.bundle import Bundle
from ..release.components import Meant
from .record_updates import completed, entries_of, intended

if TYPE_CHECKING:
    from .dry_run import Prediction


@dataclass(frozen=True)
class Decided:
    """What a run will do.

    Args:
        predictions: one for each writing action of the selected phases. Without changes it writes nothing, and its
            object only enters the record.
        warnings: the findings to report; empty if nothing was inspected, because nothing is to be written.
    """

    bundle: Bundle
    profile: str
    jobset: Meant
    observed: Observed
    plan: Plan
    predictions: Sequence[Prediction]
    warnings: Sequence[Mapping[str, str]] = ()

    @property
    def changing(self) -> list[Action]:
        """Return the actions that write, in the order of the plan."""
        return [prediction.action for prediction in self.predictions if prediction.changes]

    @property
    def writes(self) -> bool:
        """Return whether anything is written, the record included."""
        return bool(self.changing) or self.records

    @property
    def creations(self) -> list[Key]:
        """Return the objects to create."""
        return [action.key for action in self.changing if action.verb == "create"]

    @property
    def pruned(self) -> list[Key]:
        """Return the objects of earlier releases to delete."""
        return [action.key for action in self.changing if action.verb == "prune"]

    @property
    def home(self) -> Key:
        """Return the key of the operator's Namespace."""
        return Key("v1", "Namespace", "", self.bundle.namespace)

    @property
    def records(self) -> bool:
        """Return whether the record has to be written at the end."""
        known = self.home in self.observed.metadata or self.home in self.creations
        return known and self.foreseen_record != self.observed.record

    @property
    def with_intent(self) -> Record:
        """Return the record as written before the first creation."""
        return intended(self.observed.record, self.bundle, self.profile, self.jobset, self.creations)

    @property
    def foreseen_record(self) -> Record:
        """Return the expected record after a successful run."""
        record = self.with_intent
        applied = [(found.action, found.metadata) for found in self.predictions if found.action.verb != "prune"]
        return self.new_record(record, entries_of(record, applied), self.pruned)

    def new_record(
        self, record: Record, entries: Mapping[Key, RecordEntry], dropped: Sequence[Key], intent: Sequence[Key] = ()
    ) -> Record:
        """Return the record after this run. See C(completed)."""
        gone = {*dropped, *self.plan.dropped}
        # What an earlier, unfinished run may have created and this release does not have: nothing else knows of it.
        left = {key for key in record.intent if self.bundle.known and key not in self.bundle.known} - gone
        return completed(record, self.bundle, self.profile, self.jobset, entries, dropped=gone, intent={*intent, *left})


@dataclass
class Done:
    """What a run did.

    Args:
        decided: the decision that was carried out.
        changed: the actions that changed something.
        recorded: whether the record changed.
        notices: sentences for the user, to read after the run.
        pull_proof: the results of the pull proof; in check mode, what it would show.
    """

    decided: Decided
    changed: list[Action] = field(default_factory=list)
    recorded: bool = False
    notices: list[str] = field(default_factory=list)
    pull_proof: list[dict[str, Any]] = field(default_factory=list)
