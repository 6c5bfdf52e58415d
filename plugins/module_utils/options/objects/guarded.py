# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields that no option may change, by kind: how to read each, why it is guarded, and what to use instead. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any, NamedTuple

from ...names import MANAGED_LABEL
from ...objects.digest import canonical
from ...objects.fields import part, parts, text, texts
from ...ownership.owner import traces_of

_MANAGER = "manager"
_ENDS = ("-", "--")
_POD = ("spec", "template", "spec")
# Fields of metadata that only the server sets, or that bind an object to others.
_SERVER = (
    "uid",
    "resourceVersion",
    "generation",
    "generateName",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "ownerReferences",
    "finalizers",
)

Item = Mapping[str, Any]


class Guard(NamedTuple):
    """A guarded field.

    Args:
        field: its path, for people.
        read: returns what is guarded of an object.
        why: the end of a sentence.
        instead: the next step, if there is a better one than to leave the field; C({controller}) is the variable with
            the options of its controller.
        may_grow: whether items may be added to what C(read) returns, a list.
    """

    field: str
    read: Callable[[Item], Any]
    why: str
    instead: str = ""
    may_grow: bool = False

    def is_kept(self, before: Any, after: Any) -> bool:
        """Return whether the values of the release and with options are the same for Conductor."""
        return all(item in after for item in before) if self.may_grow else bool(before == after)


def _at(*path: str) -> Callable[[Item], Any]:
    def read(manifest: Item) -> Any:
        return part(manifest, *path[:-1]).get(path[-1])

    return read


def _manager(manifest: Item) -> Item:
    return next((one for one in parts(manifest, *_POD, "containers") if text(one, "name") == _MANAGER), {})


def _managers(manifest: Item) -> list[str]:
    return [name for one in parts(manifest, *_POD, "containers") if (name := text(one, "name")) == _MANAGER]


def _selected_labels(manifest: Item) -> dict[str, str]:
    labels = part(manifest, "spec", "template", "metadata", "labels")
    return {name: text(labels, name) for name in part(manifest, "spec", "selector", "matchLabels")}


def _config_arguments(manifest: Item) -> list[str]:
    """Return the arguments that name the configuration. Go's package flag stops at the first that is no flag."""
    flags = takewhile(lambda argument: argument[:1] == "-" and argument not in _ENDS, texts(_manager(manifest), "args"))
    return [flag for flag in flags if flag.lstrip("-").partition("=")[0] == "config"]


def _ports(manifest: Item) -> list[tuple[str, str]]:
    return sorted((text(port, "name"), text(port, "port")) for port in parts(manifest, "spec", "ports"))


def _webhooks(manifest: Item) -> dict[str, Any]:
    names = ("clientConfig", "rules", "sideEffects", "admissionReviewVersions")
    return {
        f"{number}/{text(webhook, 'name')}": [webhook.get(name) for name in names]
        for number, webhook in enumerate(sorted(parts(manifest, "webhooks"), key=lambda one: text(one, "name")))
    }


def _versions(manifest: Item) -> list[tuple[Any, ...]]:
    return sorted(
        (text(version, "name"), version.get("served"), version.get("storage"), str(version.get("subresources")))
        for version in parts(manifest, "spec", "versions")
    )


def _rules(manifest: Item) -> list[Item]:
    return parts(manifest, "rules")


def _certificates(manifest: Item) -> list[Any]:
    """Return the settings of a controller on which certificates and Leases depend; all of it if it is unreadable."""
    # Most options change no configuration.
    from ...objects.documents import DocumentError, documents

    found: list[Any] = []
    for name, content in sorted(part(manifest, "data").items()):
        try:
            [document] = documents(str(content))
        except (DocumentError, ValueError):
            found.append((name, content))
            continue
        if not isinstance(document, Mapping):
            # The public ConfigMap has the version of the release, and no configuration.
            found.append((name, content))
            continue
        lease = part(document, "leaderElection")
        found.append(
            [
                name,
                document.get("apiVersion"),
                document.get("kind"),
                document.get("certManagement"),
                document.get("internalCertManagement"),
                lease.get("resourceName"),
                lease.get("resourceNamespace"),
            ]
        )
    return found


def _is_off(*path: str) -> Callable[[Item], bool]:
    # Only compared with each other: the opposite for both would be the same. So it is with replicas and ExternalName.
    return lambda manifest: part(manifest, *path[:-1]).get(path[-1]) is False  # pragma: no mutate


def _is_on(*path: str) -> Callable[[Item], bool]:
    return lambda manifest: part(manifest, *path[:-1]).get(path[-1]) is True  # pragma: no mutate


_TOKEN = "without whose token the controller cannot reach the API server"  # noqa: S105 - no password
_BY_NAME = "by which Conductor finds the object"

# Of every object, those of the user included.
IDENTITY = (
    Guard("apiVersion", _at("apiVersion"), _BY_NAME),
    Guard("kind", _at("kind"), _BY_NAME),
    Guard("metadata.name", _at("metadata", "name"), _BY_NAME),
    Guard("metadata.namespace", _at("metadata", "namespace"), _BY_NAME),
    Guard(
        f"the label {MANAGED_LABEL}",
        lambda manifest: part(manifest, "metadata", "labels").get(MANAGED_LABEL),
        "by which Conductor finds its objects",
    ),
    Guard(
        "the labels or annotations of other installers",
        lambda manifest: traces_of(part(manifest, "metadata")),
        "by which Conductor and that installer recognise what belongs to whom",
        "use other labels and annotations",
    ),
    Guard(
        f"one of metadata.{', '.join(_SERVER)}",
        lambda manifest: {name: part(manifest, "metadata").get(name) for name in _SERVER},
        "which belong to the server and to controllers",
    ),
    Guard("status", _at("status"), "which only controllers write"),
)

