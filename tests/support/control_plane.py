# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server without nodes: etcd, kube-apiserver and kube-controller-manager as processes of this machine.

Everything is as on a cluster but that nothing runs: pods stay Pending. What a test did is undone in one go, by putting
back what etcd held before, so that one control plane serves many tests, each from the same start or from a state that
was prepared once.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import urllib3

from tests.support.cluster import ClusterUnderTest
from tests.support.control_plane_files import (
    CONTEXT,
    api_server_command,
    controller_manager_command,
    etcd_command,
    write_egress,
    write_keys,
    write_kubeconfig,
    write_pair,
)
from tests.support.egress import Egress
from tests.support.etcd import Etcd, Snapshot
from tests.support.lending import tool
from tests.support.processes import Program, ProgramError, free_ports, program
from tests.support.settling import IN_EVERY_NAMESPACE, established, resources_of, served, undone
from tests.unit.plugins.helpers.certificates import Authority, Pair

ADMIN = "control-plane-admin"
MASTERS = "system:masters"
# The controllers that act on what we install, and on what stands in its way. Without a node the others have no work.
# That of EndpointSlices is not among them: it keeps in mind what it wrote, calls older slices that were put back out of
# date, and waits ever longer. A fake kubelet does its work.
CONTROLLERS = (
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "garbage-collector-controller",
    "resourcequota-controller",
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
)
_READY_SECONDS = 60.0
_SETTLE_SECONDS = 60.0
_PAUSE = 0.01
# Seconds without a change after which controllers are taken to be done.
_AT_REST = 0.3
# Until these are there, a snapshot would not be complete.
_MADE_BY_CONTROLLERS = tuple(
    f"{namespace}/{what}"
    for namespace in ("default", "kube-node-lease", "kube-public", "kube-system")
    for what in IN_EVERY_NAMESPACE
)
_ATTEMPTS = 3
# How often a restore is repeated because controllers were still at work.
_ROUNDS = 8
_SIGN_OF_LIFE = b"/registry/configmaps/kube-node-lease/kube-root-ca.crt"
_marks = itertools.count(1)


