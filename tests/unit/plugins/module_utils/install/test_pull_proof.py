# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pull proof against a scheduler and a kubelet that do what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    NotReadyError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.install import pull_proof
from ansible_collections.conductor.trainer.plugins.module_utils.install.pull_pods import LABEL, PullPod
from ansible_collections.conductor.trainer.plugins.module_utils.install.pull_proof import PullProof
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from tests.unit.plugins.helpers.builders import NAMESPACE, obj
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure
from tests.unit.plugins.helpers.kubelet import (
    ARCH,
    DENIED,
    NO_PLATFORM,
    Fate,
    Playing,
    evicted,
    node,
    placed,
    pulled,
    unschedulable,
    waits,
)

A, B = "registry.invalid/a:1", "registry.invalid/b:1"
OWNER = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "name": "conductor-install", "uid": "uid-lease"}


def wanted(image: str = A, architecture: str = "amd64", group: int = 0, **more: Any) -> PullPod:
    """A pod to prove one image with."""
    container = {"name": "pull", "image": image, "resources": {"requests": {"cpu": "1m"}}}
    spec = {"containers": [container], "nodeSelector": {ARCH: architecture} if architecture else {}}
    of_runtime = more.pop("is_choice", False)
    return PullPod(image, ("Deployment a",), of_runtime, spec, architecture=architecture, group=group, **more)


@pytest.fixture
def cluster() -> FakeCluster:
    found = FakeCluster()
    found.put(obj("Namespace", NAMESPACE))
    return found


Prove = Callable[..., PullProof]


@pytest.fixture
def prove(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prove]:
    """Builds a proof of some pods, whose fates are given by image, or by image and architecture."""
    clock = Clock()

    def build(*pods: PullPod, fates: dict[str, Fate] | None = None, **more: Any) -> PullProof:
        watcher = type("Watching", (Playing,), {"clock": clock, "script": [], "fates": fates or {}})
        monkeypatch.setattr(pull_proof, "Watcher", watcher)
        options = {"timeout": 100.0, "owner": OWNER, "monotonic": clock.monotonic, **more}
        return PullProof(cluster, NAMESPACE, pods or [wanted()], **options)

    yield build
    # Whatever happened, nothing is left.
    assert pods_of(cluster) == []


def pods_of(cluster: FakeCluster) -> list[dict[str, Any]]:
    return [stored for key, stored in cluster.objects.items() if key.kind == "Pod"]


def created(cluster: FakeCluster) -> list[dict[str, Any]]:
    return [request.body for request in cluster.writes if request.method == "POST"]


def failed(proof: PullProof) -> NotReadyError:
    with pytest.raises(NotReadyError) as caught:
        proof.run()
    return caught.value


def outcomes(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["image"], row["architecture"], row["outcome"]) for row in rows]


def test_each_image_is_proven_on_each_architecture(prove: Prove, cluster: FakeCluster) -> None:
    proof = prove(wanted(), wanted(architecture="arm64"), wanted(B, group=1))
    proof.run()
    assert proof.rows[0] == {
        "image": A,
        "architecture": "amd64",
        "node": "amd64-node",
        "outcome": "available",
        "seconds": 1.0,
        "needed_by": ["Deployment a"],
    }
    assert outcomes(proof.rows)[1:] == [(A, "arm64", "available"), (B, "amd64", "available")]
    bodies = created(cluster)
    assert len(bodies) == 3
    assert len({body["metadata"]["name"] for body in bodies}) == 3
    assert {body["metadata"]["labels"][LABEL] for body in bodies} == {"true"}
    assert [body["metadata"]["ownerReferences"] for body in bodies] == [[OWNER]] * 3
    # A pod that nobody deletes ends by itself.
    assert {body["spec"]["activeDeadlineSeconds"] for body in bodies} == {160}
    assert proof.notices == []


