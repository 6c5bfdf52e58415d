# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that leaves for a person, generated: no secret, no control character, no forged line."""

from __future__ import annotations

import json
import random
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.conductor.trainer.plugins.filter.blockers import blockers
from ansible_collections.conductor.trainer.plugins.filter.drift import drift
from ansible_collections.conductor.trainer.plugins.filter.findings import findings
from ansible_collections.conductor.trainer.plugins.filter.removal import removal
from ansible_collections.conductor.trainer.plugins.filter.report import report
from ansible_collections.conductor.trainer.plugins.filter.screen import screen
from ansible_collections.conductor.trainer.plugins.filter.status import status
from ansible_collections.conductor.trainer.plugins.filter.summary import summary
from ansible_collections.conductor.trainer.plugins.filter.unhealthy import unhealthy
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError, listed
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.module_runner import run_module
from ansible_collections.conductor.trainer.plugins.module_utils.output import Outlet
from ansible_collections.conductor.trainer.plugins.module_utils.redaction import Secrets
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.plugin_utils import in_process
from tests.unit.plugins.filter.test_report import APPLIED, RUNTIMES, WAITED
from tests.unit.plugins.filter.test_status import healthy
from tests.unit.plugins.helpers.arguments import SHOWN, patch_module_args
from tests.unit.plugins.helpers.builders import BUNDLE
from tests.unit.plugins.helpers.hostile import control_characters, hostile_text, leaves, remains, texts, with_text

ROUNDS = 12


