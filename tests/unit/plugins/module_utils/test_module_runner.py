# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.conductor.trainer.plugins.module_utils import module_call
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.credentials import docker_config
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.module_runner import run_module
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.plugin_utils import in_process
from tests.unit.plugins.helpers.arguments import SHOWN, patch_module_args
from tests.unit.plugins.helpers.builders import BUNDLE

CLONE = Path(__file__).resolve().parents[4]
SECRETS = {
    "token": "secret-token-0",
    "client-key-data": "c2VjcmV0LWtleS0w",
    "client-certificate-data": "c2VjcmV0LWNlcnQtMA==",
    "password": "secret-password-0",
}
INLINE = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "https://a.invalid"}}],
    "users": [{"name": "u", "user": {"token": SECRETS["token"], "password": SECRETS["password"]}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
}
TOKEN = {"host": "https://a.invalid", "api_key": "secret-api-key-0"}

Run = Callable[..., dict[str, Any]]


def nothing(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    return {"changed": False, "host": cluster.host, "release": bundle.release}


@pytest.fixture(params=["module", "worker"])
def run(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run an operation as a module or in a process of its own; return the result, with the log under "(log)"."""
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "log", lambda self, msg, log_args=None: logged.append(f"{msg} {log_args}"))

    def as_module(verb: ModuleOperation, arguments: dict[str, Any]) -> Any:
        with patch_module_args(arguments), pytest.raises(SystemExit) as caught:
            run_module(verb)
        result = json.loads(capsys.readouterr().out)
        assert bool(result.get("failed")) is bool(caught.value.code)
        return {**result, "(log)": "\n".join(logged)}

    def in_worker(verb: ModuleOperation, arguments: dict[str, Any]) -> Any:
        settings = {"_ansible_check_mode": False, "_ansible_diff": False, "_ansible_module_name": "verb", **arguments}
        options = {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}
        result = in_process.perform(verb, options, settings, str(scratch))
        assert list(scratch.iterdir()) == []
        assert capsys.readouterr() == ("", "")
        return {**result, "(log)": ""}

    scratch = request.getfixturevalue("tmp_path")

    def call(arguments: dict[str, Any], operation: Any = nothing, options: dict[str, Any] | None = None) -> Any:
        way = as_module if request.param == "module" else in_worker
        return way(ModuleOperation(options or {}, operation), {"bundle": str(BUNDLE), **SHOWN, **arguments})

    return call


def test_an_operation_gets_cluster_and_bundle_and_its_result_is_the_modules(run: Run) -> None:
    result = run(TOKEN)
    assert (result["changed"], result["host"], result["release"]) == (False, "https://a.invalid", "2.3.0")


def test_the_operation_sees_its_own_options(run: Run) -> None:
    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        return {
            "timeout": call.params["timeout"],
            "connections": cluster.connections,
            "runtimes": bundle.names("ClusterTrainingRuntime"),
        }

    arguments = {**TOKEN, "timeout": "7", "concurrency": 3, "runtimes": ["jax-distributed"]}
    result = run(arguments, operation, {"timeout": {"type": "int"}})
    assert (result["timeout"], result["connections"], result["runtimes"]) == (7, 3, ["jax-distributed"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "no cluster is named"),
        ({**TOKEN, "context": "x"}, "both set"),
        ({"kubeconfig": "/nonexistent/config"}, "kubeconfig file not found: /nonexistent/config"),
        ({**TOKEN, "bundle": "/nonexistent/2.3.0.json"}, "/nonexistent/2.3.0.json cannot be read"),
        ({**TOKEN, "runtimes": ["nope"]}, "has no runtime nope"),
        ({**TOKEN, "profile": "loud"}, "value of profile must be one of"),
        ({**TOKEN, "validate_certs": "perhaps"}, "validate_certs"),
    ],
)
def test_bad_input_is_one_failure_with_words(run: Run, arguments: dict[str, Any], words: str) -> None:
    result = run(arguments)
    assert result["failed"] is True
    assert words in result["msg"]
    assert "exception" not in result
    assert "Traceback" not in str(result)


def test_an_error_of_ours_becomes_one_failure_with_its_facts(run: Run) -> None:
    def operation(*_: Any) -> dict[str, Any]:
        raise ConductorError(
            "quota is used up", step="apply", subject="Secret ops/x", next_step="raise it", facts={"written": ["a"]}
        )

    result = run(TOKEN, operation)
    assert result["msg"] == "apply Secret ops/x: quota is used up\nNext: raise it"
    assert result["written"] == ["a"]


def test_check_mode_is_supported(run: Run) -> None:
    result = run({**TOKEN, "_ansible_check_mode": True}, lambda call, cluster, bundle: {"changed": call.check_mode})
    assert result["changed"] is True
    assert "skipped" not in result


def failing(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    raise ConductorError(f"the server said {call.params['api_key']} {call.params['kubeconfig']}")


@pytest.mark.parametrize("operation", [nothing, failing])
@pytest.mark.parametrize("arguments", [TOKEN, {"kubeconfig": INLINE}])
def test_no_secret_of_the_options_is_in_the_output(run: Run, arguments: dict[str, Any], operation: Any) -> None:
    result = run(arguments, operation)
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in str(result)
    output = json.dumps({name: value for name, value in result.items() if name != "(log)"})
    assert not [secret for secret in (*SECRETS.values(), TOKEN["api_key"]) if secret in output]


def test_an_api_key_is_not_logged(run: Run) -> None:
    assert TOKEN["api_key"] not in run(TOKEN)["(log)"]


def test_an_inline_kubeconfig_is_not_logged(run: Run) -> None:
    result = run({"kubeconfig": INLINE})
    assert SECRETS["token"] not in result["(log)"]


@pytest.mark.parametrize(
    "user",
    [
        {"exec": {"command": "login", "env": [{"name": "PASSWORD", "value": "secret-elsewhere-0"}]}},
        {"auth-provider": {"name": "oidc", "config": {"id-token": "secret-elsewhere-0"}}},
        {"auth-provider": {"name": "oidc", "config": {"client-secret": "secret-elsewhere-0"}}},
    ],
)
def test_secrets_in_other_places_of_an_inline_kubeconfig_are_not_in_the_output(run: Run, user: dict[str, Any]) -> None:
    # The context does not exist, so no credentials are loaded.
    kubeconfig = {**INLINE, "users": [{"name": "u", "user": user}]}
    result = run({"kubeconfig": kubeconfig, "context": "other"})
    assert "secret-elsewhere-0" not in str({name: value for name, value in result.items() if name != "(log)"})


def test_the_environment_names_a_cluster_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "https://env.invalid")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "env-token")
    result = run({})
    assert result["host"] == "https://env.invalid"
    assert "env-token" not in str(result)


@pytest.mark.parametrize("run", ["module"], indirect=True)
def test_without_the_kubernetes_library_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    result = run(TOKEN)
    assert "the Python library kubernetes cannot be imported" in result["msg"]
    assert f"{sys.executable} on {platform.node()}" in result["msg"]
    assert f"Next: run `{sys.executable} -m pip install 'kubernetes>={module_call.OLDEST_CLIENT}'`" in result["msg"]
    assert "exception" not in result


@pytest.mark.parametrize("run", ["module"], indirect=True)
def test_with_too_old_a_kubernetes_library_it_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "__version__", "23.6.0")
    assert "the Python library kubernetes 23.6.0 is too old" in run(TOKEN)["msg"]


@pytest.mark.parametrize("run", ["module"], indirect=True)
def test_with_too_old_a_python_it_says_so_and_not_what_to_install_there(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_call, "OLDEST_PYTHON", (99, 1))
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    message = run(TOKEN)["msg"]
    assert f"{sys.executable} on {platform.node()} is Python {platform.python_version()}" in message
    assert "needs Python >= 99.1" in message
    assert "pip install" not in message


@pytest.mark.parametrize("version", [module_call.OLDEST_CLIENT, "24.2.0b1", "36.0.0-snapshot", "100.0"])
def test_other_releases_of_the_kubernetes_library_are_used(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "__version__", version)
    assert module_call.client_error() is None


def test_two_modules_do_not_share_option_specifications(run: Run) -> None:
    run(TOKEN, options={"prove": {"type": "bool"}})
    assert "prove" not in module_call.BUNDLE_ARG_SPEC
    assert "Unsupported parameters" in run({**TOKEN, "prove": True})["msg"]


@pytest.mark.parametrize("operation", [nothing, failing])
def test_a_kubeconfig_as_text_is_used_and_not_shown(run: Run, operation: Any) -> None:
    result = run({"kubeconfig": yaml.safe_dump(INLINE)}, operation)
    assert result.get("host", "https://a.invalid") == "https://a.invalid"
    assert not [secret for secret in SECRETS.values() if secret in str(result)]
    # Values that are no secrets are shown as in a dictionary.
    assert result["invocation"]["module_args"]["kubeconfig"]["clusters"] == INLINE["clusters"]


@pytest.mark.parametrize("text", ["secret-0\nsecret-1\n", "token: secret-0\n  x: [\n"])
def test_a_text_that_is_no_kubeconfig_is_not_shown(run: Run, text: str) -> None:
    result = run({"kubeconfig": text})
    assert "not the content of a kubeconfig" in result["msg"]
    assert "secret-" not in str(result)


@pytest.mark.parametrize("where", ["proxy", "kubeconfig"])
def test_the_password_for_a_proxy_is_not_shown(run: Run, where: str) -> None:
    url = "http://somebody:secret%2Fproxy@proxy.invalid:3128"
    cluster = {"server": "https://a.invalid", "proxy-url": url}
    inline = {**INLINE, "clusters": [{"name": "c", "cluster": cluster}]}
    result = run({**TOKEN, "proxy": url} if where == "proxy" else {"kubeconfig": inline})
    assert "somebody" in str(result)
    assert "secret%2Fproxy" not in str(result)
    assert "secret/proxy" not in str(result)


@pytest.mark.parametrize("arguments", [{"profile": "loud"}, {"nonsense": 1}])
def test_what_does_not_pass_validation_shows_no_secret(run: Run, arguments: dict[str, Any]) -> None:
    result = run({"kubeconfig": INLINE, **arguments})
    assert result["failed"] is True
    assert "https://a.invalid" in str(result)
    assert not [secret for secret in SECRETS.values() if secret in str(result)]


# A module in a process with Ansible warns on the screen instead.
@pytest.mark.parametrize("run", ["worker"], indirect=True)
def test_an_option_and_its_alias_are_warned_of(run: Run) -> None:
    result = run({**TOKEN, "validate_certs": True, "verify_ssl": True})
    assert "Both option validate_certs and its alias verify_ssl are set." in str(result["warnings"])


# A module in a process with Ansible warns on the screen instead.
@pytest.mark.parametrize("run", ["worker"], indirect=True)
def test_a_warning_of_an_operation_is_in_the_result(run: Run) -> None:
    def operation(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        call.warn("its certificate is old")
        return {"changed": True}

    result = run(TOKEN, operation)
    assert "its certificate is old" in str(result["warnings"])


# A module that writes a key to a temporary file, and starts a program, as with a credential plugin.
MODULE = """
import json, os, signal, subprocess, sys, tempfile
from ansible.module_utils import basic
from ansible_collections.conductor.trainer.plugins.module_utils import module_runner
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import ModuleOperation
from tests.unit.plugins.helpers.arguments import patch_module_args

arguments = {"host": "https://a.invalid", "api_key": "secret-api-key-0", "bundle": sys.argv[1]}
arguments["_ansible_remote_tmp"] = sys.argv[2]

def operation(call, cluster, bundle):
    handle, path = tempfile.mkstemp()
    os.write(handle, b"secret key")
    print("ready", flush=True)
    subprocess.run(["sleep", "600"], pass_fds=[int(sys.argv[3])])

with patch_module_args(arguments):
    module_runner.run_module(ModuleOperation({}, operation))
"""


@pytest.mark.parametrize("how", ["terminated", "hung up", "the worker is killed"])
def test_a_module_that_is_ended_leaves_no_file(tmp_path: Path, how: str, request: pytest.FixtureRequest) -> None:
    reading, writing = os.pipe()
    worker = subprocess.Popen(["sleep", "600"])
    request.addfinalizer(worker.wait)
    request.addfinalizer(worker.kill)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(CLONE)])}
    environment["CONDUCTOR_PARENTS"] = f"{worker.pid},{os.getpid()}"
    command = [sys.executable, "-c", MODULE, str(BUNDLE), str(tmp_path), str(writing)]
    module = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[writing], env=environment)
    request.addfinalizer(module.kill)
    os.close(writing)
    assert module.stdout is not None
    assert module.stdout.readline() == "ready\n"
    assert len(list(tmp_path.glob("conductor-*/*"))) == 1
    if how == "the worker is killed":
        worker.kill()
        worker.wait()
        # Waits as long as the module or its program is alive.
        assert os.read(reading, 1) == b""
    else:
        module.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGHUP)
    shown, _errors = module.communicate()
    os.close(reading)
    assert list(tmp_path.iterdir()) == []
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"host": "http://127.0.0.1:1", "api_key": "t0ken", "validate_certs": False}, "without encryption"),
        ({"host": "https://a.invalid", "api_key": "t0ken", "validate_certs": False}, "without verifying"),
        (
            {"host": "https://a.invalid", "api_key": "t0ken", "verify_ssl": "no"},
            "without verifying",
        ),
        ({"host": "https://a.invalid", "api_key": "t0ken"}, ""),
    ],
)
@pytest.mark.parametrize("run", ["worker"], indirect=True)
def test_credentials_that_others_could_read_are_warned_of(run: Run, arguments: dict[str, Any], words: str) -> None:
    warnings = run(arguments).get("warnings", [])
    assert len(warnings) == bool(words)
    assert words in "".join(warnings)
    assert not words or arguments["host"] in warnings[0]
    assert "t0ken" not in str(warnings)


PULL = {"image_pull_credentials": {"m.io": {"username": "kubeflow", "password": "swordfish"}}}


def telling(call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
    [secret] = [one for one in bundle.objects() if one["metadata"]["name"] == "conductor-image-pull"]
    call.warn(f"the server said {secret['data']}, password is swordfish")
    return {"changed": False, "objects": bundle.objects(), "home": "kubeflow-system", "options": bundle.options}


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("operation", [telling, failing])
def test_credentials_of_registries_are_in_no_output_but_words_are(run: Run, operation: Any, level: int) -> None:
    result = run({**TOKEN, "customize": PULL, "_ansible_verbosity": level}, operation)
    secret = docker_config(PULL["image_pull_credentials"])
    auth = base64.b64encode(b"kubeflow:swordfish").decode()
    assert not [word for word in ("swordfish", secret, auth) if word in json.dumps(result)]
    # The username is a word of many results.
    assert result.get("home", "kubeflow-system") == "kubeflow-system"
    assert "m.io" in str(result["invocation"]["module_args"]["customize"])


def test_credentials_that_fail_validation_are_not_shown(run: Run) -> None:
    result = run({**TOKEN, "customize": {"image_pull_credentials": {"m.io": {"pasword": "swordfish"}}}})
    assert "m.io has no username and password" in result["msg"]
    assert "swordfish" not in json.dumps(result)