@pytest.mark.parametrize(
    ("reasons", "outcome"), [(["Pulling", "Pulled"], "pulled"), (["Pulled"], "present"), ([], "available")]
)
def test_the_events_show_whether_the_registry_was_asked(
    prove: Prove, cluster: FakeCluster, reasons: list[str], outcome: str
) -> None:
    def fate(pod: dict[str, Any]) -> None:
        pulled(pod)
        for reason in reasons:
            about = {"kind": "Pod", "name": pod["metadata"]["name"]}
            cluster.put(obj("Event", reason.lower(), namespace=NAMESPACE, involvedObject=about, reason=reason))
        # Another pod's do not count.
        about = {"kind": "Pod", "name": "another"}
        cluster.put(obj("Event", "other", namespace=NAMESPACE, involvedObject=about, reason="Pulling"))

    proof = prove(fates={A: fate})
    proof.run()
    assert [row["outcome"] for row in proof.rows] == [outcome]


def test_a_denied_pull_names_image_node_words_and_variables(prove: Prove) -> None:
    error = failed(prove(wanted(), wanted(B, group=1), fates={A: waits("ErrImagePull", DENIED)}))
    assert "1 image is not on a node, and no controller was changed: registry.invalid/a:1 (amd64) on node" in str(error)
    assert "on node amd64-node: the registry denies the node access to its image: pod conductor-pull-proof-" in str(
        error
    )
    assert DENIED in str(error)
    for variable in ("registries", "images", "image_pull_secrets", "image_pull_credentials"):
        assert f"`conductor_{variable}`" in (error.next_step or "")
    assert (error.step, error.facts["pull_proof"][0]["outcome"]) == ("prove the pulls", "failed")
    assert outcomes(error.facts["pull_proof"]) == [(A, "amd64", "failed"), (B, "amd64", "available")]


def test_failures_that_are_not_certain_yet_are_named_with_those_that_are(prove: Prove) -> None:
    """Nobody has to run it once more for each of them."""
    fates = {A: waits("ErrImageNeverPull"), B: waits("ErrImagePull", DENIED)}
    error = failed(prove(wanted(), wanted(B, group=1), fates=fates))
    assert "2 images are" in str(error)
    assert error.facts["pull_proof"][0]["seconds"] < 15
    assert "`conductor_image_pull_policy`" in (error.next_step or "")


@pytest.mark.parametrize(
    ("reason", "variable"),
    [("InvalidImageName", "conductor_images"), ("ErrImageNeverPull", "conductor_image_pull_policy")],
)
def test_what_the_kubelet_knows_without_a_registry(prove: Prove, reason: str, variable: str) -> None:
    error = failed(prove(fates={A: waits(reason)}))
    assert f"`{variable}`" in (error.next_step or "")
    assert error.facts["pull_proof"][0]["seconds"] == 1.0


def test_a_controller_needs_its_image_on_every_architecture_that_may_get_it(prove: Prove) -> None:
    fates = {f"{A} arm64": waits("ErrImagePull", NO_PLATFORM)}
    error = failed(prove(wanted(), wanted(architecture="arm64"), fates=fates))
    assert "registry.invalid/a:1 (arm64) on node arm64-node: its image has no variant for the node's platform" in str(
        error
    )


def test_a_job_may_be_kept_off_an_architecture(prove: Prove) -> None:
    fates = {f"{A} arm64": waits("ErrImagePull", NO_PLATFORM), f"{A} amd64": placed}
    pods = [wanted(is_choice=True), wanted(architecture="arm64", is_choice=True)]
    # As long as no other architecture has shown it, it is not known which one is at fault.
    calls = iter(range(3))
    fates[f"{A} amd64"] = lambda pod: placed(pod) if next(calls, None) is not None else pulled(pod)
    proof = prove(*pods, fates=fates)
    proof.run()
    assert outcomes(proof.rows) == [(A, "amd64", "available"), (A, "arm64", "failed")]
    [notice] = proof.notices
    assert notice.startswith("the pull proof shows nothing for the architecture arm64: registry.invalid/a:1 (arm64)")
    error = failed(prove(*pods, fates={A: waits("ErrImagePull", NO_PLATFORM)}))
    assert "2 images are" in str(error)
    assert "image_pull_secrets" not in (error.next_step or "")


