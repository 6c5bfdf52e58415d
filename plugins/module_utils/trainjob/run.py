# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind trainjob: submit a TrainJob, follow it to its end, and delete it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cluster.client import Cluster
from ..cluster.deletion import Deleter, DeletionTarget
from ..cluster.transport import GRACE
from ..diagnose.deletions import DeletionDiagnosis
from ..errors import ApiError, ConductorError, InputError, NotReadyError, RefusedError, RightsError
from ..objects.fields import name_of, text
from ..objects.resources import Key, path_of, resource_of
from ..verdicts.progress import Progress
from .companions import Companions
from .definition import Submission, differences
from .follow import Follower, with_words
from .preconditions import require_submittable
from .runtimes import with_runtimes
from .state import JOBSET_API_VERSION, JOBSET_LABEL, is_of_job_set, is_owned

STEP = "submit"
# The manager's cache learns of a new runtime a moment after the API server (about 0.3 s: NVIDIA/aicr issue 1669).
_CACHE_PATIENCE = 10.0
_CACHE_PAUSE = 0.1
_NOT_SEEN_YET = "must be created before the TrainJob is created"
# Seconds to wait until deleted objects are gone: pods have 30 s to end.
_DELETION = 120.0


@dataclass(frozen=True)
class Wishes:
    """The options of a run; see the options of the module."""

    wait: bool = True
    timeout: float = 600
    log_lines: int = 10
    all_logs: bool = False
    recreate: bool = False
    delete_after: str = "never"
    check_mode: bool = False


