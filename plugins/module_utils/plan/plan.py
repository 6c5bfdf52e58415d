# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare desired objects with observed ones and decide what to do, before anything is written. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from ..objects.digest import manifest_digest
from ..objects.fields import name_of, numbers, part
from ..objects.line import Line, about, about_object, about_places
from ..objects.resources import Key, key_of
from ..ownership.kubectl import installed_by_kubectl, is_nobodys, kubectl_applied
from ..ownership.owner import entry_digest, foreign_webhooks, manager_of, mark_of, own_entry
from ..ownership.record import Record, RecordEntry
from ..release.bundle import PHASES, Bundle, Side, phase_of
from .prune import Leftover

Verb = Literal["create", "adopt", "update", "unchanged", "refuse", "prune"]
Refused = Literal["", "terminating", "foreign"]

_LEAVE_ALONE = "keep using the tool that manages it, because Conductor changes only objects that it installed"
_NO_ADOPTION = (
    "delete these webhook configurations with `kubectl delete`, because those with other names than the release's "
    "cannot be adopted, then run this again"
)
_LET_END = "wait until the Terminating object is gone, or delete what it waits for; then run this again"
# The number of objects of one owner that a blocker names.
_NAMED_OBJECTS = 3


@dataclass(frozen=True)
class Observed:
    """The state of the cluster that a plan needs.

    Args:
        metadata: the metadata of each object of the bundle that exists.
        webhook_configurations: every webhook configuration of the cluster, complete.
        record: the install record.
        kubernetes: the server's version, e.g. C(1.35.8).
        endings: the server's messages about Terminating objects.
        cluster_uid: the uid of the namespace kube-system.
        leftovers: the objects of earlier releases, with the decision about each.
        unserved: the objects whose kind the cluster does not have.
        absent: the namespaces of objects that do not exist.
    """

    metadata: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    webhook_configurations: Sequence[Mapping[str, Any]] = ()
    record: Record = field(default_factory=Record)
    kubernetes: str = ""
    endings: Mapping[Key, str] = field(default_factory=dict)
    cluster_uid: str = ""
    leftovers: Sequence[Leftover] = ()
    unserved: frozenset[Key] = frozenset()
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Action:
    """What to do with one object, and why.

    Args:
        resource_version, uid: those of the observed object; empty if it is missing.
        take_over: another manager applied the object before; its ownership of our fields has to end.
        force: overwrite fields, because their owner uses the name of our field manager.
        variants: the object without options, and in the other profiles of the release; used to take it over.
        side: how upstream's own manifest differs, if the object came from it.
        tool: the installer from which it is adopted, as in the option C(adopt); empty for kubectl.
        refused: why the object may not be written; empty if it may.
        owner: the other owner, if that is why.
    """

    verb: Verb
    key: Key
    phase: str
    reason: str
    manifest: dict[str, Any] = field(repr=False, default_factory=dict)
    resource_version: str = ""
    uid: str = ""
    take_over: bool = False
    force: bool = False
    variants: tuple[dict[str, Any], ...] = field(repr=False, default=())
    side: Side | None = field(repr=False, default=None)
    tool: str = ""
    refused: Refused = ""
    owner: Line | None = None

    @property
    def writes(self) -> bool:
        """Return whether this action writes."""
        return self.verb in ("create", "adopt", "update", "prune")


class Blocker(NamedTuple):
    """A reason why a plan must not be carried out.

    Args:
        text: the complete sentence.
        next_step: what to do about it.
        code: the code of the finding in the catalogue.
        subject: the object concerned.
        cause: what is wrong with it.
        about: what identifies a finding about the same problem (see C(Line)): an owner, a namespace or an object.
    """

    text: str
    next_step: str
    code: str
    subject: str
    cause: str
    about: frozenset[Hashable] = frozenset()