def test_a_pod_that_no_node_accepts(prove: Prove) -> None:
    error = failed(prove(fates={A: unschedulable}))
    assert "no node has enough capacity for it, or no node accepts it" in str(error)
    assert " on node " not in str(error)
    for variable in ("tolerations", "node_selector", "affinity"):
        assert f"`conductor_{variable}`" in (error.next_step or "")
    # Another architecture may have room.
    proof = prove(wanted(), wanted(architecture="arm64"), fates={f"{A} arm64": unschedulable})
    proof.run()
    assert outcomes(proof.rows) == [(A, "amd64", "available"), (A, "arm64", "failed")]
    assert len(proof.notices) == 1
    # Another image tells nothing about this one.
    fates = {f"{A} arm64": unschedulable}
    assert "(arm64)" in str(failed(prove(wanted(B), wanted(architecture="arm64", group=1), fates=fates)))


def test_a_slow_pull_ends_at_the_deadline(prove: Prove, cluster: FakeCluster) -> None:
    error = failed(prove(fates={A: waits("ContainerCreating")}))
    assert "not on a node after 100 s" in str(error)
    assert "on node amd64-node: ContainerCreating" in str(error)
    assert "raise `conductor_pull_proof_timeout`" in (error.next_step or "")
    # A sign that it may only be slow names the same variable.
    error = failed(prove(fates={A: waits("ErrImagePull", "dial tcp: i/o timeout")}))
    assert "its image has not been pulled yet" in str(error)
    assert (error.next_step or "").count("`conductor_pull_proof_timeout`") == 1
    assert "wait_timeout" not in (error.next_step or "")


def test_at_the_deadline_the_events_show_what_the_status_does_not(prove: Prove, cluster: FakeCluster) -> None:
    def fate(pod: dict[str, Any]) -> None:
        waits("ContainerCreating")(pod)
        about = {"kind": "Pod", "name": pod["metadata"]["name"]}
        words = 'failed to get sandbox image "pause:3": failed to pull image'
        event = {"type": "Warning", "reason": "FailedCreatePodSandBox", "message": words, "lastTimestamp": "2026-01-01"}
        cluster.put(obj("Event", "sandbox", namespace=NAMESPACE, involvedObject=about, **event))

    error = failed(prove(fates={A: fate}))
    assert "its node cannot pull the sandbox image (pause) that every pod needs" in str(error)
    assert "load the sandbox image" in (error.next_step or "")


def test_a_pod_that_another_program_ends_is_created_again_and_not_at_once(prove: Prove, cluster: FakeCluster) -> None:
    steps: Iterator[Fate] = iter([evicted, evicted, pulled])
    proof = prove(fates={A: lambda pod: next(steps)(pod)})
    proof.run()
    assert outcomes(proof.rows) == [(A, "amd64", "available")]
    assert len(created(cluster)) == 3
    always = prove(fates={A: evicted})
    error = failed(always)
    assert "Evicted" in str(error)
    # 1, 2, 4, 8, 16 and then 30 s apart.
    assert len(created(cluster)) - 3 < 10


def test_a_pod_that_somebody_deletes_is_created_again(prove: Prove, cluster: FakeCluster) -> None:
    times = iter([1])

    def fate(pod: dict[str, Any]) -> None:
        if next(times, None):
            pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        else:
            pulled(pod)

    prove(fates={A: fate}).run()
    assert len(created(cluster)) == 2


def test_a_pod_that_vanishes_is_created_again(prove: Prove, cluster: FakeCluster) -> None:
    def vanish(pod: dict[str, Any]) -> None:
        pod["status"] = {"phase": "Pending"}
        if not gone:
            gone.append(pod["metadata"]["name"])
        elif pod["metadata"]["name"] not in gone:
            pulled(pod)

    def hook(request: Request) -> None:
        # It is seen once before.
        if request.method == "GET" and gone:
            looks.append(1)
            if len(looks) == 2:
                cluster.objects.pop(Key("v1", "Pod", NAMESPACE, gone[0]), None)

    gone: list[str] = []
    looks: list[int] = []
    cluster.hooks.append(hook)
    proof = prove(fates={A: vanish})
    proof.run()
    assert len(created(cluster)) == 2
    assert proof._attempts[0].since < proof._started + 8
    assert proof.notices == []


