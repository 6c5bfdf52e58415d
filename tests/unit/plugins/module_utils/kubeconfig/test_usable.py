# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.model import Content, merged
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.usable import access_of
from tests.unit.plugins.helpers.kubeconfigs import config


@pytest.mark.parametrize("server", ["http://127.0.0.1:8001", "http://localhost"])
def test_a_proxy_on_this_machine_needs_no_credentials(server: str) -> None:
    kubeconfig = merged([Content("file", config({}, server))])
    assert access_of(kubeconfig, "x", "file").address.is_loopback


@pytest.mark.parametrize("server", ["https://127.0.0.1:8001", "http://a.example", "https://a.example"])
def test_another_server_does(server: str) -> None:
    kubeconfig = merged([Content("file", config({}, server))])
    with pytest.raises(TargetError, match="context 'x' of file names user 'u', which brings no credentials"):
        access_of(kubeconfig, "x", "file")
    assert access_of(kubeconfig, "x", "file", own_credentials=True).user_name == "u"


@pytest.mark.parametrize("place", ["cluster", "user", "provider", "twice"])
def test_names_are_shown_within_bounds_and_on_one_line(place: str) -> None:
    name = "n\n\x1b[2J" * 100_000
    value = config({"token": "t"})
    if place == "provider":
        value = config({"auth-provider": {"name": name}})
    elif place == "twice":
        value["users"] = [{"name": name}, {"name": name}]
    else:
        value["contexts"][0]["context"][place] = name
    with pytest.raises(TargetError) as caught:
        access_of(merged([Content("file", value)]), "x", "file")
    assert len(str(caught.value)) < 1000
    assert "\x1b" not in str(caught.value)


def test_what_exists_is_listed_within_bounds() -> None:
    value = config({"token": "t"})
    value["users"] = [{"name": f"user-{number}", "user": {}} for number in range(1000)]
    with pytest.raises(TargetError) as caught:
        access_of(merged([Content("file", value)]), "x", "file")
    assert "user-0" in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("section", ["users", "clusters"])
def test_a_file_without_a_section_is_to_be_exported_again(section: str) -> None:
    value = {**config({"token": "t"}), section: None}
    with pytest.raises(TargetError) as caught:
        access_of(merged([Content("file", value)]), "x", "file")
    assert str(caught.value.next_step).startswith(f"the file has no {section}: export it again with")
