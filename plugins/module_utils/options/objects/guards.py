# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check after all options that nothing changed that Conductor relies on, whatever option did it. Pure.

Conductor finds objects by names and labels, reaches the controllers through Services and webhooks, and knows where
certificates and the configuration are. C(guarded.py) lists the fields; here are the rules about several objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...errors import InputError
from ...objects.fields import part, parts, text
from ...objects.resources import Key, key_of
from ...objects.shapes import misshapen
from ...release.bundle import Bundle, Change
from ...release.components import is_named_jobset
from .guarded import IDENTITY, OF_KIND, Guard, config_hash

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")
_HASH = "conductor.trainer/config-sha256"
_LEAVE_OUT = "leave this field as the release has it"

Objects = Mapping[Key, Mapping[str, Any]]


def check_guards(before: Bundle, after: Bundle) -> None:
    """Fail if an option changed a field that Conductor relies on.

    Args:
        before: the release without options.
        after: the same with them.

    Raises:
        InputError: names the option, the field, the reason and the option to use instead.
    """
    old = {key_of(manifest): manifest for manifest in before.objects()}
    # Objects by the key that they had: a patch may have changed it.
    changed: dict[Key, Mapping[str, Any] | None] = {change.key: change.after for change in after.changes}
    new = {**old, **{key: manifest for key, manifest in changed.items() if manifest is not None}}
    for key, manifest in changed.items():
        if manifest is None:
            raise _error(_first(after.changes, key, lambda found: found), f"removes {key}", _LEAVE_OUT)
        _check_object(key, old.get(key), manifest, after.changes)
    for service in sorted(_services_of_webhooks(before) & old.keys()):
        _check_service(service, old, new, after.changes)
    for key in (key for key in old if key.kind == "Deployment"):
        _check_config(key, old, new, after.changes)


def _check_object(
    key: Key, before: Mapping[str, Any] | None, manifest: Mapping[str, Any], changes: tuple[Change, ...]
) -> None:
    """Compare the guarded fields of one object. Of an object of the user only the identity is guarded."""
    added = next((change.after for change in changes if change.key == key), None)
    original = before if before is not None else added
    if where := misshapen(original, manifest):
        raise _error(
            _first(changes, key, lambda found: misshapen(original, found)),
            f"puts a value of another type into {where} of {key}",
            "compare it with the object of the release",
        )
    for guard in (*IDENTITY, *(OF_KIND.get(key.kind, ()) if before is not None else ())):
        wanted = guard.read(original or {})
        if guard.is_kept(wanted, guard.read(manifest)):
            continue

        def differs(found: Mapping[str, Any], guard: Guard = guard, wanted: Any = wanted) -> bool:
            return not guard.is_kept(wanted, guard.read(found))

        controller = f"conductor_{'jobset' if is_named_jobset(key.name) else 'trainer'}_controller"
        raise _error(
            _first(changes, key, differs),
            f"changes {guard.field} of {key}, {guard.why}",
            guard.instead.format(controller=controller) or _LEAVE_OUT,
        )


def _check_service(key: Key, old: Objects, new: Objects, changes: tuple[Change, ...]) -> None:
    """Check that the webhooks' Service leads to its own controller, and to the port on which this listens."""
    known = _pods_of(old[key], old)
    for workload in _pods_of(new[key], new):
        if workload not in known:
            raise _error(
                _first(changes, workload, lambda found: _is_selected(new[key], found)),
                f"gives the pods of {workload} the labels by which {key} selects the webhooks' controller",
                "use other labels for these pods",
            )
    for deployment in known:
        config = _config_of(old[deployment])
        culprits = [change for change in changes if change.key in (key, deployment, config)]
        # Most options change none of them, and nothing has to be parsed.
        same = _same_ports(key, deployment, old, new)
        if not same and _leads_to(new[key], new[deployment]) != _listens_on(new.get(config, {})):
            raise _error(
                culprits[-1].option,
                f"separates {key} from the port on which the webhooks of {deployment} are served",
                "use `conductor_host_network` to move the ports; it changes all fields together",
            )


