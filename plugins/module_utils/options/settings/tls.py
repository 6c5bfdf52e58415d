# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the controllers' servers, which each controller spells in its own way. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ..configuration import edit_config
from ..draft import Controller, Draft
from ..shapes import shown
from ..spec import variables_of
from ..words import likely

_NAME = "tls"
# How the controllers call the versions. Clients of webhooks are API servers, none of which needs older ones.
_VERSIONS = {
    "trainer": {"1.2": "1.2", "1.3": "1.3"},
    "jobset": {"1.2": "VersionTLS12", "1.3": "VersionTLS13"},
}
_NEWEST = "1.3"
# ALPN, as Go's net/http knows it.
_PROTOCOLS = ("h2", "http/1.1")
# Name -> key in the configuration.
_KEYS = {"min_version": "minVersion", "cipher_suites": "cipherSuites", "next_protos": "nextProtos"}
# More values are not listed. No list has about as many.
_FEW = 10  # pragma: no mutate
_SUITE = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
# JobSet's feature gate.
_GATE = "TLSOptions"


def check_tls(draft: Draft, options: Mapping[str, Any]) -> None:
    """Fail if a name or a value is not one of those that the controllers have.

    Raises:
        InputError: names the value and what is allowed.
    """
    for variable, values, components in variables_of(options, _NAME):
        known = [name for name, key in _KEYS.items() if any(_has(draft, one, key) for one in components)]
        for name, value in values.items():
            if name not in known:
                raise InputError(
                    f"`{variable}` has no option {name}{likely(str(name), dict.fromkeys(known))}",
                    next_step=f"correct or remove it; the options are {', '.join(known)}",
                )
            if value is not None:
                _check(f"`{variable}`: {name}", value, _allowed(draft, name), many=name != "min_version")


def _allowed(draft: Draft, name: str) -> tuple[str, ...]:
    """Return the values of a name."""
    if name == "cipher_suites":
        return tuple(draft.bundle.configurations["trainer"][name])
    return _PROTOCOLS if name == "next_protos" else tuple(_VERSIONS["trainer"])


def _check(where: str, value: Any, allowed: tuple[str, ...], *, many: bool) -> None:
    if many and not isinstance(value, list):
        raise InputError(f"{where} is {shown(value)}, and must be a list", next_step="write a list there")
    for item in value if many else [str(value)]:
        if item not in allowed:
            meant = likely(str(item), dict.fromkeys(allowed))
            raise InputError(
                f"{where} has {shown(item)}{meant}" if many else f"{where} is {shown(item)}",
                next_step=f"use one of {', '.join(allowed)}"
                if len(allowed) < _FEW
                else f"use names of Go's package crypto/tls, for example {_SUITE}",
            )


def _has(draft: Draft, component: str, key: str) -> bool:
    return f"{_NAME}.{key}" in draft.bundle.configurations[component]["keys"]


def tls(draft: Draft, controller: Controller, value: Mapping[str, Any]) -> None:
    """Set the oldest version, the cipher suites and the protocols of the servers."""
    component = controller.component
    wanted = {
        _KEYS[name]: one for name, one in value.items() if one is not None and _has(draft, component, _KEYS[name])
    }
    version = wanted.get("minVersion")
    if version is not None:
        wanted["minVersion"] = _VERSIONS[component][str(version)]
    if wanted.get("cipherSuites") and str(version) == _NEWEST:
        raise InputError(
            f"`{draft.variable}`: TLS {_NEWEST} has fixed cipher suites, and cipher_suites has no effect on it",
            next_step="leave out cipher_suites, or set min_version to 1.2",
        )

    def change(config: dict[str, Any]) -> None:
        if config.get("featureGates", {}).get(_GATE) is False:
            raise InputError(
                f"`{draft.variable}` has no effect on {component}: its feature gate {_GATE} is switched off",
                next_step=f"leave {_GATE} out of the feature gates",
            )
        config.setdefault(_NAME, {}).update(wanted)

    if wanted:
        edit_config(draft, controller, change)
