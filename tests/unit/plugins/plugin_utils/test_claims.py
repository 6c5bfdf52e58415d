# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.conductor.trainer.plugins.plugin_utils.claims import claims_of

HOSTS = ["berlin", "tokyo", "lima"]


def test_a_cluster_is_of_the_host_that_claims_it_first(tmp_path: Path) -> None:
    berlin, tokyo = (claims_of(str(tmp_path), HOSTS, host) for host in ("berlin", "tokyo"))
    assert berlin("one") == ""
    assert berlin("one") == ""
    assert tokyo("one") == "berlin"
    assert tokyo("two") == ""
    assert berlin("two") == "tokyo"


def test_plays_with_other_hosts_do_not_meet(tmp_path: Path) -> None:
    assert claims_of(str(tmp_path), HOSTS, "berlin")("one") == ""
    assert claims_of(str(tmp_path), ["localhost", "x"], "localhost")("one") == ""


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    hosts = [f"host-{number}" for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda host: claims_of(str(tmp_path), hosts, host)("one"), hosts))
    (winner,) = [host for host, other in zip(hosts, found, strict=True) if not other]
    assert {other for other in found if other} == {winner}
    # Only the claim stays.
    assert len(list(tmp_path.glob("*/*"))) == 1
