# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of a module without Ansible: its options, its connection and its call.

It runs as a module on the machine of the task (C(module_runner.py)), or in a worker process on the control node
(C(plugin_utils/in_process.py)).
"""

from __future__ import annotations

import copy
import importlib
import os
import platform
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .cluster.client import Cluster
from .cluster.connection import connect
from .cluster.target import CONNECTION_OPTIONS, choose_target
from .credentials import is_inline_text, secrets_in, secrets_in_files
from .errors import ConductorError
from .kubeconfig.files import kubeconfig_of
from .objects.line import plain
from .options.spec import CUSTOMIZE, GIVEN, MODES, RECORDED, given_options
from .output import Outlet
from .ownership.record import Record, read_install_record
from .release.bundle import ALL_RUNTIMES, CERTIFICATES, GENERATED, Bundle
from .release.loader import load_bundle
from .release.versions import DEFAULT_RELEASE

CONNECTION_ARG_SPEC: dict[str, Any] = {name: dict(option.spec) for name, option in CONNECTION_OPTIONS.items()}
# The oldest tested releases of the official client and of Python.
OLDEST_CLIENT = "24.2.0"
OLDEST_PYTHON = (3, 10)
IDENTITY_ARG_SPEC: dict[str, Any] = {"cluster_uid": {"type": "str"}}
BUNDLE_ARG_SPEC: dict[str, Any] = {
    "release": {"type": "str", "default": DEFAULT_RELEASE},
    "profile": {"type": "str", "default": "default", "choices": ["default", "fail_open"]},
    "runtimes": {"type": "list", "elements": "str", "default": [ALL_RUNTIMES]},
    "jobset": {"type": "str", "default": "auto", "choices": ["auto", "bundled", "external"]},
    "certificates": {"type": "str", "default": GENERATED, "choices": list(CERTIFICATES)},
    "certificates_ca": {"type": "str"},
    "customize": {"type": "dict", "options": CUSTOMIZE},
    "options": {"type": "str", "default": GIVEN, "choices": list(MODES)},
    "bundle": {"type": "path"},
    "concurrency": {"type": "int", "default": 8},
}


def client_error() -> ConductorError | None:
    """Return an error if Python is too old or the official client is missing; None otherwise."""
    here = f"{sys.executable} on {platform.node()}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return ConductorError(
            f"{here} is Python {platform.python_version()}; conductor.trainer needs Python >= {_dotted(OLDEST_PYTHON)}",
            next_step=f"set ansible_python_interpreter to a newer Python that has kubernetes >= {OLDEST_CLIENT}",
        )
    try:
        version = importlib.import_module("kubernetes").__version__
    except ImportError as error:
        problem = f"the Python library kubernetes cannot be imported ({error})"
    else:
        if _numbers(version) >= _numbers(OLDEST_CLIENT):
            return None
        problem = f"the Python library kubernetes {version} is too old"
    return ConductorError(
        f"{problem}; conductor.trainer needs kubernetes >= {OLDEST_CLIENT} in {here}",
        next_step=f"run `{sys.executable} -m pip install 'kubernetes>={OLDEST_CLIENT}'` there, or set "
        "ansible_python_interpreter to a Python that has it",
    )


def _dotted(version: Iterable[int]) -> str:
    return ".".join(str(number) for number in version)


def _numbers(version: str) -> tuple[int, ...]:
    """Return major and minor number; pre-releases and patches do not count."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


@dataclass(frozen=True)
class Call:
    """The call of a task: the parsed options, the modes of the run, and the receivers of messages.

    Args:
        warn: receives a warning.
        say: receives a line of progress, which is shown immediately if possible.
        claim: claims a cluster by its uid for the host of the task; returns another host that has claimed it before.
    """

    params: dict[str, Any]
    check_mode: bool
    diff: bool
    warn: Callable[[str], None]
    say: Callable[[str], None] = lambda line: None
    claim: Callable[[str], str] = lambda uid: ""


Operation = Callable[[Call, Cluster, Bundle], dict[str, Any]]


