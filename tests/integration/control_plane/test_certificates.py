# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the user's own against a real API server: who owns a caBundle, and who gets it next."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.provided import with_own_certificates
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.sources import sources
from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.support.control_plane import ControlPlane
from tests.support.fake_kubelet import give_certificates
from tests.support.playing import play
from tests.unit.plugins.helpers.builders import BUNDLE
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.installing import ensure_present

HOME = "kubeflow-system"
YEAR = timedelta(days=365)
_WEBHOOKS = "mutatingwebhookconfigurations,validatingwebhookconfigurations"


@pytest.fixture(scope="module")
def external() -> Bundle:
    """The bundle of the collection, for certificates of the user."""
    return load_bundle(str(BUNDLE), "default", "external")


def give(plane: ControlPlane, bundle: Bundle, authority: Authority) -> None:
    """Somebody puts certificates into the Secrets, with kubectl."""
    items = []
    for source in dict.fromkeys(sources(bundle).values()):
        pair = authority.server("webhook", [source.host])
        values = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority.pem}
        data = {name: base64.b64encode(value).decode() for name, value in values.items()}
        metadata = {"name": source.secret, "namespace": source.namespace}
        items.append({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    manifest = {"apiVersion": "v1", "kind": "List", "items": items}
    plane.kubectl("apply", "--server-side", "--field-manager=somebody", "-f", "-", stdin=json.dumps(manifest))


def trusted(plane: ControlPlane) -> set[bytes]:
    """Every caBundle."""
    return {
        base64.b64decode(webhook["clientConfig"].get("caBundle", ""))
        for configuration in plane.get(_WEBHOOKS)["items"]
        for webhook in configuration["webhooks"]
    }


def secrets(plane: ControlPlane) -> dict[str, Any]:
    """The user's Secrets, whole."""
    found = {item["metadata"]["name"]: item for item in plane.get("secrets", f"--namespace={HOME}")["items"]}
    return {name: found.get(name) for name in ("kubeflow-trainer-webhook-tls", "jobset-webhook-tls")}


def test_without_certificates_nothing_is_written(plane: ControlPlane, external: Bundle) -> None:
    mark = plane.now()
    with pytest.raises(RefusedError, match="certificate_invalid") as caught:
        ensure_present(plane.client(), external)
    assert len(caught.value.facts["blockers"]) == 2
    assert plane.writes_since(mark) == []


def test_an_install_trusts_them_and_follows_a_new_authority(plane: ControlPlane, external: Bundle) -> None:
    first, second = Authority("first", life=YEAR), Authority("second", life=YEAR)
    plane.kubectl("create", "namespace", HOME)
    give(plane, external, first)
    ensure_present(plane.client(), external)
    assert trusted(plane) == {first.pem}
    before = secrets(plane)

    mark = plane.now()
    assert not ensure_present(plane.client(), external)["changed"]
    assert plane.writes_since(mark) == []
    assert secrets(plane) == before

    give(plane, external, second)
    before = secrets(plane)
    result = ensure_present(plane.client(), external)
    assert {verb: len(names) for verb, names in result["actions"].items()} == {"update": 4}
    assert trusted(plane) == {second.pem}

    mark = plane.now()
    assert not ensure_present(plane.client(), external)["changed"]
    assert plane.writes_since(mark) == []
    assert secrets(plane) == before


def test_from_the_controllers_to_the_users_and_back(installed: ControlPlane, bundle: Bundle, external: Bundle) -> None:
    own = Authority("own", life=YEAR)
    give_certificates(installed, HOME)
    (theirs,) = trusted(installed)
    give(installed, external, own)
    before = secrets(installed)

    # Nobody has to be asked for what a controller wrote.
    result = ensure_present(installed.client(), external)
    assert {verb: len(names) for verb, names in result["actions"].items()} == {"update": 8}
    assert trusted(installed) == {own.pem} != {theirs}
    mark = installed.now()
    assert not ensure_present(installed.client(), external)["changed"]
    assert installed.writes_since(mark) == []

    result = ensure_present(installed.client(), bundle)
    assert {verb: len(names) for verb, names in result["actions"].items()} == {"update": 8}
    assert trusted(installed) == {b""}
    # As the controllers do it; from then on it is theirs.
    give_certificates(installed, HOME)
    mark = installed.now()
    assert not ensure_present(installed.client(), bundle)["changed"]
    assert installed.writes_since(mark) == []
    assert secrets(installed) == before


def test_somebody_elses_authority_is_a_conflict(installed: ControlPlane, external: Bundle) -> None:
    give(installed, external, Authority("own", life=YEAR))
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": base64.b64encode(b"x").decode()}]
    name = "validatingwebhookconfiguration/validator.trainer.kubeflow.org"
    installed.kubectl("patch", name, "--type=json", f"-p={json.dumps(patch)}")
    mark = installed.now()
    with pytest.raises(RefusedError, match="kubectl-patch"):
        ensure_present(installed.client(), external)
    assert installed.writes_since(mark) == []
    ensure_present(installed.client(), external, force=True)
    assert len(trusted(installed)) == 1


def test_what_cert_manager_injects_stays(installed: ControlPlane, external: Bundle) -> None:
    give(installed, external, Authority("own", life=YEAR))
    for kind in _WEBHOOKS.split(","):
        installed.kubectl("annotate", kind, "--all", f"cert-manager.io/inject-ca-from={HOME}/webhook")
    give_certificates(installed, HOME)
    injected = trusted(installed)
    result = ensure_present(installed.client(), external)
    assert {verb: len(names) for verb, names in result["actions"].items()} == {"update": 4}
    assert trusted(installed) == injected


def given(bundle: Bundle, authority: Authority) -> dict[str, dict[str, str]]:
    """What a user gives in place of Secrets."""
    found = {}
    for source in dict.fromkeys(sources(bundle).values()):
        pair = authority.server("webhook", [source.host])
        component = "jobset" if source.secret.startswith("jobset") else "trainer"
        found[component] = {"certificate": pair.certificate.decode(), "key": pair.key.decode()}
    return found


def test_pem_that_is_given_is_installed_renewed_kept_and_removed(
    plane: ControlPlane, external: Bundle, tmp_path: Path
) -> None:
    authority = Authority("own", life=YEAR)
    trusting = replace(external, authority=authority.pem.decode())
    first, second = given(external, authority), given(external, authority)
    names = [f"Secret {HOME}/jobset-webhook-tls", f"Secret {HOME}/kubeflow-trainer-webhook-tls"]

    def run(pems: dict[str, Any], *options: str, **more: Any) -> str:
        """As Ansible runs it, with everything that it can be made to say."""
        task = {
            "kubeconfig": "{{ conductor_kubeconfig }}",
            "context": "{{ conductor_context }}",
            "certificates": "external",
            "certificates_ca": authority.pem.decode(),
            "certificates_pem": pems,
            **more,
        }
        path = tmp_path / "play.yml"
        tasks = [{"name": "Install Trainer", "conductor.trainer.trainer_operator": task}]
        path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        done = play(path, plane.variables, "-vvv", "--diff", *options)
        assert done.code == 0, done.text
        for pair in pems.values():
            # Each line, because what is printed may be broken into some.
            body = pair["key"].splitlines()[1:-1]
            encoded = base64.b64encode(pair["key"].encode()).decode()
            assert body
            assert not [secret for secret in [*body, encoded, encoded[40:120]] if secret in done.text]
        return done.text

    assert "kubeflow-trainer-webhook-tls: created" in run(first, "--check")
    run(first)
    stored = secrets(plane)
    assert {secret["type"] for secret in stored.values()} == {"kubernetes.io/tls"}
    assert base64.b64decode(stored["jobset-webhook-tls"]["data"]["tls.key"]).decode() == first["jobset"]["key"]
    assert trusted(plane) == {authority.pem}

    mark = plane.now()
    run(first)
    assert plane.writes_since(mark) == []

    assert "data.tls.key = (not shown)" in run(second, "--check")
    assert secrets(plane) == stored
    assert ensure_present(plane.client(), with_own_certificates(trusting, second))["actions"] == {"update": names}
    stored = secrets(plane)
    assert base64.b64decode(stored["jobset-webhook-tls"]["data"]["tls.key"]).decode() == second["jobset"]["key"]

    # Without the option they stay, because the controllers serve from them.
    mark = plane.now()
    assert not ensure_present(plane.client(), external)["changed"]
    assert plane.writes_since(mark) == []

    run(second, state="absent")
    assert [one for one in plane.get("namespaces")["items"] if one["metadata"]["name"] == HOME] == []


def test_pem_that_is_given_does_not_overwrite_somebody_elses(plane: ControlPlane, external: Bundle) -> None:
    authority = Authority("own", life=YEAR)
    plane.kubectl("create", "namespace", HOME)
    give(plane, external, authority)
    before = secrets(plane)
    mark = plane.now()
    trusting = replace(external, authority=authority.pem.decode())
    with pytest.raises(RefusedError, match=r"kubeflow-trainer-webhook-tls.*managed by another owner"):
        ensure_present(plane.client(), with_own_certificates(trusting, given(external, authority)))
    assert plane.writes_since(mark) == []
    assert secrets(plane) == before
