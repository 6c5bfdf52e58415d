# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory, below the real client: only what goes over the wire is replaced."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, ConductorError
from ansible_collections.conductor.trainer.plugins.module_utils.names import FIELD_MANAGER, MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import (
    RESOURCES,
    Key,
    Resource,
    key_of,
)
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import JOBSET_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.wire import request as wire_request

CUSTOM_GROUPS = ("trainer.kubeflow.org", "jobset.x-k8s.io")


@dataclass(frozen=True)
class Request(wire_request.Request):
    """One request as the fake received it."""

    @property
    def writes(self) -> bool:
        """Whether the server would store something."""
        review = self.path.startswith("/apis/authorization.k8s.io/")
        return self.method not in ("GET", "WATCH") and "dryRun" not in self.query and not review


# Looks at a request first: answers it, raises, or returns None to leave it to the others.
Hook = Callable[[Request], dict[str, Any] | None]
Stream = Iterable[dict[str, Any]] | ConductorError


def failure(status: int, reason: str = "", message: str = "no", **more: Any) -> ApiError:
    """An answer that is a failure."""
    return ApiError(message, status=status, reason=reason, **more)


class FakeCluster(Cluster):
    """Keeps objects the way server-side apply leaves them: uid, resourceVersion, managedFields with a time."""

    def __init__(self, *, version: str = "v1.35.8", connections: int = 4) -> None:
        self.host = "https://fake.invalid"
        self.connections = connections
        self.authorities = b""
        self.version = version
        self.objects: dict[Key, dict[str, Any]] = {}
        self.requests: list[Request] = []
        self.hooks: list[Hook] = []
        self.rules: list[dict[str, Any]] = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        self.allows: Callable[[dict[str, Any]], bool] = lambda attributes: False
        self.streams: dict[str, list[Stream]] = {}
        # Pod to the whole log of its container.
        self.logs: dict[str, list[str]] = {}
        self.released = threading.Event()
        self.refreshed = 0
        self._lock = threading.RLock()
        self._count = itertools.count(1)

    # -- for tests -----------------------------------------------------------------------------------------------

    @property
    def writes(self) -> list[Request]:
        """The requests that would have stored something."""
        return [request for request in self.requests if request.writes]

    @property
    def applies(self) -> list[Request]:
        """Those of them that are no business of the lease."""
        return [request for request in self.writes if "/leases" not in request.path]

    def put(self, manifest: dict[str, Any], manager: str = FIELD_MANAGER, operation: str = "Apply") -> dict[str, Any]:
        """Stores an object as if that manager had made it; returns the stored object."""
        with self._lock:
            return self._store(key_of(manifest), manifest, manager, operation)

    def change(self, key: Key, manager: str) -> None:
        """Lets another manager take a field of an object from whoever had it."""
        with self._lock:
            metadata = self.objects[key]["metadata"]
            metadata["managedFields"] = [
                {**entry, "fieldsV1": {"f:left": {}}} for entry in metadata["managedFields"]
            ] + [self._entry(manager, "Update", {"f:taken": {}})]
            metadata["resourceVersion"] = str(next(self._count))

    def fail(self, status: int, *, method: str = "PATCH", path: str = "", **more: Any) -> None:
        """Lets every matching request fail from now on."""

        def hook(request: Request) -> dict[str, Any] | None:
            if request.method == method and path in request.path:
                raise failure(status, **more)
            return None

        self.hooks.append(hook)

    # -- the client's transport ----------------------------------------------------------------------------------

    def fresh(self) -> FakeCluster:
        """Counts, and stays what it is."""
        self.refreshed += 1
        return self

    def bounded(self, monotonic: Callable[[], float]) -> FakeCluster:
        """Stays what it is: it answers at once."""
        return self

    def give_up_at(self, until: float) -> None:
        """It never has to."""

    def close(self) -> None:
        """Nothing to close."""

    def _exchange(self, request: wire_request.Request) -> dict[str, Any]:
        """Answer from memory."""
        recorded = Request(**{**vars(request), "body": copy.deepcopy(request.body)})
        with self._lock:
            self.requests.append(recorded)
        for hook in self.hooks:
            answer = hook(recorded)
            if answer is not None:
                return answer
        with self._lock:
            return copy.deepcopy(self._answer(recorded))

    def watch(
        self,
        resource: Resource,
        namespace: str | None,
        resource_version: str,
        seconds: float,
        *,
        metadata_only: bool,
        name: str = "",
        silence: float = 0.0,
        opened: Callable[[Callable[[], None]], None] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The next scripted stream of a resource type; after the last one an endless silence."""
        with self._lock:
            self.requests.append(Request("WATCH", resource.path(namespace), "watch", "", body=resource_version))
            script = self.streams.get(resource.plural) or []
            stream = script.pop(0) if script else None
        if isinstance(stream, ConductorError):
            raise stream
        if stream is None:
            self.released.wait()
            return
        yield from stream

    def pod_log(self, namespace: str, pod: str, *, container: str, lines: int, previous: bool = False) -> list[str]:
        """The end of what a test put there for a pod; a container that was started again has another log."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "previous": str(previous)}
        request = Request("GET", path, "read log", pod, query=query)
        self.requests.append(request)
        for hook in self.hooks:
            hook(request)
        found = self.logs.get(f"{pod} before" if previous else pod)
        if found is None:
            raise failure(400, "BadRequest", f'container "{container}" in pod "{pod}" is waiting to start')
        return found[-lines:]

    # -- the server ----------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> dict[str, Any]:
        if request.path == "/version":
            return {"gitVersion": self.version}
        if request.path.endswith("/selfsubjectrulesreviews"):
            return {"status": {"resourceRules": self.rules}}
        if request.path.endswith("/selfsubjectaccessreviews"):
            return {"status": {"allowed": self.allows(request.body["spec"]["resourceAttributes"])}}
        served = self._served()
        if request.path in ("/api", "/apis"):
            return _discovery([resource for resource in served if bool(resource.group) == (request.path == "/apis")])
        roots = {resource.root for resource in served}
        if request.path in roots:
            return {"resources": [{"name": entry.plural} for entry in served if entry.root == request.path]}
        resource, namespace, name, rest = self._locate(request.path)
        if resource not in served:
            raise failure(404, "NotFound", "the server could not find the requested resource")
        kind = next(kind for (_version, kind), entry in RESOURCES.items() if entry == resource)
        key = Key(resource.api_version, kind, namespace, name)
        if request.method == "POST":
            return dict(request.body) if "dryRun" in request.query else self._create(request.body)
        if not name:
            places = (
                {key.namespace}
                if key.namespace or not resource.namespaced
                else {other.namespace for other in self.objects}
            )
            items = [
                stored for other, stored in self.objects.items() if other[:2] == key[:2] and other.namespace in places
            ]
            items = [item for item in items if _is_selected(item, request.query)]
            return {"items": items, "metadata": {"resourceVersion": str(next(self._count))}}
        if request.method == "PATCH" and not rest and not isinstance(request.body, list):
            return self._apply(key, request)
        if key not in self.objects:
            raise failure(404, "NotFound", f"{key} not found")
        if "dryRun" in request.query:
            return self.objects[key]
        if isinstance(request.body, list):
            return self._json_patch(key, request.body)
        if request.method == "DELETE":
            return self._delete(key, (request.body or {}).get("preconditions") or {})
        if rest:
            annotations = self.objects[key]["metadata"].setdefault("annotations", {})
            annotations.update(request.body["metadata"]["annotations"])
        return self.objects[key]

    def _create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        key = key_of(manifest)
        if key.namespace and Key("v1", "Namespace", "", key.namespace) not in self.objects:
            raise failure(404, "NotFound", f'namespaces "{key.namespace}" not found')
        if key in self.objects:
            raise failure(409, "AlreadyExists", f"{key} already exists")
        return self._store(key, manifest, FIELD_MANAGER, "Update")

    def _delete(self, key: Key, preconditions: dict[str, Any]) -> dict[str, Any]:
        """Removes an object and what is in it; what has a finalizer, or something in it that has, is Terminating."""
        metadata = self.objects[key]["metadata"]
        if preconditions.get("uid", metadata.get("uid")) != metadata.get("uid"):
            raise failure(409, "Conflict", "the uid in the precondition is another one")
        for other in self._inside(key):
            self._delete(other, {})
        if metadata.get("finalizers") or self._inside(key):
            metadata.setdefault("deletionTimestamp", "2026-01-01T00:00:00Z")
            metadata["resourceVersion"] = str(next(self._count))
            return self.objects[key]
        del self.objects[key]
        return {"kind": "Status", "status": "Success"}

    def _inside(self, key: Key) -> list[Key]:
        if key.kind == "Namespace":
            return [other for other in self.objects if other.namespace == key.name]
        if key.kind == "CustomResourceDefinition":
            spec = self.objects[key]["spec"]
            return [
                other for other in self.objects if other[:2] == (f"{spec['group']}/v1alpha1", spec["names"]["kind"])
            ]
        return []

    def _served(self) -> list[Resource]:
        plurals = {
            (stored["spec"]["group"], stored["spec"]["names"]["plural"])
            for key, stored in self.objects.items()
            if key.kind == "CustomResourceDefinition"
        }
        return [
            resource
            for resource in RESOURCES.values()
            if resource.group not in CUSTOM_GROUPS or (resource.group, resource.plural) in plurals
        ]

    def _locate(self, path: str) -> tuple[Resource, str, str, list[str]]:
        for resource in RESOURCES.values():
            if not path.startswith(resource.root + "/"):
                continue
            parts = [unquote(part) for part in path[len(resource.root) + 1 :].split("/")]
            namespace = ""
            if parts[0] == "namespaces" and len(parts) > 2:
                namespace, parts = parts[1], parts[2:]
            if parts[0] == resource.plural and bool(namespace) <= resource.namespaced:
                return resource, namespace, parts[1] if len(parts) > 1 else "", parts[2:]
        raise AssertionError(f"the fake does not know {path}")

    def _apply(self, key: Key, request: Request) -> dict[str, Any]:
        if key.namespace and Key("v1", "Namespace", "", key.namespace) not in self.objects:
            raise failure(404, "NotFound", f'namespaces "{key.namespace}" not found')
        before = copy.deepcopy(self.objects.get(key))
        count = self._count
        after = self._store(key, request.body, request.query["fieldManager"], "Apply")
        if "dryRun" in request.query:
            after = copy.deepcopy(after)
            self._count = count
            if before is None:
                del self.objects[key]
            else:
                self.objects[key] = before
        return after

    def _json_patch(self, key: Key, operations: list[dict[str, Any]]) -> dict[str, Any]:
        stored = copy.deepcopy(self.objects[key])
        last: Any
        for operation in operations:
            *parents, last = [part.replace("~1", "/") for part in operation["path"].split("/")[1:]]
            node = stored
            for part in parents:
                node = node[part]
            if isinstance(node, list):
                last = int(last)
            if operation["op"] == "test":
                if node[last] != operation["value"]:
                    raise failure(422, "Invalid", "a test of the patch failed")
            elif operation["op"] == "remove":
                del node[last]
            elif last == "resourceVersion" and node[last] != operation["value"]:
                raise failure(409, "Conflict", "the object has been modified")
            else:
                node[last] = operation["value"]
        stored["metadata"]["resourceVersion"] = str(next(self._count))
        self.objects[key] = stored
        if stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers"):
            del self.objects[key]
        return stored

    def _store(self, key: Key, manifest: dict[str, Any], manager: str, operation: str) -> dict[str, Any]:
        stored: dict[str, Any] = self.objects.get(key, {"metadata": {}})
        entries = stored["metadata"].get("managedFields") or []
        others = [entry for entry in entries if (entry["manager"], entry["operation"]) != (manager, operation)]
        mine = next((entry for entry in entries if entry not in others), None)
        after: dict[str, Any] = _merged(stored, copy.deepcopy(manifest))
        if after == stored and mine is not None and mine["fieldsV1"] == _fields(manifest):
            return stored
        version = str(next(self._count))
        after["metadata"] = {
            **after["metadata"],
            "uid": stored["metadata"].get("uid", f"uid-{version}"),
            "resourceVersion": version,
            "managedFields": [*others, self._entry(manager, operation, _fields(manifest))],
        }
        self.objects[key] = after
        return after

    def _entry(self, manager: str, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
        time = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=next(self._count))
        return {"manager": manager, "operation": operation, "time": time.isoformat(), "fieldsV1": fields}


def _discovery(served: Iterable[Resource]) -> dict[str, Any]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for resource in served:
        entry = {
            "resource": resource.plural,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "verbs": ["delete", "get", "list"],
        }
        groups.setdefault((resource.group, resource.version), []).append(entry)
    return {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {"metadata": {"name": group}, "versions": [{"version": version, "resources": resources}]}
            for (group, version), resources in groups.items()
        ],
    }


