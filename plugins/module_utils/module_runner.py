# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an operation as a module on the machine of the task. Errors become C(fail_json) here."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .credentials import secrets_in, shown_options, usernames_in
from .lifetime import end_now, end_with
from .module_call import Call, ModuleOperation, client_error
from .output import Outlet
from .private_folder import private_folder

# The variable that names the processes of Ansible on the same machine, separated by commas.
PARENTS = "CONDUCTOR_PARENTS"


class _Module(AnsibleModule):
    """Shows nothing but what has passed the outlet: also options that fail validation, because that shows all."""

    outlet: Outlet

    def fail_json(self, msg: str, **facts: Any) -> Any:
        """See AnsibleModule."""
        super().fail_json(self.outlet.paragraph(msg), **facts)

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        """See AnsibleModule. Both results and failures end here, in all releases of ansible-core."""
        self.no_log_values -= usernames_in(self.params)
        self.outlet.hide({*secrets_in(self.params), *self.no_log_values})
        self.no_log_values.update(self.outlet.secrets.values)
        shown = {"invocation": {"module_args": shown_options(self.params, self.argument_spec)}, **kwargs}
        super()._return_formatted(self.outlet.result(shown))


def run_module(operation: ModuleOperation) -> None:
    """Run an operation as a module, with its result or failure."""
    outlet = _Module.outlet = Outlet()
    module = _Module(
        argument_spec=operation.argument_spec(),
        supports_check_mode=True,
        # Keep the options out of the system log, which is written before their secrets are known.
        no_log=True,
    )
    if missing := client_error():
        module.fail_json(str(missing))
    outlet.hide(module.no_log_values - usernames_in(module.params))
    call = Call(module.params, module.check_mode, module._diff, module.warn)
    with _scratch(module):
        result = operation.outcome(call, outlet)
    if result.pop("failed", False):
        AnsibleModule.fail_json(module, result.pop("msg"), **result)
    module.exit_json(**result)


@contextlib.contextmanager
def _scratch(module: AnsibleModule) -> Any:
    """Let temporary files be created in a private folder: a key may be in one, as OpenSSL reads keys from files."""
    parent = os.path.expanduser(module._remote_tmp or "")
    with private_folder(parent if os.access(parent, os.W_OK) else tempfile.gettempdir()) as folder:
        if parents := [int(process) for process in os.environ.get(PARENTS, "").split(",") if process.isdecimal()]:
            end_with(parents, folder)
        before, tempfile.tempdir = tempfile.tempdir, folder
        # The default action of these signals would leave the folder.
        handlers = {
            number: signal.signal(number, lambda got, _frame: end_now(folder, 128 + got))
            for number in (signal.SIGTERM, signal.SIGHUP)
        }
        try:
            yield
        finally:
            tempfile.tempdir = before
            for number, handler in handlers.items():
                signal.signal(number, handler)