def _same_ports(service: Key, deployment: Key, old: Objects, new: Objects) -> bool:
    config = _config_of(old[deployment])
    same = _leads_to(old[service], old[deployment]) == _leads_to(new[service], new[deployment])
    return same and part(old.get(config), "data") == part(new.get(config), "data")


def _check_config(key: Key, old: Objects, new: Objects, changes: tuple[Change, ...]) -> None:
    """Check that the pods restart with a changed configuration: their annotation has its digest."""
    config = _config_of(old[key])
    culprits = [change for change in changes if change.key in (key, config)]
    before, after = (part(objects[key], "spec", "template", "metadata", "annotations") for objects in (old, new))
    same = part(old.get(config), "data") == part(new.get(config), "data")
    if same and before.get(_HASH) == after.get(_HASH):
        return
    if after.get(_HASH) != config_hash(new.get(config, {})):
        component = "jobset" if is_named_jobset(key.name) else "trainer"
        raise _error(
            culprits[-1].option,
            f"separates {config} from the annotation {_HASH} of {key}, by which pods restart with a new configuration",
            f"use `conductor_{component}_controller` with config",
        )


def _services_of_webhooks(bundle: Bundle) -> set[Key]:
    return {
        Key("v1", "Service", text(service, "namespace"), text(service, "name"))
        for configuration in bundle.webhook_configurations()
        for webhook in parts(configuration, "webhooks")
        if (service := part(webhook, "clientConfig", "service"))
    }


def _pods_of(service: Mapping[str, Any], objects: Objects) -> list[Key]:
    """Return the workloads whose pods a Service selects."""
    namespace = text(service, "metadata", "namespace")
    return [
        key
        for key, manifest in objects.items()
        if key.kind in _WORKLOADS and key.namespace == namespace and _is_selected(service, manifest)
    ]


def _is_selected(service: Mapping[str, Any], workload: Mapping[str, Any]) -> bool:
    selector = part(service, "spec", "selector")
    return selector.items() <= part(workload, "spec", "template", "metadata", "labels").items()


def _leads_to(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> Any:
    """Return the number of the container's port to which the Service's port for webhooks leads."""
    ports = parts(service, "spec", "ports")
    target = next((port.get("targetPort", port.get("port")) for port in ports if port.get("port") == 443), None)
    named = {
        text(port, "name"): port.get("containerPort")
        for container in _containers(deployment)
        for port in parts(container, "ports")
    }
    return named.get(target) if isinstance(target, str) else target


def _listens_on(config: Mapping[str, Any]) -> Any:
    # Most options change no configuration.
    from ...objects.documents import documents

    port: Any = None
    for content in part(config, "data").values():
        for document in documents(content):
            port = part(document, "webhook").get("port", port)
    # The default of controller-runtime (pkg/webhook/server.go).
    return 9443 if port is None else port


def _config_of(deployment: Mapping[str, Any]) -> Key:
    """Return the ConfigMap with the configuration; of a Deployment of the release, because options mount others."""
    names = [text(volume, "configMap", "name") for volume in parts(deployment, "spec", "template", "spec", "volumes")]
    return Key("v1", "ConfigMap", text(deployment, "metadata", "namespace"), next(filter(None, names), ""))


def _containers(deployment: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from parts(deployment, "spec", "template", "spec", "containers")


def _first(changes: tuple[Change, ...], key: Key, is_wrong: Callable[[Mapping[str, Any]], object]) -> str:
    """Return the option after which an object is wrong for the first time."""
    of_key = [change for change in changes if change.key == key]
    return next((change.option for change in of_key if change.after is None or is_wrong(change.after)), "")


def _error(option: str, what: str, next_step: str) -> InputError:
    return InputError(f"`conductor_{option}` {what}", next_step=next_step)
