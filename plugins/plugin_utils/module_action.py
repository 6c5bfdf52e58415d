# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin that all modules of this collection share.

It copies files of the control node to the machine of the task: the bundle of the release, which is in the collection,
and the files that name a cluster or contain a TrainJob if they are beside the playbook or encrypted with Ansible Vault.
With a local connection nothing is copied, and the operation runs in a forked process instead of a module if a module
would run as the same user with the same Python.
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
from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import ModuleOperation, client_error
from ansible_collections.conductor.trainer.plugins.module_utils.module_runner import PARENTS
from ansible_collections.conductor.trainer.plugins.module_utils.options.words import check_names
from ansible_collections.conductor.trainer.plugins.module_utils.release.versions import DEFAULT_RELEASE
from ansible_collections.conductor.trainer.plugins.module_utils.text import one_line
from ansible_collections.conductor.trainer.plugins.plugin_utils import in_process
from ansible_collections.conductor.trainer.plugins.plugin_utils.bundles import find_bundle
from ansible_collections.conductor.trainer.plugins.plugin_utils.claims import Claim, claims_of
from ansible_collections.conductor.trainer.plugins.plugin_utils.layer import spoken, spoken_result, variables_of

_FILES = (*(name for name, option in CONNECTION_OPTIONS.items() if option.is_file), "src")
_VARIABLES = "K8S_AUTH_"
_OBJECTS = "extra_objects"
# The fact that the role sets if a play has several hosts; see check_target.yml.
_TARGET = "__conductor_target"
# Whether a task may run without its module. For debugging; both ways return the same result.
_IN_PROCESS = "ansible_conductor_in_process"