@dataclass(frozen=True)
class ModuleOperation:
    """The operation of a module.

    Args:
        options: the argument spec of this module; the shared options are added.
        operation: receives the call, the cluster and the bundle; returns the result or raises a ConductorError.
        needs_options: whether a call with these parameters needs the options of the install record if it is to use
            them. What only removes works by the objects in the record.
    """

    options: dict[str, Any]
    operation: Operation
    needs_options: Callable[[Mapping[str, Any]], bool] = lambda params: True

    def argument_spec(self) -> dict[str, Any]:
        """Return all options, shared ones included. This is a copy, because validation may change it."""
        return copy.deepcopy({**CONNECTION_ARG_SPEC, **IDENTITY_ARG_SPEC, **BUNDLE_ARG_SPEC, **self.options})

    def outcome(self, call: Call, outlet: Outlet) -> dict[str, Any]:
        """Perform the operation, and return its result or its failure. Neither is safe to show yet, but messages are.

        Args:
            outlet: receives the secrets that become known; warnings and lines of progress go through it.
        """
        safe = replace(
            call,
            warn=lambda text: call.warn(outlet.paragraph(text)),
            say=lambda line: call.say(outlet.line(line)),
        )
        try:
            return self.perform(safe, outlet.hide)
        except ConductorError as error:
            return {"failed": True, "msg": outlet.message(error), **error.facts}
        except Exception as error:  # noqa: BLE001 - like Ansible around a module
            words = "".join(traceback.format_exception_only(error)).strip()
            return {"failed": True, "msg": outlet.paragraph(words), "exception": traceback.format_exc()}

    def perform(self, call: Call, hide: Callable[[set[str]], None]) -> dict[str, Any]:
        """Connect to the cluster and run the operation.

        Args:
            hide: receives secrets that become known, so that they are masked in output.

        Raises:
            ConductorError: the operation failed.
        """
        params = call.params
        hide(secrets_in(params))
        if is_inline_text(params["kubeconfig"]):
            params["kubeconfig"] = kubeconfig_of(params["kubeconfig"])
            hide(secrets_in(params))
        target = choose_target({name: params[name] for name in CONNECTION_ARG_SPEC}, os.environ)
        named = {**target.settings, "kubeconfig": target.kubeconfig, "host": target.host}
        # Before the files are loaded, because the errors of the loader may quote them.
        hide(secrets_in(named) | _secrets_of(target.settings))
        hide(secrets_in_files({**named, "in_cluster": target.in_cluster}, os.environ))
        bundle = load_bundle(params["bundle"] or "", params["profile"], params["certificates"])
        bundle = replace(bundle.with_runtimes(params["runtimes"]), authority=params["certificates_ca"] or "")
        bundle = _customized(bundle, given_options(params["customize"]) if params["options"] == GIVEN else {})
        cluster = connect(target, connections=params["concurrency"], hide=hide, warn=call.warn)
        cluster.claim = call.claim
        hide(cluster.credentials())
        if exposed := cluster.exposure():
            call.warn(exposed)
        try:
            if params["options"] == RECORDED and self.needs_options(params):
                bundle = _as_recorded(bundle, read_install_record(cluster, bundle.namespace), call.warn)
            return self.run(call, cluster, bundle)
        finally:
            # They may have been renewed meanwhile.
            hide(cluster.credentials())

    def run(self, call: Call, cluster: Cluster, bundle: Bundle) -> dict[str, Any]:
        """Run the operation; its result and the facts of an error have plain values only.

        Raises:
            ConductorError: the operation failed.
        """
        try:
            return dict(plain(self.operation(call, cluster, bundle)))
        except ConductorError as error:
            error.facts = plain(error.facts)
            raise


def _customized(bundle: Bundle, options: Mapping[str, Any]) -> Bundle:
    if not options:
        return bundle
    # Most installations have none.
    from .options.layers import with_options

    return with_options(bundle, options)


def _as_recorded(bundle: Bundle, record: Record, warn: Callable[[str], None]) -> Bundle:
    """Return the bundle with the options of the install record.

    Raises:
        InputError: they cannot be used.
    """
    if not record.release:
        state = "cannot be read" if record.resource_version else "does not exist"
        warn(
            f"the install record in namespace {bundle.namespace} {state}, so the options of the last install are "
            "unknown: this run uses the release without options"
        )
    if not record.options:
        return bundle
    from .options.installed.recorded import lay_recorded

    return lay_recorded(bundle, record.options)


def _secrets_of(settings: Mapping[str, Any]) -> set[str]:
    """Return the values of the options that Ansible hides, wherever they come from."""
    found: set[str] = set()
    for name, value in settings.items():
        spec = CONNECTION_OPTIONS[name].spec
        for below, part in value.items() if isinstance(value, Mapping) else [("", value)]:
            if (spec["options"][below] if below else spec).get("no_log") and isinstance(part, str):
                # For a proxy, user and password are one value.
                found |= {part, part.partition(":")[2]} if below else {part}
    return found
