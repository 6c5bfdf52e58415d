# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a release while options are laid over them, and what each option changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..objects.resources import Key, key_of
from ..release.bundle import Bundle, Change, Phase, marked
from ..release.components import is_named_jobset
from .spec import COMPONENTS

_MAIN_CONTAINER = "manager"
_CONFIG = "--config="


class Controller(NamedTuple):
    """One controller of the release: its component (one of C(COMPONENTS)), and its objects."""

    component: str
    deployment: Key
    config_map: Key


@dataclass
class _Step:
    """What the option of one step changed: the object before, and the copy that the step edits."""

    name: str
    copies: dict[Key, tuple[dict[str, Any] | None, dict[str, Any]]]


class Draft:
    """The objects of a release while options are laid over them.

    Each option is one step (C(because)). An object is copied when a step first edits it, so that the objects of the
    bundle are never changed, and so that the changes of each option are known.

    Args:
        recorded: whether the options come from the install record, with digests instead of secrets. An option with a
            secret then leaves out the objects that hold it (C(keep)).
    """

    def __init__(self, bundle: Bundle, *, recorded: bool = False) -> None:
        self.bundle = bundle
        self.recorded = recorded
        self.extras: set[Key] = set()
        self._kept: set[Key] = set()
        self._objects = {key_of(manifest): manifest for manifest in bundle.objects()}
        self._phases = {key_of(manifest): phase.name for phase in bundle.phases for manifest in phase.objects}
        self._changes: list[Change] = []
        self._step: _Step | None = None

    @contextmanager
    def because(self, name: str) -> Iterator[None]:
        """Attribute the changes within the block to an option, e.g. C(tolerations) or C(patches[2])."""
        step = self._step = _Step(name, {})
        yield
        self._step = None
        self._changes += [Change(name, key, before, after) for key, (before, after) in step.copies.items()]

    @property
    def variable(self) -> str:
        """Return the variable of the option that is being laid."""
        return f"conductor_{self._running().name}"

    def all(self) -> list[Key]:
        """Return the keys of all objects."""
        return list(self._objects)

    def of_kind(self, *kinds: str) -> list[Key]:
        """Return the keys of the objects of these kinds."""
        return [key for key in self._objects if key.kind in kinds]

    def look(self, key: Key) -> dict[str, Any]:
        """Return an object, which must not be changed."""
        return self._objects[key]

    def edit(self, key: Key) -> dict[str, Any]:
        """Return a copy of an object, which replaces it and may be changed within the step."""
        step = self._running()
        if key not in step.copies:
            before = self._objects[key]
            self._objects[key] = json.loads(json.dumps(before))
            step.copies[key] = (before, self._objects[key])
        return self._objects[key]

    def put(self, key: Key, manifest: dict[str, Any]) -> None:
        """Replace an object by one that shares parts with it. Cheaper than C(edit) for large objects."""
        step = self._running()
        before = step.copies[key][0] if key in step.copies else self._objects[key]
        step.copies[key] = (before, manifest)
        self._objects[key] = manifest

    def add(self, phase: str, manifest: dict[str, Any]) -> Key:
        """Add an object that does not belong to the release."""
        key, manifest = key_of(manifest), marked(manifest)
        self._running().copies[key] = (None, manifest)
        self._objects[key] = manifest
        self._phases[key] = phase
        self.extras.add(key)
        return key

    def keep(self, key: Key) -> None:
        """Leave an object of an option as it is on the cluster: neither write nor prune it."""
        self._kept.add(key)

    def controllers(self) -> list[Controller]:
        """Return the controllers of the release."""
        found = []
        for component in COMPONENTS:
            for deployment in self.of_kind("Deployment"):
                if deployment in self.extras or is_named_jobset(deployment.name) != (component == "jobset"):
                    continue
                found.append(Controller(component, deployment, config_map_of(self._objects[deployment])))
        return found

    def finished(self) -> Bundle:
        """Return the bundle with the changed objects."""
        changed = {change.key for change in self._changes}
        original = {key_of(manifest): manifest for manifest in self.bundle.objects()}
        return replace(
            self.bundle,
            phases=tuple(
                Phase(phase.name, tuple(self._objects[key] for key, name in self._phases.items() if name == phase.name))
                for phase in self.bundle.phases
            ),
            known=self.bundle.known | self.extras | self._kept,
            extras=frozenset(self.extras | self._kept),
            changes=tuple(self._changes),
            # kubectl applied the release without options: its values are no edits.
            variants={
                **self.bundle.variants,
                **{key: (original[key], *self.bundle.variants.get(key, ())) for key in original.keys() & changed},
            },
            upstream={
                key: replace(side, default=original[key])
                if key in changed and key in original and side.default is None
                else side
                for key, side in self.bundle.upstream.items()
            },
        )

    def _running(self) -> _Step:
        if self._step is None:
            raise ValueError("an object is changed outside of a step")
        return self._step


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    """Return the pod spec of a Deployment."""
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def container_of(deployment: dict[str, Any]) -> dict[str, Any]:
    """Return the container of a controller."""
    [container] = [one for one in pod_of(deployment)["containers"] if one["name"] == _MAIN_CONTAINER]
    found: dict[str, Any] = container
    return found


def config_map_of(deployment: dict[str, Any]) -> Key:
    """Return the ConfigMap with the configuration of a controller, whatever else its pods mount."""
    container = container_of(deployment)
    [path] = [argument.removeprefix(_CONFIG) for argument in container["args"] if argument.startswith(_CONFIG)]
    [mounted] = [mount["name"] for mount in container["volumeMounts"] if mount.get("mountPath") == path]
    [volume] = [volume for volume in pod_of(deployment)["volumes"] if volume.get("name") == mounted]
    return Key("v1", "ConfigMap", deployment["metadata"]["namespace"], volume["configMap"]["name"])
