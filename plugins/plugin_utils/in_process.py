# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a verb out on the control node, beside Ansible's worker process instead of as a module.

A module has to be packed, and its Python has to start and to import everything: for one that asks a server a few
questions that is most of the time it takes. Here all of it is in memory already.

The result is what the module's would be: the same validation, the same words, the same secrets hidden.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from datetime import date
from io import RawIOBase
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.redaction import secrets_in

# Takes a word for the worker: a line of progress, or the result.
Tell = Callable[[dict[str, Any]], None]


def perform(
    verb: ModuleOperation,
    arguments: Mapping[str, Any],
    settings: Mapping[str, Any],
    scratch: str,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """What the module of this verb would return.

    Args:
        arguments: the options of the task.
        settings: what Ansible tells a module of the run: C(_ansible_check_mode) and the like.
        scratch: a folder for temporary files, which goes away with everything in it in the end.
        say: takes a line of progress as soon as there is one.
    """
    # Plain values: templates leave text behind that knows where it came from, and the library's YAML and TLS do not
    # all take it for text.
    plain = {name: _plain(value) for name, value in arguments.items()}
    result: dict[str, Any] | None = None
    # Closed whatever happens here, so that the process ends when nobody listens any more.
    with closing(_apart(lambda tell: tell({"result": _result(verb, plain, settings, tell)}), scratch)) as words:
        for word in words:
            if "line" in word:
                say(word["line"])
            result = word.get("result", result)
    if result is None:
        return {"failed": True, "msg": "the process of this task ended without a result\nNext: run it again"}
    return result


def _result(
    verb: ModuleOperation, arguments: dict[str, Any], settings: Mapping[str, Any], tell: Tell
) -> dict[str, Any]:
    validated = ArgumentSpecValidator(verb.argument_spec()).validate(arguments)
    params = validated.validated_parameters
    hidden: set[str] = validated._no_log_values | secrets_in(params)
    warnings = [f"Both option {both['option']} and its alias {both['alias']} are set." for both in validated._warnings]
    if validated.error_messages:
        message = validated.errors.msg
        if isinstance(validated.errors[0], UnsupportedError):
            message = f"Unsupported parameters for ({settings['_ansible_module_name']}) module: {message}"
        result = {"failed": True, "msg": message}
    else:
        call = Call(
            params,
            settings["_ansible_check_mode"],
            settings["_ansible_diff"],
            warnings.append,
            lambda line: tell({"line": remove_values(line, hidden)}),
        )
        try:
            result = verb.perform(call, hidden.update)
        except ConductorError as error:
            result = {"failed": True, "msg": str(error), **error.facts}
        except Exception as error:  # noqa: BLE001 - as Ansible does around a module
            words = "".join(traceback.format_exception_only(error)).strip()
            result = {"failed": True, "msg": words, "exception": traceback.format_exc()}
    # A setting of newer releases of ansible-core; older ones always show the options.
    if settings.get("_ansible_inject_invocation", True):
        result["invocation"] = {"module_args": params}
    if warnings:
        result["warnings"] = warnings
    if validated._deprecations:
        result["deprecations"] = validated._deprecations
    # A secret that is "True" must not hide whether something changed.
    kept = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
    return {**remove_values(result, hidden), **kept}


def _plain(value: Any) -> Any:
    """A value as JSON has it, of Python's own types only."""
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
    # What is encrypted with Ansible Vault becomes text by this, too.
    return value.isoformat() if isinstance(value, date) else str(value)


def _apart(work: Callable[[Tell], None], scratch: str) -> Generator[dict[str, Any], None, None]:
    """What C(work) tells in a process of its own, a copy of this one, as soon as it does.

    When the task is stopped, by its C(timeout) or by somebody at the keyboard, that process is ended at once, and
    nothing more is sent to the cluster. Nothing of it stays in the worker, which may have a loop's next item to do.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix="conductor-") as folder:
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            _report(work, writing, folder)
        os.close(writing)
        try:
            with open(reading, "rb") as stream:
                for line in stream:
                    # What was cut off is the end of a process that was killed.
                    if line.endswith(b"\n"):
                        yield json.loads(line)
        finally:
            # It has said all it had to say, or nobody listens any more.
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _report(work: Callable[[Tell], None], writing: int, folder: str) -> None:
    """Does the work in the new process, and ends it. A word is a line of JSON."""
    try:
        # Ansible's handlers are about its own processes.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # As a module would be: nobody is at a terminal, and nothing is printed in between.
        sys.stdout = sys.stderr = io.StringIO()
        # What Ansible has in memory is nothing for this process to look through for garbage, again and again.
        gc.freeze()
        # The official client writes keys out of a kubeconfig into files, and removes them when Python ends. This
        # process must not end that way: that would remove what is Ansible's as well.
        tempfile.tempdir = folder
        with open(writing, "wb", buffering=0) as stream:
            work(lambda word: _write(stream, json.dumps(word).encode() + b"\n"))
    finally:
        os._exit(0)


def _write(stream: RawIOBase, data: bytes) -> None:
    while data:
        data = data[stream.write(data) or 0 :]
