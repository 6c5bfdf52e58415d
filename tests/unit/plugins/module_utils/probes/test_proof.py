# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proofs over several API servers: an API server that is behind is always found."""

from __future__ import annotations

import itertools
import random
import threading
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.serving import ServingCertificates
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.probes.proof import Proof
from tests.unit.plugins.helpers.builders import DENIAL, SECRET, VALIDATOR, api_servers, bundle, serving
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure


class Balanced(FakeCluster):
    """Several API servers; each new connection reaches a random one."""

    def __init__(self, servers: int, seed: int) -> None:
        super().__init__()
        self.__dict__.update(serving(bundle()).__dict__)
        addresses = [f"192.0.2.{number}" for number in range(servers)]
        self.objects[key_of(api_servers())] = api_servers(*addresses)
        self.behind: set[int] = set()
        self.reached: list[int] = []
        self.hooks[:] = [self.hook]
        self._draw = random.Random(seed)  # noqa: S311
        self._servers = servers
        self._here = threading.local()

    def fresh(self) -> Balanced:
        super().fresh()
        self._here.server = self._draw.randrange(self._servers)
        self.reached.append(self._here.server)
        return self

    def each(self, function: Any, items: Any) -> list[Any]:
        """Send the requests one after the other, so that the connection of a round is known."""
        return [function(item) for item in items]

    def hook(self, request: Request) -> dict[str, Any] | None:
        if request.method != "POST":
            return None
        if self._here.server in self.behind:
            return {"kind": "TrainJob"}
        raise failure(400, message=DENIAL)


def proof(cluster: FakeCluster) -> Proof:
    return Proof(cluster, bundle(), ServingCertificates(cluster, bundle()))


def posts(cluster: FakeCluster) -> int:
    return sum(request.method == "POST" for request in cluster.requests)


@pytest.mark.parametrize(("servers", "rounds"), [(1, 2), (2, 20), (3, 35)])
def test_as_many_rounds_as_there_may_be_servers(servers: int, rounds: int) -> None:
    cluster = Balanced(servers, 1)
    tried = proof(cluster)
    assert all(verdict.ready for verdict in tried.verdicts([cluster.objects[VALIDATOR]]))
    assert tried.row() == {"api_servers": servers, "rounds": rounds}
    assert (posts(cluster), set(cluster.reached)) == (rounds, set(range(servers)))


def test_api_servers_are_counted_once() -> None:
    cluster = Balanced(2, 1)
    tried = proof(cluster)
    for _time in range(2):
        assert all(verdict.ready for verdict in tried.verdicts([cluster.objects[VALIDATOR]]))
    counts = [request for request in cluster.requests if "/namespaces/default/endpointslices" in request.path]
    assert len(counts) == 1


@pytest.mark.parametrize("servers", [2, 3])
def test_one_server_that_is_behind_is_found_whichever_answers_first(servers: int) -> None:
    for seed in range(300):
        cluster = Balanced(servers, seed)
        cluster.behind = {0}
        verdicts = proof(cluster).verdicts([cluster.objects[VALIDATOR]])
        assert [verdict.evidence for verdict in verdicts] == ["it accepted an invalid object: not active yet"]


def test_the_first_failure_ends_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Balanced(2, 0)
    order = itertools.chain([0, 0, 0, 1], itertools.repeat(0))
    monkeypatch.setattr(cluster._draw, "randrange", lambda _servers: next(order))
    cluster.behind = {1}
    assert not proof(cluster).verdicts([cluster.objects[VALIDATOR]])[0].ready
    assert posts(cluster) == 4


def test_after_a_failure_one_probe_asks_until_it_succeeds() -> None:
    cluster = Balanced(1, 0)
    cluster.behind = {0}
    tried = proof(cluster)
    for count in range(1, 5):
        (verdict,) = tried.verdicts([cluster.objects[VALIDATOR]])
        assert (verdict.rule, verdict.ready, posts(cluster)) == ("probe: denied", False, count)
    cluster.behind = set()
    assert [verdict.rule for verdict in tried.verdicts([cluster.objects[VALIDATOR]])] == [
        "certificate",
        "probe: denied",
    ]
    # The repeated probe and two complete rounds.
    assert posts(cluster) == 4 + 1 + 2


def test_a_server_that_is_away_is_asked_again() -> None:
    cluster = Balanced(1, 0)
    tried = proof(cluster)
    cluster.hooks.insert(0, hook := failing_list)
    (verdict,) = tried.verdicts([cluster.objects[VALIDATOR]])
    assert (verdict.subject, verdict.state) == ("API server", "unknown")
    cluster.hooks.remove(hook)
    assert all(verdict.ready for verdict in tried.verdicts([cluster.objects[VALIDATOR]]))


def failing_list(request: Request) -> None:
    if request.path.endswith("/clustertrainingruntimes"):
        raise failure(503)


def test_a_certificate_that_is_not_good_yet_is_looked_at_again() -> None:
    cluster = Balanced(1, 0)
    data = cluster.objects[SECRET].pop("data")
    clock = iter(range(100))
    tried = Proof(cluster, bundle(), ServingCertificates(cluster, bundle(), monotonic=lambda: float(next(clock))))
    (verdict,) = tried.verdicts([cluster.objects[VALIDATOR]])
    assert (verdict.rule, verdict.ready) == ("certificate", False)
    before = posts(cluster)
    assert [verdict.rule for verdict in tried.verdicts([cluster.objects[VALIDATOR]])] == ["certificate"]
    # The webhooks themselves work: their pods are not touched.
    assert posts(cluster) == before
    cluster.objects[SECRET]["data"] = data
    assert len(tried.verdicts([cluster.objects[VALIDATOR]])) == 2
