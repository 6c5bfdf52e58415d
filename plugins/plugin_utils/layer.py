# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name settings as the person wrote them: variables of the role (C(conductor_x)) or options of a module (C(x)).

The library does not know who calls it, and names variables. Some of its messages name options: their names with an
underscore are recognised, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CUSTOMIZE

_PREFIX = "conductor_"
# The options of modules that the role has a variable for, with the same name after the prefix. A test compares this
# with the argument specs of the role and of the modules.
OPTIONS = (
    "abandon_jobs",
    "accept",
    "adopt",
    "api_key",
    "ca_cert",
    "certificates",
    "certificates_ca",
    "certificates_pem",
    "client_cert",
    "client_key",
    "cluster_uid",
    "concurrency",
    "context",
    "force_conflicts",
    "host",
    "impersonate_groups",
    "impersonate_user",
    "in_cluster",
    "jobset",
    "kubeconfig",
    "lease_timeout",
    "no_proxy",
    "options",
    "profile",
    "progress",
    "proxy",
    "prune",
    "prune_crds",
    "pull_proof",
    "pull_proof_timeout",
    "release",
    "remove_crds",
    "remove_user_data",
    "runtimes",
    "validate_certs",
)
# Options within the option customize of the modules.
WITHIN = tuple(CUSTOMIZE)
# The option timeout has a variable for each playbook.
TIMEOUTS = ("wait_timeout", "verify_timeout", "smoke_timeout")
_VARIABLE = re.compile(
    rf"\b{_PREFIX}({'|'.join(sorted((*OPTIONS, *WITHIN, *TIMEOUTS), key=len, reverse=True))})\b(?!_)"
)
_WORDS = sorted((name for name in OPTIONS if "_" in name), key=len, reverse=True)
_OPTION = re.compile(rf"(?<![\w./-])({'|'.join(_WORDS)})(?![\w/-])")
# Steps that name options for which the role has no variable, and what they are in the role.
_OF_MODULES = {
    # The role sets it.
    " with recreate: true": "",
    "set delete_after: never to keep it for debugging": "the smoke job is deleted; to keep a job for debugging, run it "
    "with the module conductor.trainer.trainjob and delete_after: never",
}
_SET = re.compile(rf"{{{{\s*({_PREFIX}\w+)")
# The texts of a result that name settings, by their key; all others are data.
_TEXTS = frozenset({"cause", "msg", "next_step", "options_changed", "problem", "retained", "set_by", "warnings"})
# A line of a diff ends with the variable behind the field; the rest of it is data.
_BEHIND = re.compile(rf"  \({_PREFIX}\w+[^\n]*\)$", re.MULTILINE)


def variables_of(task: Any) -> dict[str, str] | None:
    """Return the variables that set the options of a task, by option; None if it is not a task of the role."""
    role = getattr(task, "_role", None)
    if role is None or "conductor.trainer" not in (getattr(role, "_role_collection", None) or ""):
        return None
    written = getattr(task, "_ds", None)
    arguments = next((part for part in (written or {}).values() if isinstance(part, Mapping)), {})
    return {name: found[1] for name, value in arguments.items() if (found := _SET.search(str(value)))}


def spoken(text: str, variables: Mapping[str, str] | None) -> str:
    """Return a text with the names of a layer.

    Args:
        variables: the variables that set the options of the task; None for the names of options.
    """
    if variables is None:
        return _VARIABLE.sub(lambda found: _option(found[1]), text)
    for words, instead in _OF_MODULES.items():
        text = text.replace(words, instead)
    timeout = variables.get("timeout", "")
    text = _VARIABLE.sub(lambda found: timeout if timeout and found[1] in TIMEOUTS else found[0], text)
    return _OPTION.sub(rf"{_PREFIX}\1", text)


def _option(variable: str) -> str:
    if variable in TIMEOUTS:
        return "timeout"
    return f"customize.{variable}" if variable in WITHIN else variable


def _spoken_diff(value: Any, variables: Mapping[str, str] | None) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        side: _BEHIND.sub(lambda found: spoken(found[0], variables), text) if isinstance(text, str) else text
        for side, text in value.items()
    }


def spoken_result(value: Any, variables: Mapping[str, str] | None, *, is_text: bool = False) -> Any:
    """Return a result, or a part of one, whose texts have the names of a layer."""
    if isinstance(value, str):
        return spoken(value, variables) if is_text else value
    if isinstance(value, Mapping):
        return {
            name: part
            if name == "invocation"
            else _spoken_diff(part, variables)
            if name == "diff"
            else spoken_result(part, variables, is_text=name in _TEXTS)
            for name, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [spoken_result(part, variables, is_text=is_text) for part in value]
    return value