@dataclass(frozen=True)
class Plan:
    """All actions, in the order of the bundle and then the prunes, and the blockers.

    Args:
        retained: objects of earlier releases that stay.
        dropped: objects that leave the install record, because they are gone or have another owner now.
    """

    actions: tuple[Action, ...]
    blockers: tuple[Blocker, ...] = ()
    retained: tuple[Leftover, ...] = ()
    dropped: frozenset[Key] = frozenset()

    @property
    def blocker_lines(self) -> tuple[str, ...]:
        """Return the blockers as sentences."""
        return tuple(blocker.text for blocker in self.blockers)

    @property
    def next_steps(self) -> tuple[str, ...]:
        """Return the next steps of the blockers, each once."""
        return tuple(dict.fromkeys(blocker.next_step for blocker in self.blockers))

    def writing(self, phases: Sequence[str]) -> list[Action]:
        """Return the actions of these phases that write.

        An object is not pruned while a later phase, which is not among them, has something to write. The existing
        objects of that phase may still use it: for example, a Deployment mounts a Secret.
        """
        writes = [action for action in self.actions if action.writes]
        left = [action.phase for action in writes if action.verb != "prune" and action.phase not in phases]
        last = max(map(PHASES.index, left), default=-1)
        return [
            action
            for action in writes
            if action.phase in phases and not (action.verb == "prune" and PHASES.index(action.phase) < last)
        ]


def make_plan(bundle: Bundle, observed: Observed, adopt: Collection[str] = ()) -> Plan:
    """Decide what to do with each object of the bundle and of earlier releases.

    Args:
        adopt: the installers whose objects may be adopted.
    """
    actions = tuple(
        _decide(bundle, phase.name, manifest, observed.metadata.get(key), observed.record.entries.get(key), adopt)
        for phase in bundle.phases
        for manifest in phase.objects
        for key in (key_of(manifest),)
    )
    decided = {
        decision: tuple(leftover for leftover in observed.leftovers if leftover.decision == decision)
        for decision in ("prune", "retain", "drop")
    }
    prunes = tuple(
        Action("prune", leftover.key, phase_of(*leftover.key[:2]), leftover.reason, uid=leftover.uid)
        for leftover in decided["prune"]
    )
    return Plan(
        (*actions, *prunes),
        tuple(_blockers(bundle, observed, actions)),
        decided["retain"],
        frozenset(leftover.key for leftover in decided["drop"]),
    )


def _decide(
    bundle: Bundle,
    phase: str,
    manifest: dict[str, Any],
    metadata: Mapping[str, Any] | None,
    known: RecordEntry | None,
    adopt: Collection[str],
) -> Action:
    key = key_of(manifest)

    def action(verb: Verb, reason: str) -> Action:
        found = metadata or {}
        return Action(verb, key, phase, reason, manifest, found.get("resourceVersion", ""), found.get("uid", ""))

    if metadata is None:
        return action("create", "it was deleted" if known else "it does not exist")
    if metadata.get("deletionTimestamp"):
        waiting_for = ", ".join(metadata.get("finalizers") or []) or "its deletion"
        refused = action("refuse", f"is Terminating since {metadata['deletionTimestamp']}, waiting for {waiting_for}")
        return replace(refused, refused="terminating")
    if mark_of(metadata) is None and kubectl_applied(metadata):
        adopted = action("adopt", "applied by kubectl from Conductor's kustomization")
        return replace(adopted, take_over=True, variants=bundle.variants.get(key, ()))
    manager = manager_of(metadata)
    side = bundle.upstream.get(key)
    if side is not None and mark_of(metadata) is None and installed_by_kubectl(metadata):
        adopted = action("adopt", "applied by kubectl from the upstream release")
        return replace(adopted, take_over=True, side=side)
    if key.kind == "Namespace":
        # A namespace that was prepared for the installation (labels, quotas, policies) is not another Trainer.
        if own_entry(metadata) is None:
            return action("adopt", f"it exists already ({manager.words})")
    elif manager.kind != "conductor":
        # Two late imports: most clusters have no object of others.
        from ..ownership.installers import owner, tool_of
        from ..ownership.upstream import is_bare

        if side is not None and is_bare(manifest, side) and mark_of(metadata) is None and is_nobodys(metadata):
            adopted = action("adopt", "it is upstream's object, without any content")
            return replace(adopted, take_over=True, side=side)
        if tool_of(metadata) in adopt:
            adopted = action("adopt", f"to be adopted from {owner(metadata)['name']}")
            variants = bundle.variants.get(key, ())
            return replace(adopted, take_over=True, side=side, tool=tool_of(metadata), variants=variants)
        whose = owner(metadata)["name"]
        return replace(action("refuse", whose), refused="foreign", owner=whose)
    if known is None:
        return action("update", "it is not in the install record")
    if known.uid != metadata.get("uid"):
        return action("update", "it was deleted and recreated")
    if known.desired != manifest_digest(manifest):
        return action("update", "it differs in this release")
    if known.applied != entry_digest(metadata):
        return action("update", "a field of the release was modified")
    return action("unchanged", "as recorded")