class TrainJobRun:
    """One run of one TrainJob.

    Args:
        say: receives lines of progress; None for none.
        monotonic, sleep: injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        wishes: Wishes,
        *,
        say: Callable[[str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster = cluster.bounded(monotonic)
        self._cluster.give_up_at(monotonic() + wishes.timeout + GRACE)
        self._wishes = wishes
        self._say = say
        self._monotonic = monotonic
        self._sleep = sleep
        self._started = monotonic()
        self._changed = False
        self._deleted: list[str] = []
        self._retained: list[str] = []
        self._deleting = Progress(say, at_last="deleted") if say else None

    def present(self, key: Key, submission: Submission | None) -> dict[str, Any]:
        """Submit the TrainJob if it does not exist, and follow it.

        Args:
            key: the TrainJob.
            submission: its definition; None follows an existing TrainJob.

        Returns:
            see RETURN of the module.

        Raises:
            InputError: it does not exist and has no definition.
            RefusedError: a different TrainJob of this name exists.
            NotReadyError: it failed or did not end in time.
            ConductorError: the server rejected a request or failed.
        """
        companions = self._companions(submission)
        job = self._cluster.find(path_of(key)) if key.name else None
        if job is not None and submission is not None:
            job = self._existing_or_deleted(key, job, submission)
        if job is None:
            if submission is None:
                raise InputError(f"{key} does not exist", next_step="set definition or src to submit it")
            self._changed = True
            require_submittable(self._cluster, submission, follow=self._wishes.wait)
            if self._wishes.check_mode:
                try:
                    companions.predict(submission.job)
                except ApiError as error:
                    raise with_runtimes(self._cluster, key.namespace, error) from error
                return self._result(key, phase="predicted")
            companions.make()
            metadata = self._create(submission, patient=bool(companions.made))
            key = key._replace(name=metadata["name"])
        else:
            metadata = job["metadata"]
        follower = Follower(
            self._cluster,
            key,
            metadata["uid"],
            log_lines=self._wishes.log_lines,
            all_logs=self._wishes.all_logs,
            stays=self._wishes.delete_after != "always",
            say=self._say,
            monotonic=self._monotonic,
        )
        try:
            if self._wishes.wait:
                self._cluster.give_up_at(self._monotonic() + self._wishes.timeout + GRACE)
                follower.follow(self._wishes.timeout)
            else:
                follower.look()
        except ConductorError as error:
            is_denied = isinstance(error, RightsError) or (isinstance(error, ApiError) and error.status == 403)
            if is_denied and not self._wishes.wait and self._changed:
                return self._result(key, phase="created", cause=f"its state cannot be read: {error.message}")
            self._clean_after_failure(key, metadata, companions, error)
            if is_denied:
                self._mark_submitted(error, key)
            raise
        if self._wishes.delete_after != "never" and follower.state.is_final:
            self._delete(key, metadata, companions)
        return self._result(
            key,
            phase=follower.state.phase,
            cause=follower.state.cause,
            conditions=follower.conditions,
            pods=follower.pods,
            logs=follower.logs,
            timeline=follower.timeline,
            progress=[*follower.progress, *self._said],
        )

    def absent(self, key: Key, submission: Submission | None) -> dict[str, Any]:
        """Delete the TrainJob with everything it owns, and the objects that were created only for it.

        Raises:
            NotReadyError: a deletion did not finish in time.
            ConductorError: the server rejected a request or failed.
        """
        metadata = (self._cluster.find(path_of(key), metadata_only=True) or {}).get("metadata")
        self._delete(key, metadata, self._companions(submission))
        return self._result(key, phase="absent", progress=self._said)

    def _companions(self, submission: Submission | None) -> Companions:
        manifests = submission.companions if submission else ()
        return Companions(self._cluster, manifests, monotonic=self._monotonic, sleep=self._sleep)

    def _existing_or_deleted(self, key: Key, job: Mapping[str, Any], submission: Submission) -> dict[str, Any] | None:
        """Return the existing TrainJob if it matches the definition; None after it was deleted to be recreated.

        Raises:
            RefusedError: it differs from the definition.
        """
        # Use another name, because this one exists already. The response has all defaults.
        trial = {**submission.job, "metadata": {**submission.job["metadata"], "generateName": f"{key.name[:50]}-"}}
        del trial["metadata"]["name"]
        try:
            wanted = self._cluster.dry_run_create(trial, step="compare")
        except ApiError as error:
            raise with_runtimes(self._cluster, key.namespace, error) from error
        differing = differences(wanted, job)
        failed = any(
            condition.get("type") == "Failed" and condition.get("status") == "True"
            for condition in (job.get("status") or {}).get("conditions") or []
        )
        terminating = bool(text(job, "metadata", "deletionTimestamp"))
        if not differing and not failed and not terminating:
            return dict(job)
        if not self._wishes.recreate and not terminating:
            if not differing:
                return dict(job)
            raise RefusedError(
                f"a TrainJob of this name exists and differs in {', '.join(differing[:10])}",
                step=STEP,
                subject=str(key),
                next_step="use another name, or set recreate: true to delete the existing TrainJob with its pods first",
            )
        self._changed = True
        if self._wishes.check_mode:
            return None
        self._remove([DeletionTarget(key, text(job, "metadata", "uid"), terminating)])
        return None

    def _create(self, submission: Submission, *, patient: bool) -> Mapping[str, Any]:
        deadline = self._monotonic() + (_CACHE_PATIENCE if patient else 0)
        while True:
            try:
                metadata: Mapping[str, Any] = self._cluster.create(submission.job, step=STEP)["metadata"]
                return metadata
            except ApiError as error:
                if _NOT_SEEN_YET not in error.message or self._monotonic() >= deadline:
                    raise with_runtimes(self._cluster, submission.key.namespace, error) from error
                self._sleep(_CACHE_PAUSE)

    def _mark_submitted(self, error: ConductorError, key: Key) -> None:
        """Add to an error about missing permissions that the TrainJob runs."""
        if self._changed and self._wishes.delete_after != "always":
            with_words(error, f"{key} was submitted and continues")
            error.next_step = (
                "grant these permissions and run this again, which follows it, or delete the TrainJob: `kubectl delete "
                f"trainjob {key.name} --namespace {key.namespace}`"
            )
            error.facts["submitted"] = str(key)

    def _clean_after_failure(
        self, key: Key, metadata: Mapping[str, Any], companions: Companions, error: ConductorError
    ) -> None:
        if self._wishes.delete_after != "always":
            return
        try:
            self._delete(key, metadata, companions)
        except ConductorError as second:
            with_words(error, f"deletion failed, too: {second.message}")
        for words in self._retained:
            with_words(error, f"retained: {words}")
        error.facts |= {"deleted": self._deleted, "retained": self._retained}
        error.facts["progress"] = [*error.facts.get("progress", []), *self._said]

    def _delete(self, key: Key, metadata: Mapping[str, Any] | None, companions: Companions) -> None:
        """Delete the TrainJob, if it exists, then the objects that were created for it."""
        self._cluster.give_up_at(self._monotonic() + _DELETION + GRACE)
        if metadata is not None:
            self._remove([DeletionTarget(key, str(metadata["uid"]), bool(metadata.get("deletionTimestamp")))])
        gone = {str(metadata["uid"])} if metadata else set()
        for batch in companions.to_delete():
            targets, retained = companions.deletable(batch, gone)
            self._retained += retained
            self._remove(targets)
            gone |= {target.uid for target in targets}

    def _remove(self, targets: list[DeletionTarget]) -> None:
        if not targets:
            return
        self._changed = True
        self._deleted += [str(target.key) for target in targets]
        if self._wishes.check_mode:
            return
        # A deletion has a time of its own, and what follows it, too.
        self._cluster.give_up_at(self._monotonic() + _DELETION + self._wishes.timeout + GRACE)
        job_sets = {target.key: self._job_set_of(target) for target in targets if target.key.kind == "TrainJob"}
        diagnosis = DeletionDiagnosis(self._cluster)
        deleter = Deleter(
            self._cluster,
            timeout=_DELETION,
            explain=diagnosis.explain,
            look=self._tell,
            monotonic=self._monotonic,
        )
        try:
            deleter.delete(targets, foreground=targets[0].key.kind == "TrainJob")
            # JobSet releases its Jobs before their pods have ended, and a Job replaces its pods as long as it exists.
            while pods := [pod for key, uid in job_sets.items() for pod in self._pods_of(key, uid)]:
                deleter.wait_for(pods)
        except NotReadyError as error:
            if diagnosis.next_steps:
                error.next_step = "; ".join([*diagnosis.next_steps, "then run this again"])
            raise
        self._tell([])

    def _tell(self, left: Sequence[Key]) -> None:
        """Report which objects are not deleted yet."""
        if self._deleting:
            kinds = [key.kind for key in left]
            names = [str(left[0])] if len(left) == 1 else [f"{kind} {kinds.count(kind)}" for kind in sorted({*kinds})]
            waiting = f"deleting: waiting for {', '.join(names)}" if left else ""
            self._deleting.tell(self._monotonic() - self._started, waiting)

    @property
    def _said(self) -> list[str]:
        return self._deleting.lines if self._deleting else []

    def _job_set_of(self, target: DeletionTarget) -> str | None:
        """Return the uid of the JobSet of a TrainJob; empty if others made that JobSet, None if it is unknown."""
        key, resource = target.key, resource_of(JOBSET_API_VERSION, "JobSet")
        try:
            found, _version = self._cluster.list_all(
                resource, key.namespace, field_selector=f"metadata.name={key.name}"
            )
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return None
        own = [item for item in found if name_of(item) == key.name]
        return next((text(item, "metadata", "uid") if is_owned(item, target.uid) else "" for item in own), None)

    def _pods_of(self, key: Key, job_set_uid: str | None) -> list[DeletionTarget]:
        pods, _version = self._cluster.list_all(
            resource_of("v1", "Pod"), key.namespace, label_selector=f"{JOBSET_LABEL}={key.name}"
        )
        return [
            DeletionTarget(
                Key("v1", "Pod", key.namespace, name_of(pod)), text(pod, "metadata", "uid"), terminating=True
            )
            for pod in pods
            if job_set_uid is None or is_of_job_set(pod, key.name, job_set_uid)
        ]

    def _result(self, key: Key, *, phase: str, **more: Any) -> dict[str, Any]:
        return {
            "changed": self._changed,
            "name": key.name,
            "namespace": key.namespace,
            "phase": phase,
            "cause": "",
            "conditions": [],
            "pods": [],
            "logs": {},
            "timeline": [],
            "progress": [],
            **more,
            "deleted": self._deleted,
            "retained": self._retained,
            "elapsed": round(self._monotonic() - self._started, 2),
        }