_CONTROLLER = (
    Guard(
        "spec.selector",
        _at("spec", "selector"),
        "by which pods are found and which no server lets change",
        "use `{controller}` with pod_labels",
    ),
    Guard(
        "the selected labels of the pods",
        _selected_labels,
        "by which the Deployment and the webhooks' Service find them",
        "use `{controller}` with pod_labels for other labels",
    ),
    Guard("the name of the container manager", _managers, "in which Conductor looks for errors and images"),
    Guard(
        "the command of the controller",
        lambda manifest: [_manager(manifest).get("command"), _config_arguments(manifest)],
        "which reads the configuration that Conductor writes",
        "use `{controller}` with config or log_level",
    ),
    Guard(
        "serviceAccountName",
        _at(*_POD, "serviceAccountName"),
        "which has the permissions of the controller",
        "add annotations to the ServiceAccount instead",
    ),
    Guard("automountServiceAccountToken", _is_off(*_POD, "automountServiceAccountToken"), _TOKEN),
    Guard(
        "the volumes with certificate and configuration",
        lambda manifest: parts(manifest, *_POD, "volumes"),
        "without which the webhooks do not answer",
        "use `{controller}` with volumes to add others",
        may_grow=True,
    ),
    Guard(
        "the mounts of certificate and configuration",
        lambda manifest: parts(_manager(manifest), "volumeMounts"),
        "without which the webhooks do not answer",
        "use `{controller}` with volume_mounts to add others",
        may_grow=True,
    ),
    Guard(
        "the readiness probe",
        lambda manifest: text(_manager(manifest), "readinessProbe", "httpGet", "path"),
        "by which an install waits until the webhooks answer",
    ),
    Guard(
        "spec.replicas to 0",
        lambda manifest: part(manifest, "spec").get("replicas", 1) in (0, "0"),  # pragma: no mutate
        "after which nobody answers the webhooks",
        "remove the installation with `state: absent`",
    ),
    Guard("spec.paused", _is_on("spec", "paused"), "after which no change reaches the pods"),
)

_WEBHOOKS = (
    Guard(
        "names, rules or clientConfig of webhooks",
        _webhooks,
        "by which the API server reaches the controllers and Conductor tests them",
        "use `conductor_certificates_ca` for the CA, and `conductor_profile` for the failurePolicy",
    ),
)

_BINDING = (
    Guard("roleRef", _at("roleRef"), "which no server lets change"),
    Guard(
        "the subjects",
        lambda manifest: parts(manifest, "subjects"),
        "without which the controller has no permissions",
        "only add subjects",
        may_grow=True,
    ),
)

_ROLE = (
    Guard("the rules", _rules, "each of which a controller needs", "only add rules", may_grow=True),
    Guard("aggregationRule", _at("aggregationRule"), "which would replace the rules"),
)

# Of the objects of the release, by kind.
OF_KIND: dict[str, tuple[Guard, ...]] = {
    "Deployment": _CONTROLLER,
    "Service": (
        Guard("spec.selector", _at("spec", "selector"), "by which the webhooks reach the controller"),
        Guard("spec.ports", _ports, "to which the API server sends requests for the webhooks"),
        Guard(
            "spec.type to ExternalName",
            lambda manifest: text(manifest, "spec", "type") == "ExternalName",  # pragma: no mutate
            "to which the API server sends no requests for webhooks",
        ),
        Guard("spec.clusterIP", _at("spec", "clusterIP"), "which the server chooses"),
    ),
    "ServiceAccount": (Guard("automountServiceAccountToken", _is_off("automountServiceAccountToken"), _TOKEN),),
    "MutatingWebhookConfiguration": _WEBHOOKS,
    "ValidatingWebhookConfiguration": _WEBHOOKS,
    "CustomResourceDefinition": (
        Guard("spec.group", _at("spec", "group"), "which the controllers ask for"),
        Guard("spec.names", _at("spec", "names"), "which the controllers ask for"),
        Guard("spec.scope", _at("spec", "scope"), "which no server lets change"),
        Guard("the versions", _versions, "which the controllers and stored objects need"),
        Guard("spec.conversion", _at("spec", "conversion"), "by which the API server reads stored objects"),
    ),
    "ConfigMap": (
        Guard(
            "the certificates or the Lease in the configuration",
            _certificates,
            "because Conductor looks for them there",
        ),
        Guard("immutable", _is_on("immutable"), "after which no release can change the object"),
    ),
    "Secret": (
        Guard("type", _at("type"), "which no server lets change"),
        Guard(
            "its values",
            lambda manifest: [manifest.get("data"), manifest.get("stringData")],
            "which the controller writes",
            "use `conductor_certificates: external` for certificates of your own",
        ),
        Guard("immutable", _is_on("immutable"), "after which the controller cannot write its certificate"),
    ),
    "Role": _ROLE,
    "ClusterRole": _ROLE,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
}


def config_hash(config_map: Item) -> str:
    """Return the digest of a configuration, as the annotation of the pods holds it."""
    return hashlib.sha256(canonical(part(config_map, "data"))).hexdigest()
