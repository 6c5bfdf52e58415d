# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Perform an operation in a process forked from Ansible's worker process, instead of in a module.

A module is packed, and starts a Python that imports everything again. For a module that sends a few requests this takes
most of the time. Here everything is in memory already.

The result is the same as that of the module: same validation, same messages, same secrets masked.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from datetime import date
from io import RawIOBase
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.conductor.trainer.plugins.module_utils.credentials import (
    secrets_in,
    shown_options,
    usernames_in,
)
from ansible_collections.conductor.trainer.plugins.module_utils.lifetime import end_with, kill_group
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.output import Outlet
from ansible_collections.conductor.trainer.plugins.module_utils.private_folder import private_folder
from ansible_collections.conductor.trainer.plugins.plugin_utils.claims import Claim

# Sends a message to the worker: a progress line, or the result.
Send = Callable[[dict[str, Any]], None]


def perform(
    operation: ModuleOperation,
    arguments: Mapping[str, Any],
    settings: Mapping[str, Any],
    scratch: str,
    say: Callable[[str], None] = lambda line: None,
    claim: Claim = lambda uid: "",
) -> dict[str, Any]:
    """Return the result that the module of this operation would return.

    Args:
        arguments: the options of the task.
        settings: internal arguments that Ansible passes to a module, e.g. C(_ansible_check_mode).
        scratch: parent folder for temporary files, which are deleted at the end.
        say: called with each progress line immediately.
        claim: see C(claims.py).
    """
    # Plain values: templating returns subclasses of str that carry their origin, which the YAML and TLS libraries
    # do not all accept.
    plain = {name: _plain(value) for name, value in arguments.items()}
    result: dict[str, Any] | None = None
    # Closed in any case, so that the process ends when the worker no longer reads.
    with closing(
        _forked(lambda send: send({"result": _result(operation, plain, settings, send, claim)}), scratch)
    ) as messages:
        for message in messages:
            if "line" in message:
                say(message["line"])
            result = message.get("result", result)
    if result is None:
        return {"failed": True, "msg": "the process of this task ended without a result\nNext: run it again"}
    return result


def _result(
    operation: ModuleOperation, arguments: dict[str, Any], settings: Mapping[str, Any], send: Send, claim: Claim
) -> dict[str, Any]:
    outlet = Outlet()
    spec = operation.argument_spec()
    validated = ArgumentSpecValidator(spec).validate(arguments)
    params = validated.validated_parameters
    outlet.hide((validated._no_log_values - usernames_in(params)) | secrets_in(params))
    warnings = [f"Both option {both['option']} and its alias {both['alias']} are set." for both in validated._warnings]
    if validated.error_messages:
        message = validated.errors.msg
        if isinstance(validated.errors[0], UnsupportedError):
            message = f"Unsupported parameters for ({settings['_ansible_module_name']}) module: {message}"
        result = {"failed": True, "msg": outlet.paragraph(message)}
    else:
        call = Call(
            params,
            settings["_ansible_check_mode"],
            settings["_ansible_diff"],
            warnings.append,
            lambda line: send({"line": line}),
            claim,
        )
        result = operation.outcome(call, outlet)
    # A setting of newer releases of ansible-core; older ones always return the options.
    if settings.get("_ansible_inject_invocation", True):
        result["invocation"] = {"module_args": shown_options(params, spec)}
    if warnings:
        result["warnings"] = warnings
    if validated._deprecations:
        result["deprecations"] = validated._deprecations
    # Masking a secret with the value "True" must not change a boolean of the result.
    kept = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
    return {**remove_values(outlet.result(result), outlet.secrets.values), **kept}


def _plain(value: Any) -> Any:
    """Return a value with the types of JSON only."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(part) for part in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    # str() also decrypts a value that is encrypted with Ansible Vault.
    return value.isoformat() if isinstance(value, date) else str(value)


def _forked(work: Callable[[Send], None], scratch: str) -> Generator[dict[str, Any], None, None]:
    """Run C(work) in a forked process, and yield its messages immediately.

    If the task is stopped, by its C(timeout) or by a keyboard interrupt, the process is killed with everything that it
    started, and no further request is sent. Nothing of it remains in the worker, which may continue with the next item
    of a loop.
    """
    # The worker, and the main process of Ansible that started it.
    parents = (os.getpid(), os.getppid())
    with private_folder(scratch) as folder:
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            _work_and_exit(work, writing, folder, parents)
        os.close(writing)
        try:
            with open(reading, "rb") as stream:
                for line in stream:
                    # An incomplete line comes from a process that was killed.
                    if line.endswith(b"\n"):
                        yield json.loads(line)
        finally:
            # It has sent its result, or the worker no longer reads.
            kill_group(process)
            os.waitpid(process, 0)


def _work_and_exit(work: Callable[[Send], None], writing: int, folder: str, parents: tuple[int, ...]) -> None:
    """Do the work in the forked process, and end the process. A message is a line of JSON."""
    try:
        # This kills the programs that it starts as well, e.g. a credential plugin.
        end_with(parents, folder)
        # The handlers of Ansible manage its own processes.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Like in a module: without a terminal, and nothing is printed directly.
        sys.stdout = sys.stderr = io.StringIO()
        # Exclude the objects of Ansible from the garbage collections of this process.
        gc.freeze()
        # Files that libraries remove at the exit of Python. This process must not run exit handlers, because they would
        # remove files of Ansible as well.
        tempfile.tempdir = folder
        with open(writing, "wb", buffering=0) as stream:
            work(lambda message: _write(stream, json.dumps(message).encode() + b"\n"))
    finally:
        os._exit(0)


def _write(stream: RawIOBase, data: bytes) -> None:
    while data:
        data = data[stream.write(data) or 0 :]