@dataclass(frozen=True)
class ControlPlane(ClusterUnderTest):
    """A control plane that is up, and one identity on it."""

    folder: Path
    server: str
    # The server's version, e.g. C(1.35.8).
    version: str
    etcd: Etcd
    # How the API server reaches webhooks.
    egress: Egress
    programs: Sequence[Program]
    # The API groups that need no CRD.
    built_in: frozenset[str] = field(repr=False)
    authority: Authority = field(repr=False)
    # The administrator's connections, which stay open.
    _pool: urllib3.PoolManager = field(repr=False)

    def audit_log(self) -> Iterable[str]:
        """See ClusterUnderTest."""
        # The server logs a request when its answer is on the way: a request of our own that is in the log shows that
        # those before are.
        mark = f"/version?mark={next(_marks)}"
        self.admin_request(mark)
        log = self.folder / "audit.log"
        deadline = time.monotonic() + _SETTLE_SECONDS
        while f'"{mark}"' not in (text := log.read_text(encoding="utf-8")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{mark} does not appear in {log}")
            time.sleep(_PAUSE)
        # The last line may be half-written.
        return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def identity(self, user: str, *groups: str) -> ControlPlane:
        """The same control plane as another user sees it, who has no rights but those given to the name.

        The user has a client certificate, so any can be made at any time.
        """
        return self._as(user, self.authority.client(user, groups))

    def service_account(self, namespace: str, name: str) -> ControlPlane:
        """The same control plane as a ServiceAccount sees it, by C(token)."""
        return self._as(f"system:serviceaccount:{namespace}:{name}", self.token(namespace, name))

    def token(self, namespace: str, service_account: str) -> str:
        """A token of a ServiceAccount, good for an hour."""
        return self.kubectl("create", "token", service_account, f"--namespace={namespace}").strip()

    def _as(self, user: str, credentials: Pair | str) -> ControlPlane:
        path = self.folder / "users" / f"{user.replace(':', '-')}.yaml"
        return replace(self, user=user, kubeconfig=write_kubeconfig(path, self.server, self.authority, credentials))

    @property
    def certificate_authority(self) -> Path:
        """The file with the certificate of the authority that signed the server's."""
        return self.folder / "pki" / "ca.crt"

    def snapshot(self) -> Snapshot:
        """All objects, to be put back by C(restore)."""
        return self.etcd.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Puts all objects back as they were, uids and managed fields included, and waits until that is what is served.

        Controllers that were at work may answer with a write of their own; that is undone as well.

        Raises:
            RuntimeError: the controllers keep changing something.
        """
        if not self._put_back(snapshot):
            return
        # They go by what they remember: an owner that was gone once, a pod they still expect to hear of. Those that
        # start find everything as it was, but for one thing, whose return shows that they are at work.
        controllers = self.programs[-1]
        controllers.stop()
        self.etcd.restore(Snapshot({key: value for key, value in snapshot.values.items() if key != _SIGN_OF_LIFE}))
        controllers.start()
        controllers.wait_for(lambda: _SIGN_OF_LIFE in self.snapshot().values, _READY_SECONDS)
        if wrong := self._put_back(snapshot):
            raise RuntimeError(f"controllers keep changing what was put back; was the snapshot taken at rest? {wrong}")

    def _put_back(self, snapshot: Snapshot) -> list[bytes]:
        """Puts all objects back until they stay so; the keys that do not."""
        wrong: list[bytes] = []
        for attempt in range(_ROUNDS):
            if not (wrong := self.etcd.restore(snapshot)):
                break
            self._await_served_resources()
            if attempt:
                # Undone while they are still at work, it would give them more to do.
                self._await_rest()
        return wrong

    def settle(self) -> None:
        """Waits until the controllers have done what there is to do, and nothing changes any more."""
        self._await_rest(lambda: undone(self.admin_request))

    def _await_rest(self, undone: Callable[[], list[str]] = list) -> None:
        """Waits until nothing changes any more, and nothing is to be done."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        before = None
        while (todo := undone()) or (now := self.snapshot()) != before:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the controllers do not come to rest; to be done: {todo}")
            if not todo:
                before = now
            time.sleep(_AT_REST)

    def await_right(
        self, user: str, verb: str, resource: str, namespace: str = "", group: str = "", name: str = ""
    ) -> None:
        """Waits until the server allows this: it learns of RBAC objects a moment after they are stored."""
        attributes = {"verb": verb, "resource": resource, "namespace": namespace, "group": group, "name": name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        client = self.client()
        deadline = time.monotonic() + _SETTLE_SECONDS
        while not client.review(review)["status"]["allowed"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{user} still may not {verb} {resource}")
            time.sleep(_PAUSE)

    def admin_request(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET as the administrator."""
        answer = self._pool.request("GET", self.server + path)
        return answer.status, answer.data

    def memory(self) -> dict[str, int]:
        """Resident bytes, program by program."""
        return {one.name: one.memory() for one in self.programs}

    def check(self) -> None:
        """Raises ProgramError when one of the programs has ended, with the end of its log."""
        for one in self.programs:
            one.check()

    def await_served(self, crds: Iterable[dict[str, Any]]) -> None:
        """Waits until the resources of these CRDs are served."""
        wanted = resources_of(crds)
        deadline = time.monotonic() + _SETTLE_SECONDS
        while missing := wanted - served(self.admin_request, wanted, self.built_in):
            if time.monotonic() > deadline:
                raise TimeoutError(f"these are not served: {sorted(missing)}")
            time.sleep(_PAUSE)

    def _await_served_resources(self) -> None:
        """Waits until exactly those custom resources are served whose CRDs are there and established."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while wrong := self._wrongly_served():
            if time.monotonic() > deadline:
                raise TimeoutError(f"these are served, or are not and should be: {sorted(wrong)}")
            time.sleep(_PAUSE)

    def _wrongly_served(self) -> set[str]:
        wanted = established(self.admin_request)
        return wanted ^ served(self.admin_request, wanted, self.built_in)


@contextmanager
def control_plane(folder: Path, controllers: Sequence[str] = CONTROLLERS) -> Iterator[ControlPlane]:
    """A fresh control plane, gone in the end. Its data, logs and keys are in C(folder) and stay there.

    Raises:
        ProgramError: a program did not come up; the end of its log says why.
    """
    for attempt in itertools.count(1):
        with ExitStack() as stack:
            try:
                running = _start(stack, folder / str(attempt), controllers)
            except ProgramError as error:
                # Somebody else was quicker to take a port that was free a moment ago.
                if attempt < _ATTEMPTS and "address already in use" in str(error):
                    continue
                raise
            yield running
            return


def _start(stack: ExitStack, folder: Path, controllers: Sequence[str]) -> ControlPlane:
    etcd_port, peer_port, port = free_ports(3)
    server = f"https://127.0.0.1:{port}"
    pki = folder / "pki"
    authority = Authority("control-plane")
    write_keys(pki, authority)
    admin = authority.client(ADMIN, [MASTERS])
    write_pair(pki, "admin", admin)
    kubeconfig = write_kubeconfig(folder / "kubeconfig", server, authority, admin)
    manager = write_kubeconfig(
        folder / "users" / "kube-controller-manager.yaml",
        server,
        authority,
        authority.client("system:kube-controller-manager", [MASTERS]),
    )
    egress = Egress()
    write_egress(folder, stack.enter_context(egress.serving()))
    etcd = Etcd(etcd_port)
    stored = stack.enter_context(program("etcd", etcd_command(folder, etcd_port, peer_port), folder))
    stored.wait_for(etcd.is_ready, _READY_SECONDS)
    serving = stack.enter_context(program("kube-apiserver", api_server_command(folder, etcd_port, port), folder))
    pool = stack.enter_context(
        urllib3.PoolManager(
            ca_certs=str(pki / "ca.crt"),
            cert_file=str(pki / "admin.crt"),
            key_file=str(pki / "admin.key"),
            retries=False,
            timeout=10,
        )
    )
    serving.wait_for(lambda: _answers(pool, f"{server}/readyz"), _READY_SECONDS)
    controlling = stack.enter_context(
        program("kube-controller-manager", controller_manager_command(folder, manager, controllers), folder)
    )
    version = json.loads(pool.request("GET", f"{server}/version").data)["gitVersion"].lstrip("v")
    controlling.wait_for(
        lambda: all(_answers(pool, f"{server}/api/v1/namespaces/{path}") for path in _MADE_BY_CONTROLLERS),
        _READY_SECONDS,
    )
    return ControlPlane(
        kubeconfig=kubeconfig,
        context=CONTEXT,
        user=ADMIN,
        program=tool("program", "kubectl").strip(),
        folder=folder,
        server=server,
        version=version,
        etcd=etcd,
        egress=egress,
        programs=(stored, serving, controlling),
        built_in=frozenset(group["name"] for group in json.loads(pool.request("GET", f"{server}/apis").data)["groups"]),
        authority=authority,
        _pool=pool,
    )


def _answers(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return pool.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False
