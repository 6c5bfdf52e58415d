# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reject settings with which a controller would not start, would not be reached, or would not be found. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ...errors import InputError
from ..shapes import shown
from ..words import likely
from .keys import Configurable, Path, seconds

_LEAVE = "leave it out"
_READS = "by it the controller knows how to read the file"
_SERVICE = "the certificate of the webhooks is made for the name of this Service"
_MOUNTED = "Conductor looks for the certificate of the webhooks there"
_LEASE = "an uninstall removes the Lease of this name from the operator's namespace"
_PROBES = "the probes of the pods call this endpoint"
_ENABLE = ("it decides who creates the certificates", "set `conductor_certificates`")
# Key -> why it cannot be changed, and what to do instead.
GUARDED: dict[str, tuple[str, str]] = {
    "apiVersion": (_READS, _LEAVE),
    "kind": (_READS, _LEAVE),
    "certManagement.enable": _ENABLE,
    "certManagement.webhookServiceName": (_SERVICE, _LEAVE),
    "certManagement.webhookSecretName": (_MOUNTED, _LEAVE),
    "internalCertManagement.enable": _ENABLE,
    "internalCertManagement.webhookServiceName": (_SERVICE, _LEAVE),
    "internalCertManagement.webhookSecretName": (_MOUNTED, _LEAVE),
    "leaderElection.resourceName": (_LEASE, _LEAVE),
    "leaderElection.resourceNamespace": (_LEASE, _LEAVE),
    "health.livenessEndpointName": (_PROBES, _LEAVE),
    "health.readinessEndpointName": (_PROBES, _LEAVE),
    "statusServer.port": ("TrainJobs report to the Service at this port", _LEAVE),
    "webhook.certDir": ("the Secret with the certificate is mounted in its folder", _LEAVE),
    "featureGates": ("feature gates have a variable of their own", "set `conductor_feature_gates`"),
    "tls.minVersion": ("TLS has a variable of its own", "set `conductor_tls`"),
    "tls.cipherSuites": ("TLS has a variable of its own", "set `conductor_tls`"),
    "tls.nextProtos": ("TLS has a variable of its own", "set `conductor_tls`"),
}
# Keys that can be changed, but not removed: without them, the controller would choose something else than the release.
_KEPT = {
    "leaderElection.leaderElect": "say true or false",
    "metrics.certDir": "write the folder with the certificate of the metrics",
}

_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
# client-go, tools/leaderelection: JitterFactor.
_JITTER = Decimal("1.2")


def check_setting(path: Path, value: Any, about: Configurable, present: Mapping[str, Any]) -> None:
    """Fail if a key must keep its value, or cannot have this one.

    Args:
        present: the configuration before.

    Raises:
        InputError: names the key, the reason and what to do instead.
    """
    key = ".".join(path)
    if key in GUARDED:
        why, instead = GUARDED[key]
        raise InputError(f"`{about.variable}`: {key} is not to be changed: {why}", next_step=instead)
    before = present
    for name in path:
        before = before.get(name, {})
    if value is None:
        if key in _KEPT and before != {}:
            raise InputError(f"`{about.variable}`: {key} is not to be removed", next_step=_KEPT[key])
        return
    rule = _RULES.get(path[-1])
    if problem := rule and rule(value, key, before):
        raise InputError(f"`{about.variable}`: {key} is {shown(value)}{problem.why}", next_step=problem.next_step)


class _Problem(NamedTuple):
    """What is wrong, after the value, and what to do."""

    why: str
    next_step: str


_Rule = Callable[[Any, str, Any], "_Problem | None"]


def _port(value: Any, _key: str, _before: Any) -> _Problem | None:
    return None if 1024 <= value <= 65535 else _Problem(", and no port", "write a number from 1024 to 65535")


