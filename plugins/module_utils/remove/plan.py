# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan an uninstall: what to delete in which order, what to retain and why, and the blockers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ..cluster.deletion import DeletionTarget
from ..cluster.namespace_contents import Contents
from ..findings.other_tools import removal_advice
from ..names import INSTALL_RECORD
from ..objects.fields import name_of, part, some, text, texts
from ..objects.finalizers import RUNTIME_FINALIZER, held_by, holds
from ..objects.resources import Key
from ..ownership.installers import owner
from ..ownership.owner import own_entry, owner_of
from ..ownership.record import Record, RecordEntry
from ..release.bundle import Bundle
from ..release.components import LEASES, is_named_jobset
from ..release.recognition import JOBSET_CRD, TRAINER_GROUP
from ..release.user_objects import full_name, standalone, unfinished_job_sets, unfinished_train_jobs, users_of
from .model import STAGES, Removal, RemovalState, Switches, stage_of
from .rules import TESTS, dangling, is_alive, is_of_conductor, needs_record, speakers, why_not_empty, why_not_ours

_CRD, _NAMESPACE = "CustomResourceDefinition", "Namespace"
# These do nothing by themselves: without other objects of ours, no controller is involved.
_AT_REST = frozenset({_CRD, _NAMESPACE})
# The operator's namespace, if it only stays because of the install record in it.
HOLDS_RECORD = (
    "it holds the install record, which shows that Conductor created another object that stays; the uninstall that "
    "deletes that object deletes it"
)
# The blocking objects: jobs that run, finished jobs that hold a runtime, or objects that would go with their CRD.
_State = Literal["unfinished", "finished", "retained"]
_WITH_USER_DATA = "set remove_user_data: true to delete them"


def make_removal(bundle: Bundle, found: RemovalState, switches: Switches) -> Removal:
    """Plan the uninstall of the complete release: all of its runtimes and JobSet, whatever the options select."""
    return _Planner(bundle, found, switches).plan()


