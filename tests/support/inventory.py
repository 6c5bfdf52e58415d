# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists every object of a real cluster, and deletes those that a fresh cluster did not have."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

# Path of an object to a digest of what is stored in it.
Inventory = Mapping[str, str]
# (method, path, body) to status and answer.
Request = Callable[[str, str, dict[str, Any] | None], tuple[int, dict[str, Any]]]

# Events come and go by themselves.
_NOT_LISTED = frozenset({"events"})
# The system rewrites these all the time: only their existence counts.
_CONTENT_CHANGES = frozenset({"leases", "endpoints", "endpointslices"})
# The API server's own bookkeeping, and what the system reports.
_NOT_CONTENT = ("resourceVersion", "managedFields", "generation")
# The API server deletes the objects of a CRD before it removes this one's finalizer.
_CRDS = "/apis/apiextensions.k8s.io/"
_WEBHOOKS = "webhookconfigurations/"
_SECONDS = 90
_PAUSE = 0.3


@dataclass(frozen=True)
class Difference:
    """How a cluster differs from what it was: paths of objects."""

    extra: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.extra or self.missing or self.changed)


def difference(before: Inventory, now: Inventory) -> Difference:
    """Compare two inventories of one cluster."""
    both = before.keys() & now.keys()
    return Difference(
        # Webhooks first, because they could reject the other deletions.
        tuple(sorted(now.keys() - before.keys(), key=lambda path: (_WEBHOOKS not in path, path))),
        tuple(sorted(before.keys() - now.keys())),
        tuple(sorted(path for path in both if before[path] != now[path])),
    )


def digest(item: Mapping[str, Any]) -> str:
    """Return a digest of what is stored in an object: all but its status and the API server's bookkeeping."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in _NOT_CONTENT}
    content = {key: value for key, value in item.items() if key != "status"} | {"metadata": metadata}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def resources(request: Request) -> Iterator[tuple[str, str]]:
    """Return the resources that can be listed and deleted: the path of their group, and their name."""
    groups = request("GET", "/apis", None)[1]["groups"]
    # The versions of each group, the preferred one first.
    for versions in [["/api/v1"], *([f"/apis/{one['groupVersion']}" for one in group["versions"]] for group in groups)]:
        known = set(_NOT_LISTED)
        for version in versions:
            status, answer = request("GET", version, None)
            # A version whose last CRD is being deleted is not served any more.
            for entry in answer["resources"] if status == 200 else ():
                if {"list", "delete"} <= set(entry["verbs"]) and entry["name"] not in known:
                    known.add(entry["name"])
                    yield version, entry["name"]


def inventory(request: Request) -> dict[str, str]:
    """Return all objects of a cluster."""
    found = {}
    for group, resource in resources(request):
        status, answer = request("GET", f"{group}/{resource}", None)
        if status == 404:
            continue
        for item in answer["items"]:
            metadata = item["metadata"]
            inside = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
            content = "" if resource in _CONTENT_CHANGES else digest(item)
            found[f"{group}{inside}/{resource}/{metadata['name']}"] = content
    return found


def at_rest(request: Request, seconds: float = _SECONDS) -> dict[str, str]:
    """Return the inventory once it has stopped changing. Raise TimeoutError if it does not."""
    deadline = time.monotonic() + seconds
    before: dict[str, str] = {}
    while (now := inventory(request)) != before:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the cluster keeps changing: {difference(before, now)}")
        before = now
        time.sleep(1)
    return now


def reset(request: Request, fresh: Inventory, seconds: float = _SECONDS) -> None:
    """Delete all objects that are not in ``fresh``, and return once the cluster is as it was.

    Raise TimeoutError if it is not: an object cannot be deleted, or one of ``fresh`` was changed or deleted.
    """
    deadline = time.monotonic() + seconds
    while left := difference(fresh, inventory(request)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the cluster is not as it was: {left}")
        for path in left.extra:
            _delete(request, path)
        time.sleep(_PAUSE)


def _delete(request: Request, path: str) -> None:
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "propagationPolicy": "Background"}
    status, answer = request("DELETE", path, options)
    held = answer.get("metadata", {}).get("finalizers")
    if status < 400 and held and not path.startswith(_CRDS):
        # Whoever would remove them is deleted as well.
        request("PATCH", path, {"metadata": {"finalizers": None}})


@contextmanager
def connected(kubeconfig: Path) -> Iterator[Request]:
    """Yield a function that sends requests to the cluster of an administrator's kubeconfig, as kind writes it."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    with tempfile.TemporaryDirectory() as folder:

        def written(name: str, data: str) -> str:
            path = Path(folder) / name
            path.write_bytes(base64.b64decode(data))
            return str(path)

        with urllib3.PoolManager(
            retries=False,
            timeout=30,
            ca_certs=written("ca", cluster["certificate-authority-data"]),
            cert_file=written("certificate", user["client-certificate-data"]),
            key_file=written("key", user["client-key-data"]),
        ) as pool:

            def request(method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
                kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
                answer = pool.request(
                    method,
                    cluster["server"] + path,
                    body=None if body is None else json.dumps(body),
                    headers={"Accept": "application/json", "Content-Type": kind},
                )
                # A path that is not served is answered with plain text.
                is_json = answer.headers.get("Content-Type", "").startswith("application/json")
                return answer.status, answer.json() if is_json else {}

            yield request
