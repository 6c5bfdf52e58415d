# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.probes.proof import count_api_servers, rounds_for
from tests.unit.plugins.helpers.builders import api_servers
from tests.unit.plugins.helpers.fakes import FakeCluster


@pytest.mark.parametrize(
    ("addresses", "servers"),
    [
        (["192.0.2.1"], 1),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], 3),
        (["192.0.2.1", "192.0.2.1"], 1),
        # No API server has added its address: assumed.
        ([], 2),
    ],
)
def test_each_address_is_one(addresses: list[str], servers: int) -> None:
    cluster = FakeCluster()
    cluster.objects[key_of(api_servers())] = api_servers(*addresses)
    assert count_api_servers(cluster) == servers


@pytest.mark.parametrize("status", [403, 404])
def test_where_it_may_not_be_read_there_may_be_two(status: int) -> None:
    cluster = FakeCluster()
    cluster.fail(status, method="GET", path="/endpointslices")
    assert count_api_servers(cluster) == 2


def test_a_server_that_fails_is_no_answer() -> None:
    cluster = FakeCluster()
    cluster.fail(500, method="GET")
    with pytest.raises(ApiError):
        count_api_servers(cluster)


@pytest.mark.parametrize("piece", [{"endpoints": None}, {"endpoints": [None, {"addresses": [None, 1]}, {}]}])
def test_odd_slices_do_not_raise(piece: dict[str, object]) -> None:
    cluster = FakeCluster()
    cluster.objects[key_of(api_servers())] = {**api_servers(), **piece}
    assert count_api_servers(cluster) == 2


@pytest.mark.parametrize(("servers", "rounds"), [(0, 2), (1, 2), (2, 20), (3, 35), (5, 62)])
def test_so_many_rounds(servers: int, rounds: int) -> None:
    assert rounds_for(servers) == rounds


@pytest.mark.parametrize("servers", [2, 3, 7])
def test_no_server_is_missed_but_once_in_a_million(servers: int) -> None:
    """Random, with a fixed seed: in 20000 draws none is missed; with two rounds many are."""
    draw = random.Random(7)  # noqa: S311

    def misses(rounds: int) -> int:
        return sum(all(draw.randrange(servers) for _round in range(rounds)) for _draw in range(20000))

    assert misses(rounds_for(servers)) == 0
    assert misses(2) > 1000
