# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that a hostile server sends, and no secret, reaches the screen, the artifact or a file. No cluster needed."""

from __future__ import annotations

import base64
import itertools
import json
import random
import re
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.transport import kind_of
from ansible_collections.conductor.trainer.plugins.module_utils.wire.shapes import wanted_of
from tests.support.playing import Played, play
from tests.unit.plugins.helpers.hostile import ATTACKS, FORMS, control_characters, remains, texts
from tests.unit.plugins.helpers.loopback import Loopback, answer_json

KINDS = texts(random.Random(7))  # noqa: S311
TOKEN, KEY_DATA = KINDS["token"], KINDS["key data"]
SECRETS = [TOKEN, KEY_DATA, KINDS["key"], "hunter2-of-a-pod"]
FORGED = "ok: [forged] => {}"


class Hostile(BaseHTTPRequestHandler):
    """Answers with control characters, forged lines, and whatever it learned about the credentials."""

    # What every request is answered with: "errors" or "objects".
    behaviour = "errors"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer any request."""
        text = self._text()
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.behaviour == "errors":
            answer_json(self, 403 if self.command == "GET" else 422, self._status(text))
        elif "reviews" in self.path:
            review = json.loads(body)
            answer_json(self, 201, {**review, "status": {"allowed": True, "resourceRules": [], "reason": text}})
        elif self.command != "GET":
            answer_json(self, 422, self._status(text))
        elif self.path.startswith("/version"):
            answer_json(
                self, 200, {"major": "1", "minor": "35", "gitVersion": f"v1.35.0+{text[:900]}", "platform": text}
            )
        elif "?" in self.path:
            # The kind and the namespace are right: anything else is not believed.
            wanted = wanted_of("GET", self.path.partition("?")[0], None, kind_of)
            metadata = {
                "name": text[:1000],
                "namespace": wanted.namespace or text,
                "resourceVersion": "1",
                # An object without a valid uid is an odd answer, which ends the run.
                "uid": "c0ffee00-0000-4000-8000-000000000000",
                "labels": {text: text},
                "annotations": {text: text},
            }
            owner = {"kind": text, "name": text, "uid": text, "apiVersion": text, "controller": True}
            item = {
                "metadata": {**metadata, "ownerReferences": [owner], "finalizers": [text], "deletionTimestamp": text},
                "spec": {"nodeName": text, "hard": {text: text}},
                "status": {"phase": text, "conditions": [{"type": text, "status": "True", "message": text}]},
            }
            answer_json(
                self, 200, {"kind": f"{wanted.kind}List", "metadata": {"resourceVersion": "1"}, "items": [item]}
            )
        else:
            answer_json(self, 404, self._status(text, "NotFound"))

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def _text(self) -> str:
        learned = self.headers.get("Authorization", "")
        said = [form(learned.partition(" ")[2] or "none") for form in FORMS.values()]
        return "\n".join(["refused", FORGED, *ATTACKS[:-1], *said, "password=hunter2-of-a-pod", f"at {learned}"])

    def _status(self, text: str, reason: str = "Forbidden") -> dict[str, Any]:
        details = {"name": text, "causes": [{"reason": text, "message": text, "field": text}]}
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": text,
            "reason": reason,
            "details": details,
        }


for verb in ("POST", "PATCH", "PUT", "DELETE"):
    setattr(Hostile, f"do_{verb}", Hostile.do_GET)


def assert_safe(played: Played) -> None:
    output = played.output + played.errors
    # Ansible itself indents statistics with a tab.
    assert control_characters(re.sub(r"(?m)^\t", "", output)) == set()
    assert remains(output, SECRETS) == []
    assert not [line for line in output.splitlines() if line.startswith((FORGED, "Next: curl", "[ERROR]: forged"))]
    assert "Traceback" not in output
    # A play that shows everything twice, and nothing without end.
    assert len(output) < 3_000_000


# Those that make test runs; make evidence runs all.
OFTEN = (("errors", "status", True), ("errors", "install", False), ("objects", "status", True))
EVERY = itertools.product(("errors", "objects"), ("status", "preflight", "install", "uninstall"), (True, False))


@pytest.mark.parametrize(
    ("behaviour", "playbook", "in_process"),
    [pytest.param(*case, marks=[] if case in OFTEN else [pytest.mark.evidence]) for case in EVERY],
)
def test_a_run_with_the_most_output(tmp_path: Path, behaviour: str, playbook: str, in_process: bool) -> None:
    with Loopback(type("Handler", (Hostile,), {"behaviour": behaviour})) as server:
        played = played_with(server, tmp_path, playbook, in_process)
    assert_safe(played)
    # The status is shown, whatever the cluster answers; where nothing of Conductor is, nothing is uninstalled.
    succeeds = playbook == "status" or (behaviour, playbook) == ("objects", "uninstall")
    assert played.code == (0 if succeeds else 2)
    assert "conductor_report" in played.output
    if playbook == "status":
        status = json.loads((tmp_path / "status.json").read_text())
        assert_safe(Played(0, json.dumps(status, ensure_ascii=False), ""))


def played_with(server: Loopback, tmp_path: Path, playbook: str, in_process: bool) -> Played:
    """Run a playbook on this server, with secrets in the kubeconfig and the most output."""
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}, {"name": "v", "user": {"client-key-data": KEY_DATA}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig))
    variables = {
        "conductor_kubeconfig": str(path),
        "conductor_context": "x",
        "conductor_status_file": str(tmp_path / "status.json"),
        "conductor_wait_timeout": 3,
        # Credentials are sent to this machine without encryption.
        "conductor_validate_certs": False,
        "ansible_conductor_in_process": in_process,
    }
    if playbook != "status":
        del variables["conductor_status_file"]
    return play(playbook, variables, "-vvvv", "--diff", environment={"ANSIBLE_SHOW_CUSTOM_STATS": "true"})


def test_a_file_that_cannot_be_read_shows_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    for damage in (f"users: [{{user: {{token: {TOKEN}\n", base64.b64encode(f"token: {TOKEN}".encode()).decode()):
        path.write_text(damage)
        played = play("status", {"conductor_kubeconfig": str(path), "conductor_context": "x"}, "-vvvv")
        assert played.code == 2
        assert_safe(played)
