# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an operation as a module on the machine of the task. Errors become C(fail_json) here."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .errors import ConductorError
from .module_call import Call, ModuleOperation, client_error
from .redaction import secrets_in


class _Module(AnsibleModule):
    """Masks the secrets of options that fail validation, too: the failure shows all options."""

    def fail_json(self, msg: str, **facts: Any) -> Any:
        """See AnsibleModule."""
        self.no_log_values.update(secrets_in(self.params))
        super().fail_json(msg, **facts)


def run_module(operation: ModuleOperation) -> None:
    """Run an operation as a module, with its result or failure."""
    module = _Module(
        argument_spec=operation.argument_spec(),
        supports_check_mode=True,
        # Keep the options out of the system log, which is written before their secrets are known.
        no_log=True,
    )
    module.no_log_values.update(secrets_in(module.params))
    if missing := client_error():
        module.fail_json(str(missing))
    call = Call(module.params, module.check_mode, module._diff, module.warn)
    try:
        result = operation.perform(call, module.no_log_values.update)
    except ConductorError as error:
        module.fail_json(str(error), **error.facts)
    module.exit_json(**result)
