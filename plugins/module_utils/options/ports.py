# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of the controllers: the network of the nodes, and everything that names a port. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .configuration import config_of, edit_config
from .draft import Controller, Draft, container_of, pod_of

# What each server of a controller is called in its configuration, and its port by default. The names of the container's
# ports begin with the same words.
_SERVERS: dict[str, tuple[str, str, int]] = {
    "health": ("health", "healthProbeBindAddress", 8081),
    "metrics": ("metrics", "bindAddress", 8443),
    "webhook": ("webhook", "port", 9443),
    "status": ("statusServer", "port", 10443),
}
# Added to the ports of a controller on the network of its node, so that both fit on one node.
_APART = {"trainer": 0, "jobset": 1}
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def host_network(draft: Draft, controller: Controller, value: bool) -> None:
    """Let the pods use the network of their node."""
    if not value:
        return
    deployment = draft.edit(controller.deployment)
    pod_of(deployment).update(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")
    # A second pod does not get its ports on the same node: the old one has to end first.
    deployment["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    ports, declared = ports_of(draft, controller), container_of(deployment)["ports"]
    if not any(_server(port) == "health" for port in declared):
        # The scheduler knows only declared ports.
        declared.append({"name": "health", "containerPort": ports["health"], "protocol": "TCP"})
    if distance := _APART[controller.component]:
        move_ports(draft, controller, {server: port + distance for server, port in ports.items()})


def ports_of(draft: Draft, controller: Controller) -> dict[str, int]:
    """Return the port of each server according to the configuration; none for a server that is switched off."""
    config, found = config_of(draft, controller), {}
    declared = {_server(port) for port in container_of(draft.look(controller.deployment))["ports"]}
    for server, (section, name, default) in _SERVERS.items():
        value = (config.get(section) or {}).get(name)
        port = str(default if value in (None, "") else value).rpartition(":")[2]
        if port.isascii() and port.isdigit() and int(port) and server in {*declared, "health"}:
            found[server] = int(port)
    return found


def move_ports(draft: Draft, controller: Controller, ports: Mapping[str, int]) -> None:
    """Let the servers listen on other ports."""

    def change(config: dict[str, Any]) -> None:
        for server, port in ports.items():
            section, name, _default = _SERVERS[server]
            values = config.setdefault(section, {})
            host = str(values.get(name) or "").rpartition(":")[0]
            values[name] = port if name == "port" else f"{host}:{port}"

    edit_config(draft, controller, change)
    follow_ports(draft, controller)


def follow_ports(draft: Draft, controller: Controller) -> None:
    """Let the container, its probes and the Services use the ports of the configuration."""
    moved: dict[int, tuple[int, str]] = {}
    container = container_of(draft.look(controller.deployment))
    before = {_server(port): (port["containerPort"], port["name"]) for port in container["ports"]}
    for server, port in ports_of(draft, controller).items():
        number, name = before.get(server, (_SERVERS[server][2], ""))
        if number != port:
            moved[number] = (port, name)
    if not moved:
        return
    container = container_of(draft.edit(controller.deployment))
    for declared in container["ports"]:
        declared["containerPort"] = moved.get(declared["containerPort"], (declared["containerPort"],))[0]
    for probe in (container[name]["httpGet"] for name in _PROBES):
        # A named port of the container moves with it.
        probe["port"] = moved.get(probe["port"], (probe["port"],))[0]
    labels = draft.look(controller.deployment)["spec"]["template"]["metadata"]["labels"]
    for key in draft.of_kind("Service"):
        selector = draft.look(key)["spec"].get("selector") or {}
        entries = draft.look(key)["spec"]["ports"]
        if selector.items() <= labels.items() and any(entry["targetPort"] in moved for entry in entries):
            for entry in draft.edit(key)["spec"]["ports"]:
                if entry["targetPort"] in moved:
                    # By name, which the pods with the old port have, too: a rollout interrupts nothing.
                    entry["targetPort"] = moved[entry["targetPort"]][1]


def check_ports(draft: Draft) -> None:
    """Fail if two controllers on the network of the nodes use the same port.

    Raises:
        InputError: names the port.
    """
    used: dict[int, str] = {}
    for controller in draft.controllers():
        deployment = draft.look(controller.deployment)
        if not pod_of(deployment).get("hostNetwork"):
            continue
        for port in container_of(deployment)["ports"]:
            number = port["containerPort"]
            if number in used:
                raise InputError(
                    f"conductor_host_network: {used[number]} and {controller.component} both use port {number}, and no "
                    "node could run both",
                    next_step=f"change the port in conductor_{controller.component}_controller.config",
                )
            used[number] = controller.component


def _server(port: Mapping[str, Any]) -> str:
    return str(port["name"]).partition("-")[0]
