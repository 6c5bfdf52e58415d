# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.external import (
    certify,
    own_certificates,
)
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.provided import (
    given_certificates,
    with_own_certificates,
)
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.sources import sources
from ansible_collections.conductor.trainer.plugins.module_utils.credentials import secrets_in
from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import without_jobset
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.unit.plugins.helpers.builders import BUNDLE, identified, obj
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.installing import ensure_present

EXTERNAL = load_bundle(str(BUNDLE), "default", "external")
HOME = EXTERNAL.namespace
TRAINER, JOBSET = (Key("v1", "Secret", HOME, name) for name in ("kubeflow-trainer-webhook-tls", "jobset-webhook-tls"))
AUTHORITY = Authority("own", life=timedelta(days=365))
TRUSTING = replace(EXTERNAL, authority=AUTHORITY.pem.decode())


def pems(authority: Authority = AUTHORITY, host: str = "") -> dict[str, dict[str, str]]:
    """Return a user's certificates_pem, with new certificates each time."""
    found = {}
    for source in sources(EXTERNAL).values():
        pair = authority.server("webhook", [host or source.host])
        values = {"certificate": pair.certificate.decode(), "key": pair.key.decode()}
        found["jobset" if source.secret == JOBSET.name else "trainer"] = values
    return found


def foreign(key: Key) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": key.name, "namespace": key.namespace}}


def secrets(bundle: Bundle) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in bundle.objects("Secret") if one.get("data")}


def test_each_pair_becomes_the_mounted_secret() -> None:
    given = pems()
    found = secrets(with_own_certificates(TRUSTING, given))
    assert found.keys() == {TRAINER.name, JOBSET.name}
    secret = found[TRAINER.name]
    assert (secret["type"], secret["metadata"]["namespace"]) == ("kubernetes.io/tls", HOME)
    assert {name: base64.b64decode(value).decode() for name, value in secret["data"].items()} == {
        "tls.crt": given["trainer"]["certificate"],
        "tls.key": given["trainer"]["key"],
        "ca.crt": TRUSTING.authority,
    }


def test_last_line_break_makes_no_difference() -> None:
    given = pems()
    stripped = {name: {part: text.rstrip() for part, text in pair.items()} for name, pair in given.items()}
    assert with_own_certificates(TRUSTING, stripped) == with_own_certificates(TRUSTING, given)


def test_secret_of_a_component_without_a_pair_is_checked() -> None:
    bundle = with_own_certificates(TRUSTING, {"trainer": pems()["trainer"], "jobset": None})
    assert given_certificates(bundle).keys() == {TRAINER.name}
    found = own_certificates(identified(FakeCluster()), bundle)
    assert found[f"Secret {HOME}/{TRAINER.name}"].problem == ""
    assert "does not exist" in found[f"Secret {HOME}/{JOBSET.name}"].problem


def test_certificate_of_an_external_jobset_is_not_written() -> None:
    assert secrets(without_jobset(with_own_certificates(TRUSTING, pems()))).keys() == {TRAINER.name}


@pytest.mark.parametrize("nothing", [None, {}, {"trainer": None, "jobset": None}])
def test_nothing_given_changes_nothing(nothing: Any) -> None:
    assert with_own_certificates(EXTERNAL, nothing) is EXTERNAL


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        (load_bundle(str(BUNDLE)), "set `conductor_certificates: external`"),
        (EXTERNAL, "set certificates_ca"),
    ],
)
def test_useless_certificates_are_rejected(bundle: Bundle, words: str) -> None:
    with pytest.raises(InputError, match=words):
        with_own_certificates(bundle, pems())


def test_key_among_the_certificates_is_rejected_and_hidden() -> None:
    given = pems()
    given["trainer"]["certificate"] += given["trainer"]["key"]
    with pytest.raises(InputError, match=r"certificates_pem\.trainer\.certificate holds a private key") as caught:
        with_own_certificates(TRUSTING, given)
    assert given["trainer"]["key"] not in str(caught.value)
    assert given["trainer"]["certificate"] in secrets_in({"certificates_pem": given})


