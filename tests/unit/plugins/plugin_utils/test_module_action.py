# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError
from ansible_collections.conductor.trainer.plugins.modules.trainer_operator import OPERATION
from ansible_collections.conductor.trainer.plugins.plugin_utils import in_process, module_action
from ansible_collections.conductor.trainer.plugins.plugin_utils.module_action import ModuleAction
from tests.unit.plugins.helpers.builders import BUNDLE


class Action:
    """The action plugin, with replacements for everything that Ansible provides."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, transport: str, **arguments: Any) -> None:
        # The arguments of each module call and of each operation without a module.
        self.executed: list[dict[str, Any]] = []
        self.done: list[dict[str, Any]] = []
        self.claims: list[str] = []
        self.files = {"/play/files/config": "/play/files/config"}
        self.loader = Mock(get_real_file=lambda path: f"/decrypted{path}" if "vault" in path else path)
        self.task_vars: dict[str, Any] = {}
        # The progress lines in the result of a wait.
        self.said: dict[str, Any] = {}
        self.environment: dict[str, Any] = {}
        # Like Ansible, which writes an environment into a command line and prints it.
        self.command_lines: list[str] = []
        shell = SimpleNamespace(tmpdir="/remote/tmp", join_path=os.path.join, env_prefix=self.env_prefix)
        action: Any = ModuleAction.__new__(ModuleAction)
        action.operation = OPERATION
        action._display = Mock()
        action._update_module_args = lambda name, settings, task_vars: settings.update(name=name)
        action._task = SimpleNamespace(
            action="x", args=arguments, async_val=0, environment=[self.environment], delegate_to=None
        )
        action._templar = SimpleNamespace(template=lambda value: value)
        action._connection = SimpleNamespace(transport=transport, _shell=shell, become=None)
        action._loader = self.loader
        action._transfer_file = self.transfer = Mock()
        action._fixup_perms2 = Mock()
        action._remove_tmp_path = self.removed = Mock()
        action._find_needle = self.find
        action._execute_module = self.execute
        monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
        monkeypatch.setattr(in_process, "perform", self.perform)
        self.action = action

    def env_prefix(self, **environment: Any) -> str:
        """Return the assignments of a command line."""
        return " ".join(f"{name}={value}" for name, value in environment.items())

    def find(self, folder: str, path: str) -> str:
        """Return the file on the control node."""
        if path not in self.files:
            raise AnsibleError(f"could not find {path}")
        return self.files[path]

    def execute(self, *, module_args: dict[str, Any], task_vars: dict[str, Any], wrap_async: int) -> dict[str, Any]:
        """Record the call in place of running the module."""
        self.executed.append(module_args)
        self.task_vars = task_vars
        line = self.action._compute_environment_string()
        # The processes with which a module on this machine ends.
        local = self.action._connection.transport == "local" and not wrap_async
        assert ("CONDUCTOR_PARENTS=" in line) is local
        self.command_lines.append(re.sub(r" ?CONDUCTOR_PARENTS=[\d,]+", "", line))
        return {"changed": True, **self.said}

    def perform(
        self,
        operation: Any,
        arguments: dict[str, Any],
        settings: dict[str, Any],
        scratch: str,
        say: Callable[[str], None],
        claim: Callable[[str], str],
    ) -> dict[str, Any]:
        """Record the call in place of running the operation."""
        self.claims.append(claim("a-uid"))
        assert (operation, settings) == (OPERATION, {"name": "x"})
        self.done.append(arguments)
        for line in self.said.get("progress", []):
            say(line)
        return {"changed": True, **self.said}

    @property
    def shown(self) -> list[str]:
        """Return the displayed lines."""
        return [call.args[0] for call in self.action._display.display.call_args_list]

    def run(self, **task_vars: Any) -> dict[str, Any]:
        """Run the action, and return the arguments of its module."""
        assert self.action.run(task_vars={"ansible_conductor_in_process": "no", **task_vars}) == {"changed": True}
        return self.executed[-1]

    def run_here(self, **task_vars: Any) -> bool:
        """Return whether the action runs without a module."""
        assert self.action.run(task_vars=task_vars) == {"changed": True}
        assert len(self.done) + len(self.executed) == 1
        return bool(self.done)


@pytest.mark.parametrize("in_process", ["yes", "no"])
def test_progress_is_shown_once_with_the_host_it_is_about(monkeypatch: pytest.MonkeyPatch, in_process: str) -> None:
    action = Action(monkeypatch, "local", context="a")
    action.said = {"progress": ["1 s  waiting", "2 s  done"]}
    action.action.run(task_vars={"ansible_conductor_in_process": in_process, "inventory_hostname": "berlin"})
    assert len(action.done) == (in_process == "yes")
    assert action.shown == ["berlin  1 s  waiting", "berlin  2 s  done"]


@pytest.mark.parametrize(
    ("hosts", "by_role", "claims"), [(2, True, ["", "berlin"]), (1, True, ["", ""]), (2, False, ["", ""])]
)
def test_a_host_of_the_role_claims_its_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hosts: int, by_role: bool, claims: list[str]
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    action = Action(monkeypatch, "local", context="a")
    for host in ("berlin", "tokyo"):
        task_vars = {"ansible_play_hosts_all": ["berlin", "tokyo"][:hosts], "inventory_hostname": host}
        action.action.run(task_vars={**task_vars, **({"__conductor_target": "x"} if by_role else {})})
    assert action.claims == claims


def test_an_unknown_release_is_an_error_that_lists_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        Action(monkeypatch, "local", context="a", release="9.9.9").run()
    assert "'9.9.9'" in str(caught.value)
    assert "use one of: 2.3.0" in str(caught.value)


def test_with_a_local_connection_nothing_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "local", context="a", kubeconfig="/play/files/config")
    arguments = action.run()
    assert Path(arguments["bundle"]).samefile(BUNDLE)
    assert arguments["kubeconfig"] == "/play/files/config"
    assert action.task_vars["ansible_python_interpreter"] == sys.executable
    action.transfer.assert_not_called()
    action.removed.assert_called_once()


def test_an_interpreter_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "local", context="a")
    action.run(ansible_python_interpreter="/usr/bin/python3")
    assert action.task_vars["ansible_python_interpreter"] == "/usr/bin/python3"


def test_to_another_machine_bundle_and_kubeconfig_are_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "ssh", kubeconfig="/play/files/config")
    arguments = action.run()
    assert arguments["bundle"] == "/remote/tmp/2.3.0.json"
    assert arguments["kubeconfig"] == "/remote/tmp/kubeconfig-config"
    assert [call.args[1] for call in action.transfer.call_args_list] == [
        "/remote/tmp/2.3.0.json",
        "/remote/tmp/kubeconfig-config",
    ]
    assert "ansible_python_interpreter" not in action.task_vars


@pytest.mark.parametrize("path", ["/only/there/config", "/a/config:/b/config"])
def test_a_kubeconfig_of_the_other_machine_is_left_alone(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    action = Action(monkeypatch, "ssh", kubeconfig=path)
    assert action.run()["kubeconfig"] == path


def test_a_folder_is_not_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    action = Action(monkeypatch, "ssh", kubeconfig=str(tmp_path))
    action.files[str(tmp_path)] = str(tmp_path)
    assert action.run()["kubeconfig"] == str(tmp_path)


@pytest.mark.parametrize("kubeconfig", [{"contexts": []}, None, "", "apiVersion: v1\nkind: Config\n"])
def test_other_kinds_of_kubeconfig_are_passed_on(monkeypatch: pytest.MonkeyPatch, kubeconfig: Any) -> None:
    assert Action(monkeypatch, "ssh", kubeconfig=kubeconfig).run()["kubeconfig"] == kubeconfig


def test_a_bundle_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "ssh", bundle="/there/b.json", release="9.9.9")
    assert action.run()["bundle"] == "/there/b.json"
    action.transfer.assert_not_called()


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_a_decrypted_kubeconfig_does_not_stay(monkeypatch: pytest.MonkeyPatch, fails: bool, here: bool) -> None:
    action = Action(monkeypatch, "local", kubeconfig="vault")
    action.files["vault"] = "/vault"
    if fails:
        action.action._execute_module = Mock(side_effect=AnsibleError("broken pipe"))
        monkeypatch.setattr(in_process, "perform", action.action._execute_module)
        with pytest.raises(AnsibleError, match="broken pipe"):
            action.run(ansible_conductor_in_process=here)
    elif here:
        assert action.run_here()
        assert action.done[0]["kubeconfig"] == "/decrypted/vault"
    else:
        assert action.run()["kubeconfig"] == "/decrypted/vault"
    action.loader.cleanup_tmp_file.assert_called_once_with("/decrypted/vault")
    action.removed.assert_called_once()


def test_the_arguments_of_the_task_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "ssh", kubeconfig="/play/files/config")
    action.run()
    assert action.action._task.args == {"kubeconfig": "/play/files/config"}


@pytest.mark.parametrize("option", ["ca_cert", "client_cert", "client_key", "src"])
def test_certificates_and_keys_and_train_jobs_are_brought_like_a_kubeconfig(
    monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    action = Action(monkeypatch, "ssh", **{option: "vaulted.pem"})
    action.files["vaulted.pem"] = "/vault/config"
    assert action.run()[option] == f"/remote/tmp/{option}-config"
    assert action.transfer.call_args.args == ("/decrypted/vault/config", f"/remote/tmp/{option}-config")
    action.loader.cleanup_tmp_file.assert_called_once_with("/decrypted/vault/config")


def test_files_of_one_name_do_not_overwrite_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "ssh", ca_cert="a/x.pem", client_cert="b/x.pem")
    action.files.update({"a/x.pem": "/play/a/x.pem", "b/x.pem": "/play/b/x.pem"})
    arguments = action.run()
    assert arguments["ca_cert"] != arguments["client_cert"]


def test_an_error_names_the_file_as_the_user_does(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "ssh", kubeconfig="~/vault")
    action.files[os.path.expanduser("~/vault")] = "/vault"
    failure = {"failed": True, "msg": "context 'a' not found in /remote/tmp/kubeconfig-vault"}
    action.action._execute_module = Mock(return_value=failure)
    assert action.action.run(task_vars={})["msg"] == "context 'a' not found in ~/vault"


def test_variables_of_the_task_become_options_and_no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "ssh", context="a")
    action.environment.update(
        {"K8S_AUTH_KUBECONFIG": "/play/files/config", "K8S_AUTH_PROXY": "http://u:p@proxy:1", "LANG": "C"}
    )
    arguments = action.run()
    assert arguments["kubeconfig"] == "/remote/tmp/kubeconfig-config"
    assert arguments["proxy"] == "http://u:p@proxy:1"
    assert action.command_lines == ["LANG=C"]


@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        ({"kubeconfig": "/c", "context": "a"}, {}),
        ({"in_cluster": "yes"}, {}),
        ({"in_cluster": "no"}, {"host": "https://a", "api_key": "t", "validate_certs": False}),
        ({"host": "https://a"}, {"api_key": "t", "validate_certs": False}),
        ({"host": "https://b", "api_key": "u"}, {}),
        ({}, {"host": "https://a", "api_key": "t", "validate_certs": False}),
    ],
)
def test_variables_of_the_task_do_not_complete_another_cluster(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], taken: dict[str, Any]
) -> None:
    action = Action(monkeypatch, "local", **arguments)
    action.environment.update({"K8S_AUTH_HOST": "https://a", "K8S_AUTH_API_KEY": "t", "K8S_AUTH_VERIFY_SSL": False})
    assert {name: value for name, value in action.run().items() if name != "bundle"} == {**arguments, **taken}
    assert action.command_lines == [""]


def test_delegated_to_this_machine_the_interpreter_is_not_that_of_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "local", context="a")
    action.action._task.delegate_to = "here"
    action.run(ansible_python_interpreter="/on/the/bastion", ansible_delegated_vars={"here": {"a": 1}})
    assert action.task_vars["ansible_delegated_vars"] == {
        "here": {"a": 1, "ansible_python_interpreter": sys.executable}
    }
    action.run(ansible_delegated_vars={"here": {"ansible_python_interpreter": "/named"}})
    assert action.task_vars["ansible_delegated_vars"]["here"]["ansible_python_interpreter"] == "/named"


HERE = {"ansible_python_interpreter": sys.executable}


@pytest.mark.parametrize(
    "task_vars", [{}, HERE, {"ansible_conductor_in_process": True}, {"ansible_python_interpreter": None}]
)
def test_with_a_local_connection_there_need_be_no_module(
    monkeypatch: pytest.MonkeyPatch, task_vars: dict[str, Any]
) -> None:
    action = Action(monkeypatch, "local", context="a")
    action.environment["K8S_AUTH_KUBECONFIG"] = "/play/files/config"
    task_vars = {name: value for name, value in task_vars.items() if value is not None}
    assert action.run_here(**task_vars)
    assert action.done == [{"context": "a", "kubeconfig": "/play/files/config", "bundle": action.done[0]["bundle"]}]
    assert Path(action.done[0]["bundle"]).samefile(BUNDLE)


@pytest.mark.parametrize("how", ["ssh", "async", "become", "environment", "python", "asked", "library", "delegated"])
def test_what_takes_a_module_has_one(monkeypatch: pytest.MonkeyPatch, how: str, tmp_path: Path) -> None:
    action = Action(monkeypatch, "ssh" if how == "ssh" else "local", context="a")
    task_vars: dict[str, Any] = {}
    if how == "async":
        action.action._task.async_val = 10
    elif how == "become":
        action.action._connection.become = Mock()
    elif how == "environment":
        action.environment["HTTPS_PROXY"] = "http://proxy:1"
    elif how == "python":
        # The same Python in another environment has other libraries.
        (tmp_path / "python").symlink_to(sys.executable)
        task_vars["ansible_python_interpreter"] = str(tmp_path / "python")
    elif how == "asked":
        task_vars["ansible_conductor_in_process"] = "false"
    elif how == "library":
        monkeypatch.setattr(module_action, "client_error", lambda: ConductorError("none"))
    elif how == "delegated":
        action.action._task.delegate_to = "here"
        task_vars["ansible_delegated_vars"] = {"here": {"ansible_python_interpreter": "/usr/bin/elsewhere"}}
    assert not action.run_here(**task_vars)


def test_an_error_without_a_module_names_the_file_as_the_user_does(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "local", kubeconfig="vault")
    action.files["vault"] = "/vault"
    failure = {"failed": True, "msg": "context 'a' not found in /decrypted/vault"}
    monkeypatch.setattr(in_process, "perform", Mock(return_value=failure))
    assert action.action.run(task_vars={})["msg"] == "context 'a' not found in vault"


@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_objects_in_files_are_read_here_and_decrypted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, transport: str
) -> None:
    (tmp_path / "quota.yml").write_text("kind: ResourceQuota\n")
    given = {"extra_objects": ["vaulted.yml", {"kind": "ConfigMap"}], "replicas": 2}
    action = Action(monkeypatch, transport, customize=given)
    action.files["vaulted.yml"] = "/vault/quota.yml"
    real = str(tmp_path / "quota.yml")
    action.loader.get_real_file = lambda path: real if path == "/vault/quota.yml" else path
    assert action.run()["customize"] == {
        "extra_objects": [{"kind": "ResourceQuota"}, {"kind": "ConfigMap"}],
        "replicas": 2,
    }
    action.loader.cleanup_tmp_file.assert_called_once_with(real)
    assert given["extra_objects"] == ["vaulted.yml", {"kind": "ConfigMap"}]


def test_a_file_of_objects_that_is_missing_is_named_with_its_option(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action(monkeypatch, "local", customize={"extra_objects": ["absent.yml"]})
    with pytest.raises(AnsibleActionFail, match=r"customize\.extra_objects: absent\.yml does not exist"):
        action.run()
    assert action.executed == []