def _blockers(bundle: Bundle, observed: Observed, actions: Sequence[Action]) -> list[Blocker]:
    found = []
    if observed.kubernetes and numbers(observed.kubernetes)[:2] < numbers(bundle.kubernetes_minimum)[:2]:
        text = (
            f"Kubernetes is {observed.kubernetes}, and Trainer {bundle.release} requires {bundle.kubernetes_minimum} "
            "or newer, because older API servers reject its CRDs (kubeflow/trainer issue 3154)"
        )
        found.append(Blocker(text, "upgrade the cluster", "kubernetes_too_old", "API server", text))
    by_owner: dict[frozenset[Hashable], tuple[Line, list[Key]]] = {}
    for action in actions:
        if action.refused == "terminating":
            said = observed.endings.get(action.key)
            cause = action.reason + (f": {said}" if said else "")
            same = about_object(action.key.name)
            found.append(
                Blocker(f"{action.key} {cause}", _LET_END, "terminating", str(action.key), f"it {cause}", same)
            )
        elif action.owner is not None:
            by_owner.setdefault(about(action.owner), (action.owner, []))[1].append(action.key)
    for same, (whose, keys) in by_owner.items():
        named = ", ".join(str(key) for key in keys[:_NAMED_OBJECTS])
        more = f" and {len(keys) - _NAMED_OBJECTS} more" if len(keys) > _NAMED_OBJECTS else ""
        subject, cause = f"{named}{more}", f"managed by another owner ({whose})"
        code = _foreign_code(keys)
        # Built-in runtimes of another owner are not an installation that somebody may want to remove.
        next_step = _LEAVE_ALONE if code == "runtime_other_owner" else f"{_LEAVE_ALONE}; {_removal_advice(whose)}"
        found.append(Blocker(f"{subject}: {cause}", next_step, code, subject, cause, same))
    found += _unplaceable(bundle, observed, actions)
    adopting = any(action.tool for action in actions)
    users = {key.name for key in bundle.extras}
    for name, place in foreign_webhooks(observed.webhook_configurations, bundle, by_name=adopting):
        if name in users:
            continue
        # A late import: most clusters have no other installation.
        from ..ownership.installers import owner

        subject, cause = f"webhook configuration {name} points to {place}", "another Trainer or JobSet is installed"
        code = "jobset_other_owner" if "jobset" in name else "trainer_other_owner"
        same = about_places(place.url or place.namespace)
        named_so = [item for item in observed.webhook_configurations if name_of(item) == name]
        advice = _removal_advice(*(owner(part(item, "metadata"))["name"] for item in named_so))
        next_step = f"{_NO_ADOPTION if adopting else _LEAVE_ALONE}; {advice}"
        found.append(Blocker(f"{subject}: {cause}", next_step, code, subject, cause, same))
    return found


def _removal_advice(*owners: Line) -> str:
    # A late import: most clusters have no other installation.
    from ..findings.other_tools import removal_advice

    return removal_advice(*owners)


def _unplaceable(bundle: Bundle, observed: Observed, actions: Sequence[Action]) -> list[Blocker]:
    """Return the blockers about users' objects that the cluster could not take, before a run stops halfway."""
    found = []
    created = {action.key.name for action in actions if action.key.kind == "Namespace"}
    for action in actions:
        key = action.key
        if key in observed.unserved:
            cause = f"this cluster has no kind {key.kind} of {key.api_version}"
            next_step = "install the operator that defines it, or remove the object from `conductor_extra_objects`"
            found.append(Blocker(f"{key}: {cause}", next_step, "crd_missing", str(key), cause))
        elif key in bundle.extras and key.namespace in observed.absent - created:
            cause = f"the namespace {key.namespace} does not exist"
            next_step = "create it first, or add it to `conductor_extra_objects`"
            found.append(Blocker(f"{key}: {cause}", next_step, "namespace_missing", str(key), cause))
    return found


def _foreign_code(keys: Sequence[Key]) -> str:
    if all(key.kind == "ClusterTrainingRuntime" for key in keys):
        return "runtime_other_owner"
    return "jobset_other_owner" if all("jobset" in key.name for key in keys) else "trainer_other_owner"