class ModuleAction(ActionBase):
    """Performs the operation of the module with the same name.

    Ansible loads this class before it forks the worker processes, so that they share what it imports, once for each
    run. An import must not open a connection or start a thread, because the workers would share it.
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
        try:
            # Ansible's own validation does not say which name was meant.
            check_names(arguments.get("customize"))
        except InputError as error:
            raise AnsibleActionFail(spoken(str(error), variables_of(self._task))) from error
        self._take_environment(arguments)
        local = self._connection.transport == "local"
        in_worker = local and self._needs_no_module(task_vars)
        if local:
            self._choose_interpreter(task_vars)
        decrypted: list[str] = []
        # Path of a copied or decrypted file to the path that the user wrote.
        names: dict[str, str] = {}
        try:
            self._read_objects(arguments, decrypted)
            if not arguments.get("bundle"):
                arguments["bundle"] = self._copy(_bundle_of(arguments), local)
            for option in _FILES:
                path = arguments.get(option)
                found = self._find_file(path)
                if found:
                    real = self._loader.get_real_file(found)
                    decrypted.append(real)
                    arguments[option] = self._copy(real, local, f"{option}-")
                    names[arguments[option]] = str(path)
            if in_worker:
                result.update(self._run_in_process(arguments, task_vars))
            else:
                result.update(
                    self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val)
                )
                for line in result.get("progress") or ():
                    self._progress_printer(task_vars)(str(line))
        finally:
            for real in decrypted:
                self._loader.cleanup_tmp_file(real)
            if not self._task.async_val:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        for place, name in names.items():
            if isinstance(result.get("msg"), str):
                result["msg"] = result["msg"].replace(place, name)
        # A changed text is a new one, which must not be templated either.
        safe: dict[str, Any] = wrap_var(spoken_result(result, variables_of(self._task)))
        return safe

    def _needs_no_module(self, task_vars: dict[str, Any]) -> bool:
        """Return whether a module would run as this user with this Python, and synchronously."""
        wanted = self._templar.template(task_vars.get(_IN_PROCESS, True))
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
        # Links in the same folder are the same Python. Links from different environments to one Python are not.
        folder, _name = os.path.split(named)
        return folder == os.path.dirname(sys.executable) and os.path.realpath(named) == os.path.realpath(sys.executable)

    def _run_in_process(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Perform the operation here."""
        settings: dict[str, Any] = {}
        self._update_module_args(self._task.action, settings, task_vars)
        self._display.vvv(f"{self._task.action} runs without a module")
        return in_process.perform(
            self.operation,
            arguments,
            settings,
            # Ansible's own folder is that of one run; leftovers of killed runs are found in its parent.
            os.path.dirname(constants.DEFAULT_LOCAL_TMP),
            self._progress_printer(task_vars),
            self._claims(task_vars),
        )

    def _claims(self, task_vars: dict[str, Any]) -> Claim:
        """Return how this host claims a cluster. Only the role says that each host of a play is one cluster."""
        hosts = list(task_vars.get("ansible_play_hosts_all") or ())
        if _TARGET not in task_vars or len(hosts) < 2:
            return lambda uid: ""
        return claims_of(constants.DEFAULT_LOCAL_TMP, hosts, str(task_vars.get("inventory_hostname")))

    def _progress_printer(self, task_vars: dict[str, Any]) -> Callable[[str], None]:
        """Return a function that prints a progress line; the display of a worker sends it to the main process."""
        host = task_vars.get("inventory_hostname", "")
        return lambda line: self._display.display(one_line(f"{host}  {line}"))

    def _take_environment(self, arguments: dict[str, Any]) -> None:
        """Turn the variables for a connection in the C(environment) of the task into options.

        Ansible adds an environment to the command line of the module, and prints that with C(-vvv). As options, secrets
        are masked, and a kubeconfig is searched and copied like any other.
        """
        environment: dict[str, Any] = {}
        super()._compute_environment_string(environment)
        options = {**arguments, "in_cluster": boolean(arguments.get("in_cluster") or False, strict=False)}
        variables = {name: str(value) for name, value in environment.items() if name.startswith(_VARIABLES)}
        arguments.update(complete(options, variables))

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> str:
        """See ActionBase. Leave out the variables that C(_take_environment) turned into options."""
        rest = self._other_environment()
        if self._connection.transport == "local" and not self._task.async_val:
            # The module ends with the worker, which is this process, and with the main process.
            rest[PARENTS] = f"{os.getpid()},{os.getppid()}"
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
        """Select the Python that runs Ansible, which has the libraries; discovery could find another one."""
        variables: dict[str, Any] = task_vars
        if self._task.delegate_to:
            # The interpreter of the delegating host is a path on another machine.
            delegated: Mapping[str, Any] = task_vars.get("ansible_delegated_vars") or {}
            variables = dict(delegated.get(self._task.delegate_to) or {})
            task_vars["ansible_delegated_vars"] = {**delegated, self._task.delegate_to: variables}
        variables.setdefault("ansible_python_interpreter", sys.executable)

    def _find_file(self, path: Any) -> str | None:
        """Return the file on the control node that an option names, or None if there is none to copy.

        A path that does not exist here may exist on the machine of the module. The module fails if it does not.
        """
        if not isinstance(path, str) or not path.strip() or os.pathsep in path or "\n" in path.strip():
            return None
        try:
            found: str = self._find_needle("files", os.path.expanduser(path.strip()))
        except AnsibleError:
            return None
        # The module names a folder better than the copy of a file would.
        return None if os.path.isdir(found) else found

    def _read_objects(self, arguments: dict[str, Any], decrypted: list[str]) -> None:
        """Replace paths in C(customize.extra_objects) by the objects in these files."""
        customize = arguments.get("customize")
        if not isinstance(customize, Mapping) or not customize.get(_OBJECTS):
            return
        # Only some tasks have any.
        from ansible_collections.conductor.trainer.plugins.plugin_utils.object_files import with_files

        def readable(path: str) -> str:
            decrypted.append(str(self._loader.get_real_file(path)))
            return decrypted[-1]

        try:
            arguments["customize"] = {**customize, _OBJECTS: with_files(customize[_OBJECTS], self._find_path, readable)}
        except AnsibleActionFail as error:
            raise AnsibleActionFail(spoken(str(error), variables_of(self._task))) from error

    def _find_path(self, path: str) -> str | None:
        try:
            return str(self._find_needle("files", os.path.expanduser(path.strip())))
        except AnsibleError:
            return None

    def _copy(self, path: str, local: bool, prefix: str = "") -> str:
        if local:
            return path
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, prefix + os.path.basename(path))
        self._transfer_file(path, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote


def _bundle_of(arguments: Mapping[str, Any]) -> str:
    try:
        return find_bundle(str(arguments.get("release") or DEFAULT_RELEASE))
    except InputError as error:
        raise AnsibleActionFail(str(error)) from error