def test_a_pod_that_never_appears_is_created_again(prove: Prove, cluster: FakeCluster) -> None:
    """Not at once: the watch may be late."""

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "POST" and request.path.endswith("/pods") and not lost:
            lost.append(1)
            return {"metadata": {"uid": "uid-lost"}}
        return None

    lost: list[int] = []
    cluster.hooks.append(hook)
    proof = prove()
    proof.run()
    assert len(created(cluster)) == 2
    assert proof._started + 11 <= proof._attempts[0].since <= proof._started + 14


def test_a_watch_that_is_not_allowed_ends_the_proof(prove: Prove, cluster: FakeCluster) -> None:
    proof = prove(fates={A: placed})
    vars(pull_proof)["Watcher"].fails = failure(403, "Forbidden", "no watch")
    with pytest.raises(ApiError, match="no watch"):
        proof.run()


def rejects(cluster: FakeCluster, message: str, times: int, status: int = 403) -> None:
    """Lets the API server reject the first pods."""
    left = iter(range(times))

    def hook(request: Request) -> None:
        if request.method == "POST" and request.path.endswith("/pods") and next(left, None) is not None:
            raise failure(status, "Forbidden", message)

    cluster.hooks.append(hook)


def test_an_account_that_is_not_there_yet(prove: Prove, cluster: FakeCluster) -> None:
    rejects(
        cluster,
        'pods "x" is forbidden: error looking up service account ops/default: serviceaccount "default" not found',
        3,
    )
    proof = prove()
    proof.run()
    assert outcomes(proof.rows) == [(A, "amd64", "available")]


def test_what_rejects_the_pods_is_named(prove: Prove, cluster: FakeCluster) -> None:
    rejects(cluster, 'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', 1000)
    error = failed(prove())
    assert "Pod Security (restricted:latest) rejects the pods of the pull proof" in str(error)
    assert error.facts["pull_proof"][0]["seconds"] < 10


def test_a_limit_range_gets_the_requests_of_the_real_container(prove: Prove, cluster: FakeCluster) -> None:
    real = {"requests": {"cpu": "500m"}}
    rejects(cluster, 'pods "x" is forbidden: minimum cpu usage per Container is 100m, but request is 1m', 1)
    prove(wanted(resources=real)).run()
    small, large = (body["spec"]["containers"][0]["resources"] for body in created(cluster))
    assert (small, large) == ({"requests": {"cpu": "1m"}}, real)


def test_a_limit_range_that_nothing_satisfies_is_named(prove: Prove, cluster: FakeCluster) -> None:
    limit = {"type": "Container", "min": {"cpu": "100m"}}
    cluster.put(obj("LimitRange", "small", namespace=NAMESPACE, spec={"limits": [limit]}))
    rejects(cluster, 'pods "x" is forbidden: minimum cpu usage per Container is 100m, but request is 1m', 1000)
    error = failed(prove(wanted(resources={"requests": {"cpu": "2m"}})))
    assert "the LimitRange small rejects the pods of the pull proof" in str(error)


@pytest.mark.parametrize(
    ("status", "message", "is_rejected"),
    [
        (403, "whoever says this", True),
        (422, "whoever says this", True),
        (400, 'admission webhook "w.example.com" denied the request: no', True),
        (404, "the server could not find the requested resource", False),
        (409, "the object has been modified", False),
    ],
)
def test_who_rejects_a_pod_is_told_from_a_server_that_fails(
    prove: Prove, cluster: FakeCluster, status: int, message: str, is_rejected: bool
) -> None:
    rejects(cluster, message, 1000, status)
    error = NotReadyError if is_rejected else ApiError
    with pytest.raises(error):
        prove().run()


