# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin all modules of this collection share: it brings the module what is only on the control node.

That is the bundle of the release, which lies in the collection, and the files that say which cluster or which TrainJob,
where they are found beside the playbook or are encrypted with Ansible Vault. With a local connection nothing is copied,
and there need be no module: what it does is done beside the worker process, where a module would run as the same user
with the same Python.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import CONNECTION_OPTIONS, complete
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import ModuleOperation, client_error
from ansible_collections.conductor.trainer.plugins.plugin_utils import in_process

_BUNDLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "conductor", "files", "bundles")

_FILES = (*(name for name, option in CONNECTION_OPTIONS.items() if option.is_file), "src")
_VARIABLES = "K8S_AUTH_"
# Whether a task may do without its module. For looking for a fault: both ways are to come to the same.
_MAY = "ansible_conductor_in_process"


class ModuleAction(ActionBase):
    """Does what the module of the same name does.

    Ansible loads a class like this before it forks the worker processes. What it imports is so in the memory of all of
    them, and imported once a run; nothing may be opened or started by an import, because they would share it.
    """

    operation: ModuleOperation

    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See ActionBase.run."""
        task_vars = dict(task_vars or {})
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        arguments = dict(self._task.args)
        self._take_environment(arguments)
        local = self._connection.transport == "local"
        in_worker = local and self._needs_no_module(task_vars)
        if local:
            self._choose_interpreter(task_vars)
        decrypted: list[str] = []
        # Where a file was brought to, and what the user calls it.
        names: dict[str, str] = {}
        try:
            if not arguments.get("bundle"):
                arguments["bundle"] = self._bring(_find_bundle(str(arguments.get("release") or "2.3.0")), local)
            for option in _FILES:
                path = arguments.get(option)
                found = self._find_file(path)
                if found:
                    real = self._loader.get_real_file(found)
                    decrypted.append(real)
                    arguments[option] = self._bring(real, local, f"{option}-")
                    names[arguments[option]] = str(path)
            if in_worker:
                result.update(self._do(arguments, task_vars))
            else:
                result.update(
                    self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val)
                )
                for line in result.get("progress") or ():
                    self._teller(task_vars)(str(line))
        finally:
            for real in decrypted:
                self._loader.cleanup_tmp_file(real)
            if not self._task.async_val:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        for place, name in names.items():
            if isinstance(result.get("msg"), str):
                result["msg"] = result["msg"].replace(place, name)
        return result

    def _needs_no_module(self, task_vars: dict[str, Any]) -> bool:
        """Whether a module would run as this very user with this very Python, and there is none to wait for later."""
        wanted = self._templar.template(task_vars.get(_MAY, True))
        return bool(
            boolean(wanted, strict=False)
            and not client_error()
            and not self._task.async_val
            and not self._connection.become
            and not self._other_environment()
            and self._is_our_python(task_vars)
        )

    def _is_our_python(self, task_vars: dict[str, Any]) -> bool:
        if self._task.delegate_to:
            task_vars = (task_vars.get("ansible_delegated_vars") or {}).get(self._task.delegate_to) or {}
        named = str(self._templar.template(task_vars.get("ansible_python_interpreter", sys.executable)))
        # Links in one folder are one Python; links from different environments to one Python are not.
        folder, _name = os.path.split(named)
        return folder == os.path.dirname(sys.executable) and os.path.realpath(named) == os.path.realpath(sys.executable)

    def _do(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Does it here. No value of the result is ever taken for a template."""
        settings: dict[str, Any] = {}
        self._update_module_args(self._task.action, settings, task_vars)
        self._display.vvv(f"{self._task.action} needs no module here")
        result: dict[str, Any] = wrap_var(
            in_process.perform(
                self.operation, arguments, settings, constants.DEFAULT_LOCAL_TMP, self._teller(task_vars)
            )
        )
        return result

    def _teller(self, task_vars: dict[str, Any]) -> Callable[[str], None]:
        """Shows a line of progress, on a terminal as in AWX; a worker's display hands it to the main process."""
        host = task_vars.get("inventory_hostname", "")
        return lambda line: self._display.display(f"{host}  {line}".strip())

    def _take_environment(self, arguments: dict[str, Any]) -> None:
        """Turns the variables for a connection in the task's C(environment) into options.

        Ansible puts an environment into the command line of the module, and prints that with C(-vvv). As options they
        are hidden, and a kubeconfig is found and brought like any other.
        """
        environment: dict[str, Any] = {}
        super()._compute_environment_string(environment)
        options = {**arguments, "in_cluster": boolean(arguments.get("in_cluster") or False, strict=False)}
        variables = {name: str(value) for name, value in environment.items() if name.startswith(_VARIABLES)}
        arguments.update(complete(options, variables))

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> str:
        """See ActionBase: the environment of the module, without what C(_take_environment) has taken."""
        rest = self._other_environment()
        if raw_environment_out is not None:
            raw_environment_out.clear()
            raw_environment_out.update(rest)
        prefix: str = self._connection._shell.env_prefix(**rest)
        return prefix

    def _other_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = {}
        super()._compute_environment_string(environment)
        return {name: value for name, value in environment.items() if not name.startswith(_VARIABLES)}

    def _choose_interpreter(self, task_vars: dict[str, Any]) -> None:
        """The Python that runs Ansible has our libraries; discovery would find some other one of this machine."""
        variables: dict[str, Any] = task_vars
        if self._task.delegate_to:
            # What was set for the host that delegates is a path on that host's machine.
            delegated: Mapping[str, Any] = task_vars.get("ansible_delegated_vars") or {}
            variables = dict(delegated.get(self._task.delegate_to) or {})
            task_vars["ansible_delegated_vars"] = {**delegated, self._task.delegate_to: variables}
        variables.setdefault("ansible_python_interpreter", sys.executable)

    def _find_file(self, path: Any) -> str | None:
        """The file on the control node that an option means, None where it is none of ours to bring.

        A path that exists nowhere here may be one on the machine the module runs on; the module then says so itself.
        """
        if not isinstance(path, str) or not path.strip() or os.pathsep in path or "\n" in path.strip():
            return None
        try:
            found: str = self._find_needle("files", os.path.expanduser(path.strip()))
        except AnsibleError:
            return None
        return found

    def _bring(self, path: str, local: bool, prefix: str = "") -> str:
        if local:
            return path
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, prefix + os.path.basename(path))
        self._transfer_file(path, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote


def _find_bundle(release: str) -> str:
    folder = os.path.normpath(_BUNDLES)
    path = os.path.join(folder, f"{release}.json")
    if not os.path.isfile(path):
        known = sorted(name[: -len(".json")] for name in os.listdir(folder) if name.endswith(".json"))
        raise AnsibleActionFail(f"there is no bundle of release {release!r}\nNext: use one of: {', '.join(known)}")
    return path
