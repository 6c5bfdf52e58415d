# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to Ansible: shared options, connecting, and the one place where an error becomes C(fail_json)."""

from __future__ import annotations

import copy
import importlib
import os
import traceback
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

try:
    importlib.import_module("kubernetes")
    _KUBERNETES_ERROR = None
except ImportError:
    _KUBERNETES_ERROR = traceback.format_exc()

from ._bundle import ALL_RUNTIMES, Bundle, load_bundle
from ._client import Cluster
from ._connection import connect, kubeconfig_of
from ._errors import ConductorError
from ._target import choose_target, secrets_of, secrets_of_proxy

Operation = Callable[[AnsibleModule, Cluster, Bundle], dict[str, Any]]

CONNECTION_ARG_SPEC: dict[str, Any] = {**AUTH_ARG_SPEC, "in_cluster": {"type": "bool", "default": False}}
IDENTITY_ARG_SPEC: dict[str, Any] = {"cluster_uid": {"type": "str"}}
BUNDLE_ARG_SPEC: dict[str, Any] = {
    "release": {"type": "str", "default": "2.3.0"},
    "profile": {"type": "str", "default": "default", "choices": ["default", "fail_open"]},
    "runtimes": {"type": "list", "elements": "str", "default": [ALL_RUNTIMES]},
    "jobset": {"type": "str", "default": "auto", "choices": ["auto", "bundled", "external"]},
    "bundle": {"type": "path"},
    "concurrency": {"type": "int", "default": 8},
}


def run_module(options: dict[str, Any], operation: Operation) -> None:
    """Runs one operation as a module: options, connection and bundle in, result or failure out.

    Args:
        options: the argument spec of this module alone; the shared ones are added.
        operation: gets the module, the cluster and the bundle; returns the result. It must not touch
            C(module.exit_json) or C(module.fail_json).
    """
    module = AnsibleModule(
        argument_spec=copy.deepcopy({**CONNECTION_ARG_SPEC, **IDENTITY_ARG_SPEC, **BUNDLE_ARG_SPEC, **options}),
        supports_check_mode=True,
        # Keeps the options out of the machine's log, which is written before the secrets in them are known.
        no_log=True,
    )
    _hide_secrets(module)
    if _KUBERNETES_ERROR:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=_KUBERNETES_ERROR)
    try:
        if _is_text(module.params["kubeconfig"]):
            module.params["kubeconfig"] = kubeconfig_of(module.params["kubeconfig"])
            _hide_secrets(module)
        target = choose_target({name: module.params[name] for name in CONNECTION_ARG_SPEC}, os.environ)
        bundle = load_bundle(module.params["bundle"] or "", module.params["profile"])
        bundle = bundle.with_runtimes(module.params["runtimes"])
        cluster = connect(target, connections=module.params["concurrency"])
        result = operation(module, cluster, bundle)
    except ConductorError as error:
        module.fail_json(msg=str(error), **error.facts)
    module.exit_json(**result)


def _is_text(kubeconfig: Any) -> bool:
    """Whether a kubeconfig is given as what a file would hold, e.g. a variable encrypted with Ansible Vault."""
    return isinstance(kubeconfig, str) and "\n" in kubeconfig.strip()


def _hide_secrets(module: AnsibleModule) -> None:
    """Marks what is secret in options that are shown otherwise: paths and addresses are worth showing."""
    kubeconfig = module.params["kubeconfig"]
    if _is_text(kubeconfig):
        module.no_log_values.add(kubeconfig)
    elif isinstance(kubeconfig, dict):
        module.no_log_values.update(secrets_of(kubeconfig))
    module.no_log_values.update(secrets_of_proxy(module.params["proxy"]))