def test_keys_are_hidden_as_text_and_as_the_api_has_them() -> None:
    given = pems()
    hidden = secrets_in({"certificates_pem": given})
    for name, secret in (("trainer", TRAINER), ("jobset", JOBSET)):
        data = secrets(with_own_certificates(TRUSTING, given))[secret.name]["data"]
        assert {given[name]["key"], data["tls.key"]} <= hidden
        assert data["tls.crt"] not in hidden


@pytest.mark.parametrize("odd", [None, "text", ["list"], {"trainer": "text"}, {"trainer": {"key": 1}}])
def test_malformed_pairs_have_no_secrets(odd: Any) -> None:
    assert secrets_in({"certificates_pem": odd}) == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": pems()["trainer"]["key"]}, "does not belong to its certificate"),
        ({"key": "trainer-key.pem"}, "cannot be read"),
        ({"key": " "}, "has no tls.key"),
        ({"certificate": "trainer.pem"}, "contains no certificate"),
        ({"certificate": pems(host="webhook.elsewhere.svc")["trainer"]["certificate"]}, "is for webhook.elsewhere.svc"),
        ({"certificate": pems(Authority("other"))["trainer"]["certificate"]}, "not signed by"),
    ],
)
def test_invalid_pair_stops_an_install_before_it_writes(change: dict[str, str], words: str) -> None:
    cluster = identified(FakeCluster())
    given = pems()
    given["trainer"].update(change)
    with pytest.raises(RefusedError, match=words) as caught:
        ensure_present(cluster, with_own_certificates(TRUSTING, given))
    assert [one["object"] for one in caught.value.facts["blockers"] if one["code"] == "certificate_invalid"] == [
        f"Secret {HOME}/{TRAINER.name}"
    ]
    assert cluster.writes == []


def test_install_update_and_removal() -> None:
    cluster = identified(FakeCluster())
    first, second = pems(), pems()
    ensure_present(cluster, with_own_certificates(TRUSTING, first))
    assert {TRAINER, JOBSET} <= cluster.objects.keys()
    assert not ensure_present(cluster, with_own_certificates(TRUSTING, first))["changed"]

    foretold = ensure_present(cluster, with_own_certificates(TRUSTING, second), check=True, with_diff=True)
    done = ensure_present(cluster, with_own_certificates(TRUSTING, second), with_diff=True)
    assert done["actions"] == foretold["actions"] == {"update": sorted(map(str, (TRAINER, JOBSET)))}
    assert "data.tls.key = (not shown)" in done["diff"]["after"]
    for result in (foretold, done):
        assert not [one for one in secrets_in({"certificates_pem": second}) if one in str(result)]

    # A later run without certificates_pem keeps the Secrets.
    kept = ensure_present(cluster, EXTERNAL)
    assert (kept["changed"], kept["retained"]) == (False, [])
    assert {TRAINER, JOBSET} <= cluster.objects.keys()

    ensure_absent(cluster, load_bundle(str(BUNDLE)))
    assert not {TRAINER, JOBSET} & cluster.objects.keys()


def test_secret_is_pruned_after_a_change_to_generated() -> None:
    cluster = identified(FakeCluster())
    ensure_present(cluster, with_own_certificates(TRUSTING, pems()))
    result = ensure_present(cluster, load_bundle(str(BUNDLE)))
    assert result["actions"]["prune"] == sorted(map(str, (TRAINER, JOBSET)))


def test_secret_of_another_owner_is_a_blocker_and_stays() -> None:
    cluster = identified(FakeCluster())
    cluster.put(obj("Namespace", TRUSTING.namespace), "somebody")
    cluster.put(foreign(TRAINER), "somebody", "Update")
    with pytest.raises(RefusedError, match=f"{TRAINER}: managed by another owner") as caught:
        ensure_present(cluster, with_own_certificates(TRUSTING, pems()))
    assert cluster.writes == []
    assert "PRIVATE KEY" not in json.dumps(caught.value.facts)


def test_generated_certificates_have_no_given_secrets() -> None:
    plain = load_bundle(str(BUNDLE))
    assert given_certificates(plain) == {}
    assert certify(identified(FakeCluster()), plain, {}).blockers == ()