class _Planner:
    """Builds one plan."""

    def __init__(self, bundle: Bundle, found: RemovalState, switches: Switches) -> None:
        self._home = bundle.namespace
        self._bundle = bundle
        self._found = found
        self._switches = switches
        self._record = found.observed.record
        self._stages: dict[str, list[DeletionTarget]] = {name: [] for name in STAGES}
        self._retained: dict[str, list[str]] = {}
        self._blockers: list[tuple[str, str]] = []
        candidates = {*bundle.known, *self._record.named}
        self._metadata = {key: found.observed.metadata[key] for key in candidates if key in found.observed.metadata}
        self._reasons = {
            key: why_not_ours(
                key,
                metadata,
                # Whoever may write the record must not choose what is deleted besides the objects of the release.
                self._record if bundle.is_of_release(key) or own_entry(metadata) is not None else Record(),
            )
            for key, metadata in self._metadata.items()
        }
        self._ours = {key for key, reason in self._reasons.items() if reason is None}
        # By component: whether the uninstall deletes something that users' jobs need.
        active = [key for key in self._ours if key.kind not in _AT_REST]
        self._goes = {
            "trainer": any(not is_named_jobset(key.name) for key in active),
            "jobset": any(is_named_jobset(key.name) for key in active),
        }
        self._alive = {component: is_alive(found.deployments, test) for component, test in TESTS.items()}

    def plan(self) -> Removal:
        for key, reason in self._reasons.items():
            # A runtime of another owner counts as a custom one, even if it has the name of a built-in one.
            if reason is not None and not (key.kind == "ClusterTrainingRuntime" and self._takes_user_data()):
                self._retain(self._with_ending(key, reason), str(key))
        for key in sorted(self._ours):
            if key.kind not in _AT_REST and key.kind != "ClusterTrainingRuntime":
                self._delete(stage_of(key.kind), key, self._metadata[key])
        self._leases()
        self._user_data()
        self._runtimes()
        self._crds()
        self._webhooks()
        self._controllers()
        self._namespaces()
        self._own_traces()
        return Removal(
            stages=tuple((name, tuple(self._stages[name])) for name in self._in_order() if self._stages[name]),
            retained={reason: tuple(sorted(names)) for reason, names in sorted(self._retained.items())},
            blockers=tuple(self._blockers),
            finalizers_to_remove=tuple(self._finalizers_to_remove()),
            vouched=self._vouched(),
            existed=bool(self._ours)
            or bool(self._record.entries)
            or any(is_of_conductor(key, metadata, self._record) for key, metadata in self._metadata.items()),
        )

    # -- the parts ------------------------------------------------------------------------------------------------

    def _leases(self) -> None:
        """Delete the controllers' Leases. Conductor did not create them, but only the controllers use them."""
        for name, component in LEASES.items():
            key = Key("coordination.k8s.io/v1", "Lease", self._home, name)
            metadata = self._found.observed.metadata.get(key)
            known = self._record.entries and (component == "trainer" or self._record.jobset == "bundled")
            test = TESTS[component]
            stays = [item for item in self._found.deployments if test(item) and not self._goes_away(item)]
            if metadata is not None and (self._goes[component] or known) and not stays:
                self._delete("leases", key, metadata)

    def _user_data(self) -> None:
        holdings, trainer, jobset = self._found.holdings, *self._theirs()
        if self._switches.user_data:
            for item in holdings.train_jobs if trainer else ():
                self._delete_item("train_jobs", "TrainJob", item)
            owned = [item for item in holdings.job_sets if item not in standalone(holdings.job_sets)]
            for item in holdings.job_sets if jobset else owned if trainer else ():
                self._delete_item("job_sets", "JobSet", item)
            for item in self._others(holdings.runtimes) if trainer else ():
                self._delete_item("runtimes", "TrainingRuntime", item)
            for item in self._custom() if trainer else ():
                self._delete_item("runtimes", "ClusterTrainingRuntime", item)
            return
        jobs = unfinished_train_jobs(holdings.train_jobs) if self._goes["trainer"] else []
        sets = unfinished_job_sets(standalone(holdings.job_sets)) if self._goes["jobset"] else []
        if not self._switches.abandon:
            self._block(jobs, "unfinished TrainJob", "they need Trainer's controller", "unfinished")
            why = "they need JobSet's controller, which would be deleted"
            self._block(sets, "unfinished JobSet", why, "unfinished")
        data = "user data; remove_user_data is off"
        kinds = (
            ("TrainJob", holdings.train_jobs, self._goes["trainer"]),
            ("JobSet", standalone(holdings.job_sets), self._goes["jobset"]),
            ("TrainingRuntime", self._others(holdings.runtimes), self._goes["trainer"]),
            ("ClusterTrainingRuntime", self._custom(), self._goes["trainer"]),
        )
        for kind, items, counts in kinds:
            for item in items if counts else ():
                finalizers = texts(item, "metadata", "finalizers")
                held = f", held by {holds(RUNTIME_FINALIZER)}" if RUNTIME_FINALIZER in finalizers else ""
                self._retain(data + held, f"{kind} {full_name(item)}")

    def _runtimes(self) -> None:
        gone = {target.uid for target in self._stages["train_jobs"]}
        jobs = [job for job in self._found.holdings.train_jobs if text(job, "metadata", "uid") not in gone]
        for key in sorted(key for key in self._ours if key.kind == "ClusterTrainingRuntime"):
            metadata = self._metadata[key]
            users = users_of(key.name, jobs) if RUNTIME_FINALIZER in texts(metadata, "finalizers") else []
            if users and self._switches.abandon:
                self._retain(f"held by {holds(RUNTIME_FINALIZER)}; retained TrainJobs use it", str(key))
                continue
            # Unfinished jobs are a blocker already.
            finished = [job for job in users if job not in unfinished_train_jobs(users)]
            self._block(finished, "finished TrainJob", f"they hold {key} by {holds(RUNTIME_FINALIZER)}", "finished")
            self._delete("runtimes", key, metadata)

    def _crds(self) -> None:
        holdings = self._found.holdings
        kinds = {
            f"trainjobs.{TRAINER_GROUP}": ("TrainJob", holdings.train_jobs, "train_jobs"),
            JOBSET_CRD: ("JobSet", holdings.job_sets, "job_sets"),
            f"trainingruntimes.{TRAINER_GROUP}": ("TrainingRuntime", holdings.runtimes, "runtimes"),
            f"clustertrainingruntimes.{TRAINER_GROUP}": (
                "ClusterTrainingRuntime",
                holdings.cluster_runtimes,
                "runtimes",
            ),
        }
        going = {target.uid for target in self._stages["admission"]}
        for key in sorted(key for key in self._ours if key.kind == _CRD):
            others = speakers(self._found.observed.webhook_configurations, key.name.partition(".")[2], going)
            if self._metadata[key].get("deletionTimestamp"):
                # All of its objects are being deleted already, whatever this uninstall does.
                if self._switches.crds:
                    self._delete("crds", key, self._metadata[key])
                else:
                    self._retain(self._with_ending(key, "its deletion was started by others"), str(key))
            elif not self._switches.crds:
                self._retain("remove_crds is off", str(key))
            elif others:
                self._retain(f"it is still served by the webhook configuration {', '.join(others)}", str(key))
            elif key.name not in kinds:
                self._retain("objects of its kind were not searched for", str(key))
            else:
                kind, items, stage = kinds[key.name]
                gone = {target.uid for target in self._stages[stage]}
                left = [item for item in items if text(item, "metadata", "uid") not in gone]
                self._block(left, kind, f"they would be deleted with {key}", "retained")
                self._delete("crds", key, self._metadata[key])

    def _webhooks(self) -> None:
        """Block if a remaining webhook configuration refers to a Service to delete: its requests would fail."""
        services = {
            (target.key.namespace, target.key.name) for target in self._stages["access"] if target.key.kind == "Service"
        }
        going = {target.uid for target in self._stages["admission"]}
        for line in dangling(self._found.observed.webhook_configurations, services, going):
            self._blockers.append((line, "delete that webhook configuration, or point it to another Service"))

    def _controllers(self) -> None:
        """Block if a controller has another owner now: it would lose permissions and configuration."""
        for component, test in TESTS.items():
            stay = [item for item in self._found.deployments if test(item) and not self._goes_away(item)]
            for item in stay if self._goes[component] else ():
                metadata = part(item, "metadata")
                self._blockers.append(
                    (
                        f"Deployment {full_name(item)} is managed by {owner_of(metadata)} and stays, but objects that "
                        "it needs would be deleted",
                        f"delete this Deployment with `kubectl delete`; {removal_advice(owner(metadata)['name'])}",
                    )
                )

    def _namespaces(self) -> None:
        going = {target.uid for target in self._targets()}
        for key in sorted(
            (key for key in self._ours if key.kind == _NAMESPACE), key=lambda key: key.name == self._home
        ):
            metadata = self._metadata[key]
            contents = self._found.contents.get(key.name, Contents(unknown=("its contents were not read",)))
            # The garbage collector deletes what lost its owners before the namespace is checked again.
            why = "" if contents.is_garbage(going) else why_not_empty(contents, going)
            if not why and key.name == self._home and self._vouched():
                why = HOLDS_RECORD
            if why and not metadata.get("deletionTimestamp"):
                self._retain(why, str(key))
            else:
                self._delete("namespaces", key, metadata)

    def _vouched(self) -> dict[Key, RecordEntry]:
        """Return the record's entries of objects that stay and that nothing else shows to be Conductor's.

        The operator's namespace counts only if something else keeps it: the record would be deleted with it.
        """
        going = {target.key for target in self._targets()}
        home = Key("v1", _NAMESPACE, "", self._home)
        return {
            key: self._record.entries.get(key) or RecordEntry(text(metadata, "uid"), "", "", True)
            for key in sorted(self._ours - going)
            for metadata in (self._metadata[key],)
            if needs_record(key, metadata, self._bundle) and (key != home or self._is_retained(key))
        }

    def _is_retained(self, key: Key) -> bool:
        return any(str(key) in names for names in self._retained.values())

    def _own_traces(self) -> None:
        """Delete the install record last, or together with its namespace, once nothing stays that it vouches for."""
        key = Key("v1", "ConfigMap", self._home, INSTALL_RECORD)
        metadata = self._found.observed.metadata.get(key)
        gone = self._home in {target.key.name for target in self._stages["namespaces"]}
        if metadata is not None and not gone and not self._vouched():
            self._delete("record", key, metadata)

    def _finalizers_to_remove(self) -> list[DeletionTarget]:
        """Return the runtimes whose finalizer has to be removed; none if the controller runs and does it."""
        if self._alive["trainer"]:
            return []
        metadata = {
            text(item, "metadata", "uid"): item
            for item in (*self._found.holdings.runtimes, *self._found.holdings.cluster_runtimes)
        }
        return [
            target
            for target in self._stages["runtimes"]
            if RUNTIME_FINALIZER in texts(metadata.get(target.uid), "metadata", "finalizers")
        ]

    def _in_order(self) -> Iterable[str]:
        """Return the names of the stages in order.

        If a controller is not running, nobody answers its webhooks. Objects that the webhooks check cannot be changed
        then, finalizers included: so the webhook configurations are deleted first.
        """
        if all(self._alive[component] for component, goes in self._goes.items() if goes):
            return STAGES
        return ["admission", *(name for name in STAGES if name != "admission")]

    # -- helpers ---------------------------------------------------------------------------------------------

    def _takes_user_data(self) -> bool:
        return self._switches.user_data and self._theirs()[0]

    def _theirs(self) -> tuple[bool, bool]:
        """Return whether user objects of Trainer and of JobSet may be deleted: their controller or CRD is ours."""
        crds = {key.name for key in self._ours if key.kind == _CRD}
        trainer = self._goes["trainer"] or f"trainjobs.{TRAINER_GROUP}" in crds
        return trainer, self._goes["jobset"] or JOBSET_CRD in crds

    def _others(self, items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the objects that Conductor did not create: those of an inventory go with the release."""
        ours = {text(self._metadata[key], "uid") for key in self._ours}
        return [item for item in items if text(item, "metadata", "uid") not in ours]

    def _custom(self) -> list[Mapping[str, Any]]:
        ours = {text(self._metadata[key], "uid") for key in self._ours}
        known = {text(metadata, "uid") for metadata in self._metadata.values()}
        return [
            item
            for item in self._found.holdings.cluster_runtimes
            for uid in (text(item, "metadata", "uid"),)
            # A runtime of another owner with the name of a built-in one has a reason to stay already.
            if uid not in ours and (uid not in known or self._takes_user_data())
        ]

    def _goes_away(self, deployment: Mapping[str, Any]) -> bool:
        return Key("apps/v1", "Deployment", self._home, name_of(deployment)) in self._ours

    def _with_ending(self, key: Key, reason: str) -> str:
        metadata = self._metadata[key]
        if not metadata.get("deletionTimestamp"):
            return reason
        return f"{reason}; it {held_by(metadata, self._found.observed.endings.get(key, ''))}"

    def _targets(self) -> Iterator[DeletionTarget]:
        for targets in self._stages.values():
            yield from targets

    def _delete(self, stage: str, key: Key, metadata: Mapping[str, Any]) -> None:
        self._stages[stage].append(DeletionTarget(key, text(metadata, "uid"), bool(metadata.get("deletionTimestamp"))))

    def _delete_item(self, stage: str, kind: str, item: Mapping[str, Any]) -> None:
        api_version = "jobset.x-k8s.io/v1alpha2" if kind == "JobSet" else f"{TRAINER_GROUP}/v1alpha1"
        key = Key(api_version, kind, text(item, "metadata", "namespace"), name_of(item))
        self._delete(stage, key, part(item, "metadata"))

    def _retain(self, reason: str, name: str) -> None:
        self._retained.setdefault(reason, []).append(name)

    def _block(self, items: Sequence[Mapping[str, Any]], what: str, why: str, state: _State) -> None:
        if items:
            count = f"{len(items)} {what}{'' if len(items) == 1 else 's'}"
            next_step = f"wait until they finish, or {_WITH_USER_DATA}" if state == "unfinished" else _WITH_USER_DATA
            if state != "retained":
                next_step += ", or abandon_jobs: true to leave them without a controller"
            self._blockers.append((f"{count} ({', '.join(some(map(full_name, items)))}): {why}", next_step))