def test_a_server_that_fails_ends_the_proof(prove: Prove, cluster: FakeCluster) -> None:
    rejects(cluster, "etcdserver: no leader", 1000, status=500)
    with pytest.raises(ApiError) as caught:
        prove().run()
    assert caught.value.status == 500
    assert caught.value.facts["pull_proof"] == []


def test_a_pod_that_was_created_without_an_answer_is_deleted(prove: Prove, cluster: FakeCluster) -> None:
    def hook(request: Request) -> None:
        if request.method == "POST" and request.path.endswith("/pods"):
            cluster.put(request.body)
            raise UnreachableError("the connection broke")

    cluster.hooks.append(hook)
    with pytest.raises(UnreachableError):
        prove().run()
    assert [request.method for request in cluster.writes] == ["POST", "DELETE"]


def test_pods_of_a_killed_run_are_deleted_and_no_others(prove: Prove, cluster: FakeCluster) -> None:
    cluster.put(obj("Pod", "left", namespace=NAMESPACE, metadata={"labels": {LABEL: "true"}}, spec={"containers": []}))
    other = Key("v1", "Pod", NAMESPACE, "other")
    cluster.put(obj("Pod", "other", namespace=NAMESPACE, metadata={"labels": {"app": "x"}}, spec={"containers": []}))
    prove().run()
    assert [name.name for name in cluster.objects if name.kind == "Pod"] == ["other"]
    del cluster.objects[other]


class Lost(Exception):
    """What ends the run."""


def test_pods_are_deleted_whatever_ends_the_proof(prove: Prove, cluster: FakeCluster) -> None:
    def lose() -> None:
        assert len(pods_of(cluster)) == 1
        raise Lost

    with pytest.raises(Lost):
        prove(go_on=lose).run()


def test_a_pod_that_cannot_be_deleted_is_named(prove: Prove, cluster: FakeCluster) -> None:
    cluster.fail(403, method="DELETE", path="/pods/", message="not allowed")
    proof = prove()
    proof.run()
    [notice] = proof.notices
    assert notice.startswith("Pod ops/conductor-pull-proof-")
    assert "could not be deleted; it ends by itself" in notice
    cluster.hooks.clear()
    for key in [key for key in cluster.objects if key.kind == "Pod"]:
        del cluster.objects[key]


def test_progress_names_what_is_missing(prove: Prove) -> None:
    said: list[str] = []
    steps: Iterator[Fate] = iter([waits("ContainerCreating")] * 3 + [pulled])
    prove(wanted(), wanted(B, group=1), fates={B: lambda pod: next(steps)(pod)}, say=said.append).run()
    assert said[0] == f"0 s  pull proof: 0 of 2 images are there; {A} (amd64): pod is being created"
    assert said[1] == f"1 s  pull proof: 1 of 2 images are there; {B} (amd64): ContainerCreating"
    assert said[-1] == "4 s  all images are on the nodes"


@pytest.mark.parametrize(("status", "pages", "read"), [(None, 2, 2), (None, 9, 5), (410, 9, 3)])
def test_nodes_are_read_in_pages_and_not_all_of_many(
    cluster: FakeCluster, status: int | None, pages: int, read: int
) -> None:
    def answer(request: Request) -> dict[str, Any] | None:
        if not request.path.endswith("/nodes"):
            return None
        number = int(request.query.get("continue", "1"))
        assert request.query["limit"] == "100"
        if status and number == 4:
            raise failure(status)
        following = {"continue": str(number + 1)} if number < pages else {}
        return {"items": [node(f"node-{number}")], "metadata": following}

    cluster.hooks.append(answer)
    names = [found["metadata"]["name"] for found in pull_proof.read_nodes(cluster)]
    assert names == [f"node-{number}" for number in range(1, read + 1)]


@pytest.mark.parametrize("status", [403, 500])
def test_nodes_that_cannot_be_read(cluster: FakeCluster, status: int) -> None:
    cluster.fail(status, method="GET", path="/nodes")
    if status == 403:
        assert pull_proof.read_nodes(cluster) == []
    else:
        with pytest.raises(ApiError):
            pull_proof.read_nodes(cluster)