def planted(generator: random.Random, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return options that name a cluster, with secrets in options and files of one form, and the secrets."""
    kinds = texts(generator)
    token, password, key_data = kinds["token"], kinds["odd password"], kinds["key data"]
    pem = kinds["key"]
    user = {
        "token": token,
        "username": "me",
        "password": password,
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "login",
            "args": [f"--client-secret={kinds['encoded token']}"],
            "env": [{"name": "A", "value": f"{token[::-1]}"}],
        },
    }
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "c", "cluster": {"server": "https://a.invalid", "proxy-url": f"http://me:{token[3:]}@p.invalid"}}
        ],
        "users": [
            {"name": "u", "user": {"token": token}},
            {"name": "v", "user": {**user, "client-key-data": key_data}},
        ],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / f"config-{generator.random()}"
    path.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    key = folder / "key.pem"
    key.write_text(pem, encoding="utf-8")
    named = {"host": "https://a.invalid"}
    inline = [token, password, key_data, kinds["encoded token"], token[::-1]]
    options: list[tuple[dict[str, Any], list[str]]] = [
        ({"kubeconfig": str(path)}, inline),
        ({"kubeconfig": kubeconfig}, inline),
        ({"kubeconfig": yaml.safe_dump(kubeconfig)}, inline),
        ({"kubeconfig": json.dumps(kubeconfig)}, inline),
        ({"host": "https://a.invalid", "api_key": token}, [token]),
        ({"host": f"https://me:{token}@a.invalid", "api_key": password}, [token, password]),
        ({"host": "https://a.invalid", "username": "me", "password": password}, [password]),
        ({**named, "api_key": token, "proxy": f"http://me:{token[::-1]}@p.invalid"}, [token[::-1]]),
        ({**named, "api_key": token, "client_key": str(key), "client_cert": str(key)}, [token, pem]),
        ({**named, "api_key": token, "proxy_headers": {"proxy_basic_auth": f"me:{password}"}}, [token, password]),
    ]
    return options[generator.randrange(len(options))]


@pytest.fixture(params=["module", "worker"])
def run(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run an operation as a module or in a process; return its result, and the lines of progress."""
    monkeypatch.setattr(AnsibleModule, "log", lambda *_, **__: None)
    scratch = request.getfixturevalue("tmp_path") / "scratch"
    scratch.mkdir()

    def call(arguments: dict[str, Any], operation: Any) -> tuple[dict[str, Any], list[str]]:
        lines: list[str] = []
        arguments = {"bundle": str(BUNDLE), **arguments}
        if request.param == "module":
            with patch_module_args({**SHOWN, **arguments}), pytest.raises(SystemExit):
                run_module(ModuleOperation({}, operation))
            captured = capsys.readouterr()
            # A module in a process with Ansible warns on the screen instead.
            return json.loads(captured.out), captured.err.splitlines()
        settings = {"_ansible_check_mode": False, "_ansible_diff": True, "_ansible_module_name": "verb", **SHOWN}
        operated = ModuleOperation({}, operation)
        return in_process.perform(operated, arguments, settings, str(scratch), lines.append), lines

    return call


@pytest.mark.parametrize("ending", ["succeeds", "fails", "breaks", "cannot connect"])
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_task_shows_no_secret_and_no_control_character(
    run: Callable[..., Any], tmp_path: Path, round_: int, ending: str
) -> None:
    generator = random.Random(f"{round_} {ending}")  # noqa: S311
    arguments, secrets = planted(generator, tmp_path)
    if ending == "cannot connect":
        arguments["context" if "kubeconfig" in arguments else "ca_cert"] = hostile_text(generator, secrets).replace(
            "\ud800", ""
        )

    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        def text() -> str:
            return hostile_text(generator, secrets)

        call.say(text())
        call.warn(text())
        result = {
            "changed": True,
            "checks": [{"evidence": text(), text(): text()}],
            "logs": {text(): [text(), text()]},
            "diff": {"before": text(), "after": text()},
            "progress": [text()],
            "deep": [[[[text()]]]],
        }
        if ending == "succeeds":
            return result
        if ending == "breaks":
            raise KeyError(text())
        raise ConductorError(
            listed(text(), [text(), text()]), step=text(), subject=text(), next_step=text(), facts=result
        )

    result, lines = run(arguments, operation)
    if ending != "succeeds":
        assert result["failed"] is True
    shown = [*leaves(result), *lines]
    assert {name for text in shown for name in control_characters(text)} == set()
    assert [found for text in shown for found in remains(text, secrets)] == []
    assert not [line for line in lines if "\n" in line]
    # Only the first line and the next step begin at the left.
    below = result.get("msg", "").split("\n")[1:]
    assert len([line for line in below if not line.startswith("  ")]) <= 1
    assert not [line for line in below if not line.startswith(("  ", "Next: "))]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_screen_shows_no_control_character_and_no_forged_line(round_: int) -> None:
    generator = random.Random(round_)  # noqa: S311

    def text() -> str:
        return hostile_text(generator, ["secret"])

    keep = frozenset({"health", "state", "code", "actions", "days_left", "phase"})
    info = with_text({**healthy(), "blockers": [FINDING, FINDING], "warnings_found": [FINDING]}, text, keep)
    removed = with_text(REMOVED, text)
    applied, waited, proven = (with_text(part, text, keep) for part in (APPLIED, WAITED, RUNTIMES))
    smoke = with_text(SMOKE, text, keep)
    screens = {
        "findings": (findings(info), r"Trainer |  (blocker|warning) "),
        "blockers": (blockers(info), r"an install would fail: |Next: "),
        "screen": (screen(status(info)), "[A-Z][A-Za-z]+ |    "),
        "error": (screen(status({"failed": True, "msg": text()})), "Health |    "),
        "unhealthy": (unhealthy(status({"failed": True, "msg": text()})), "the |  |Next: "),
        "removal": (removal(removed), "Trainer |Cluster |Deleted|Finalizer|Retained|Took |  "),
        "report": (
            report({"apply": applied, "wait": waited, "runtimes": proven, "smoke job": smoke}),
            "Trainer |Cluster |Controllers|ClusterTrainingRuntimes|Steps|  ",
        ),
        "drift": (drift({"actions": {"update": [text(), text()]}}), "2 objects |Next: "),
    }
    for name, (shown, beginnings) in screens.items():
        assert control_characters(shown) == set(), name
        assert not [line for line in shown.split("\n") if not re.match(beginnings, line)], name
    for artifact in (
        summary({"apply": applied, "wait": waited, "inspect": info, "smoke job": smoke}, "2.3.0"),
        summary({"apply": {"failed": True, "msg": text(), "blockers": info["blockers"]}}, "2.3.0"),
    ):
        assert {name for found in leaves(artifact) for name in control_characters(found)} == set()


FINDING = {"code": "quota_exceeded", "object": "o", "cause": "c", "next_step": "n"}
REMOVED = {
    "existed": True,
    "release": "2.3.0",
    "namespace": "n",
    "kubernetes": "1",
    "cluster_uid": "u",
    "counts": {"Secret": 2},
    "finalizers_removed": ["a"],
    "retained": ["a", "b"],
    "elapsed": 6.04,
}
SMOKE = {
    "phase": "complete",
    "pods": [{}, {}],
    "logs": {"a": ["x"], "b": ["y"]},
    "timeline": [{"seconds": 1.0}],
    "retained": ["r"],
    "elapsed": 2.0,
}


def test_text_that_looks_secret_is_hidden_where_we_quote_and_shown_in_logs_that_people_asked_for() -> None:
    said = "password=hunter2 failed"
    shown = Outlet().result({"cause": said, "checks": [said], "logs": {"pod": [said, "\x1b[2J"]}})
    assert shown["cause"] == "password=(hidden) failed"
    assert shown["checks"] == ["password=(hidden) failed"]
    assert shown["logs"] == {"pod": [said, r"\x1b[2J"]}
    assert Outlet().line(said) == Outlet().paragraph(said) == "password=(hidden) failed"


def test_known_secrets_are_hidden_in_logs_too() -> None:
    shown = Outlet(Secrets(["T0ken-of-ours"])).result({"logs": {"pod": ["got T0ken-of-ours"]}})
    assert shown["logs"] == {"pod": ["got ********"]}


def test_a_secret_is_hidden_before_a_text_is_cut() -> None:
    outlet = Outlet(Secrets(["T0ken-of-ours"]))
    for length in range(2950, 3050):
        shown = outlet.result({"cause": "x" * length + " T0ken-of-ours password=hunter2hunter2 " + "y" * 9000})["cause"]
        assert "T0ken" not in shown
        assert "hunter2" not in shown


def test_a_secret_at_a_cut_of_a_huge_text_is_not_shown() -> None:
    for length in range(49_100, 49_200, 7):
        shown = Outlet().paragraph("x" * length + " password=" + "hunter2" * 40 + " " + "y" * 200_000)
        assert "hunter2" not in shown


def test_huge_texts_and_results_are_bounded() -> None:
    name = "x" * 10_000_000
    error = ConductorError(name, step=name, subject=name, next_step=name, facts={"objects": [name] * 200})
    outlet = Outlet()
    tracemalloc.start()
    message = outlet.message(error)
    shown = outlet.result({"msg": message, "blockers": [{"object": name}] * 500, name: name, **error.facts})
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(message) < 20_000
    assert "10000000 characters, cut here" in message
    assert max(map(len, leaves(shown))) <= 10_000
    assert len(json.dumps(shown)) < 5_000_000
    assert used < 200_000_000


def test_a_structure_without_end_is_cut() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert "nested too deeply" in json.dumps(Outlet().result({"a": endless}))


def test_a_message_keeps_its_shape() -> None:
    error = ConductorError(
        listed("missing permissions:", ["get pods", "list\njobs"]),
        step="check",
        subject="Pod a",
        next_step="grant\nthem",
    )
    assert Outlet().message(error) == (
        "check Pod a: missing permissions:\n  get pods\n  list\n  jobs\nNext: grant\n  them"
    )


INVISIBLE: dict[str, Callable[[str], str]] = {
    "zero width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "colour in it": lambda text: f"{text[:7]}\x1b[1;31m{text[7:]}\x1b[0m",
    "colour around it": lambda text: f"\x1b[36m{text}\x1b[0m",
    "one-byte codes": lambda text: f"\x9b1m{text[:5]}\x9b0m{text[5:]}",
    "backspaces": "\x08".join,
    "bidirectional": lambda text: f"\u202d{text[:9]}\u202c{text[9:]}",
}


@pytest.mark.parametrize("kind", INVISIBLE)
@pytest.mark.parametrize("exit_", ["line", "paragraph", "result", "log"])
def test_a_secret_with_invisible_characters_is_hidden(kind: str, exit_: str) -> None:
    secret = texts(random.Random(5))["token"]  # noqa: S311
    outlet = Outlet(Secrets([secret]))
    text = f"said {INVISIBLE[kind](secret)} again"
    exits: dict[str, Callable[[str], str]] = {
        "line": outlet.line,
        "paragraph": outlet.paragraph,
        "result": lambda text: str(outlet.result({"cause": text})["cause"]),
        "log": lambda text: str(outlet.result({"logs": [text]})["logs"][0]),
    }
    shown = exits[exit_](text)
    assert shown.startswith("said ")
    assert shown.endswith(" again")
    assert "".join(char for char in shown if char.isalnum()) == "saidagain"


@pytest.mark.parametrize("between", ["\x1b[0m", "\u200b", "\x1b[0m\x1b[1m", "\u00ad"])
def test_colours_between_a_name_and_its_value_hide_nothing_from_the_search(between: str) -> None:
    text = f"level=info \x1b[36mpassword{between}={between}hunter2-of-a-pod done"
    assert "hunter2" not in Outlet().paragraph(text)
    # Without a secret, what a terminal would hide is shown.
    assert Outlet().paragraph("a\x1b[36mb\u200b") == r"a\x1b[36mb\u200b"
