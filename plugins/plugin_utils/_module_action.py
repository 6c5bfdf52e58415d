# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin all modules of this collection share: it brings the module what is only on the control node.

That is the bundle of the release, which lies in the collection, and a kubeconfig that is found beside the playbook or
is encrypted with Ansible Vault. With a local connection nothing is copied.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

_BUNDLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "conductor", "files", "bundles")


class ActionModule(ActionBase):
    """Runs the module of the same name."""

    TRANSFERS_FILES = True
    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See ActionBase.run."""
        task_vars = dict(task_vars or {})
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        arguments = dict(self._task.args)
        local = self._connection.transport == "local"
        if local and "ansible_python_interpreter" not in task_vars:
            # Interpreter discovery would find some Python of this machine; the one that runs Ansible has our libraries.
            task_vars["ansible_python_interpreter"] = sys.executable
        decrypted = None
        try:
            if not arguments.get("bundle"):
                arguments["bundle"] = self._bring(_find_bundle(str(arguments.get("release") or "2.3.0")), local)
            kubeconfig = arguments.get("kubeconfig")
            if isinstance(kubeconfig, str) and kubeconfig:
                found = self._find_kubeconfig(kubeconfig)
                if found:
                    decrypted = self._loader.get_real_file(found)
                    arguments["kubeconfig"] = self._bring(decrypted, local)
            result.update(
                self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val)
            )
        finally:
            if decrypted:
                self._loader.cleanup_tmp_file(decrypted)
            if not self._task.async_val:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _find_kubeconfig(self, path: str) -> str | None:
        """The file on the control node that a kubeconfig option means, None where it is none of ours to bring.

        A path that exists nowhere here may be one on the machine the module runs on; the module then says so itself.
        """
        if os.pathsep in path:
            return None
        try:
            found: str = self._find_needle("files", os.path.expanduser(path))
        except AnsibleError:
            return None
        return found

    def _bring(self, path: str, local: bool) -> str:
        if local:
            return path
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, os.path.basename(path))
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