def _address(value: Any, key: str, _before: Any) -> _Problem | None:
    host, colon, port = value.rpartition(":")
    is_port = colon and port.isascii() and port.isdigit() and len(port) < 6 and 1024 <= int(port) <= 65535
    if key.startswith("metrics") and value == "0":
        return None
    if not is_port:
        off = ', or "0" for no metrics' if key.startswith("metrics") else ""
        return _Problem(", and no address", f'write a colon and a port from 1024 to 65535, for example ":8443"{off}')
    bare = host.removeprefix("[").removesuffix("]")
    # Go splits the text at its last colon, so an IPv6 address needs brackets.
    written = host == (f"[{bare}]" if ":" in bare else bare)
    if written and (bare in _EVERY_ADDRESS or (key.startswith("metrics") and _is_loopback(bare))):
        return None
    return _Problem(", an address that the pod may not have", f'write only the port, ":{port}"')


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(value: Any, _key: str, _before: Any) -> _Problem | None:
    words = ", ".join(f'"{address}"' for address in _EVERY_ADDRESS)
    fits = value in _EVERY_ADDRESS
    return None if fits else _Problem(", an address that the pod may not have", f"set it to one of {words}")


def _lock(value: Any, _key: str, _before: Any) -> _Problem | None:
    return None if value == "leases" else _Problem(", a kind that no longer exists", "set it to leases")


def _not_negative(value: Any, _key: str, _before: Any) -> _Problem | None:
    return None if value >= 0 else _Problem(", and must not be negative", "write 0 or more")


def _folder(value: Any, _key: str, _before: Any) -> _Problem | None:
    return None if value.startswith("/") else _Problem(", and no absolute path", "begin it with a slash")


def _workers(value: Any, _key: str, before: Any) -> _Problem | None:
    for name, number in value.items():
        if before and name not in before:
            meant = likely(name, before)
            return _Problem(f" with {name}, which this controller does not handle{meant}", f"use {', '.join(before)}")
        if number is not None and number < 1:
            return _Problem(f" with {number} for {name}", "write 1 or more")
    return None


# By the last name of a key.
_RULES: dict[str, _Rule] = {
    "port": _port,
    "bindAddress": _address,
    "healthProbeBindAddress": _address,
    "host": _host,
    "resourceLock": _lock,
    "qps": _not_negative,
    "burst": _not_negative,
    "certDir": _folder,
    "groupKindConcurrency": _workers,
}


def check_whole(config: Mapping[str, Any], about: Configurable) -> None:
    """Fail if settings do not fit together.

    Args:
        config: the whole configuration.

    Raises:
        InputError: names the keys.
    """
    election = {name: _value(config, about, "leaderElection", name) for name in ("leaderElect", *_TIMES)}
    if election.pop("leaderElect") is True:
        lease, renew, retry = (seconds(str(election[name] or "0s")) or Decimal(0) for name in _TIMES)
        if not (lease >= 1 and lease > renew > _JITTER * retry > 0):
            now = ", ".join(f"{name} is {value or 'not set'}" for name, value in election.items())
            raise InputError(
                f"`{about.variable}`: the times of leaderElection do not fit together: {now}",
                next_step="make leaseDuration longer than renewDeadline and at least 1s, and renewDeadline longer than "
                "1.2 times retryPeriod",
            )
    used: dict[str, str] = {}
    for key, port in sorted(_ports(config, about)):
        if port in used:
            raise InputError(
                f"`{about.variable}`: {used[port]} and {key} both use port {port}", next_step="give them distinct ports"
            )
        used[port] = key


_TIMES = ("leaseDuration", "renewDeadline", "retryPeriod")


def _value(config: Mapping[str, Any], about: Configurable, section: str, name: str) -> Any:
    return (config.get(section) or {}).get(name, about.keys.get(f"{section}.{name}", {}).get("default"))


def _ports(config: Mapping[str, Any], about: Configurable) -> Iterator[tuple[str, str]]:
    for key in about.keys:
        section, _dot, name = key.rpartition(".")
        if _RULES.get(name) in (_address, _port):
            port = str(_value(config, about, section, name)).rpartition(":")[2]
            if port not in ("0", "None", ""):
                yield key, port