def _is_selected(item: dict[str, Any], query: Mapping[str, str]) -> bool:
    """Whether selectors mean an object: by its name, our label or JobSet's; Namespaces by the label that is their name.

    The fake takes no notice of others.
    """
    field, _equals, name = query.get("fieldSelector", "").partition("=")
    label, _equals, value = query.get("labelSelector", "").partition("=")
    label_in, _in, values = query.get("labelSelector", "").partition(" in ")
    metadata = item["metadata"]
    if label_in == "kubernetes.io/metadata.name" and metadata["name"] not in values.strip("()").split(","):
        return False
    if field == "metadata.name" and metadata["name"] != name:
        return False
    return label not in (MANAGED_LABEL, JOBSET_LABEL) or (metadata.get("labels") or {}).get(label) == value


def _merged(stored: Any, wanted: Any) -> Any:
    if isinstance(stored, dict) and isinstance(wanted, dict):
        return {**stored, **{name: _merged(stored.get(name), value) for name, value in wanted.items()}}
    return wanted


def _fields(manifest: Any) -> dict[str, Any]:
    if not isinstance(manifest, dict):
        return {}
    return {f"f:{name}": _fields(value) for name, value in manifest.items() if name not in ("apiVersion", "kind")}


class Clock:
    """A clock that only moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Passes the time at once."""
        self.pauses.append(seconds)
        self.now += seconds
