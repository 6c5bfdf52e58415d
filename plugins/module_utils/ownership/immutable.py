# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find fields of an existing object that differ from the release and that the API server never changes. Pure.

An object of another installer may have them: then no apply can make it the release's, and only a new object can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..objects.fields import part, parts, text, texts


class Difference(NamedTuple):
    """A field that cannot be changed, with its present value and that of the release, as text."""

    field: str
    found: str
    wanted: str


_Object = Mapping[str, Any]
_Check = Callable[[_Object, _Object], Iterator[Difference]]


def immutable_differences(manifest: _Object, live: _Object) -> list[Difference]:
    """Return the differences in immutable fields; empty if the object can become the one in the manifest.

    Args:
        manifest: the object of the release.
        live: the existing object of the same kind and name, complete.
    """
    check = _CHECKS.get(str(manifest.get("kind")))
    return list(check(manifest, live)) if check is not None and live else []


def _selector(manifest: _Object, live: _Object) -> Iterator[Difference]:
    # apps/v1: ValidateDeploymentUpdate and its siblings for DaemonSets and StatefulSets.
    found, wanted = part(live, "spec", "selector"), part(manifest, "spec", "selector")
    if found and wanted and _normalized(found) != _normalized(wanted):
        yield Difference("spec.selector", _labels(found), _labels(wanted))


def _role(manifest: _Object, live: _Object) -> Iterator[Difference]:
    # rbac/v1: ValidateRoleBindingUpdate.
    found, wanted = part(live, "roleRef"), part(manifest, "roleRef")
    if found and wanted and any(text(found, name) != text(wanted, name) for name in ("kind", "name")):
        yield Difference("roleRef", *(f"{text(role, 'kind')} {text(role, 'name')}" for role in (found, wanted)))


def _address(manifest: _Object, live: _Object) -> Iterator[Difference]:
    # core/v1: ValidateServiceUpdate does not change clusterIP; the API server calls webhooks by a cluster IP.
    kind, address = text(live, "spec", "type"), text(live, "spec", "clusterIP")
    wanted = text(manifest, "spec", "clusterIP") or "a cluster IP"
    if kind == "ExternalName":
        yield Difference("spec.type", kind, text(manifest, "spec", "type") or "ClusterIP")
    elif address == "None" and wanted != "None":
        yield Difference("spec.clusterIP", "None", wanted)


def _definition(manifest: _Object, live: _Object) -> Iterator[Difference]:
    # apiextensions/v1: ValidateCustomResourceDefinitionUpdate for established CRDs, and storedVersions.
    for names in (("spec", "scope"), ("spec", "names", "kind"), ("spec", "names", "plural")):
        found, wanted = text(live, *names), text(manifest, *names)
        if found and wanted and found != wanted:
            yield Difference(".".join(names), found, wanted)
    known = [text(version, "name") for version in parts(manifest, "spec", "versions")]
    stored = [version for version in texts(live, "status", "storedVersions") if version not in known]
    if stored and known:
        yield Difference("status.storedVersions", ", ".join(stored), ", ".join(known))


def _content(manifest: _Object, live: _Object) -> Iterator[Difference]:
    # core/v1: ValidateConfigMapUpdate and ValidateSecretUpdate.
    if text(manifest, "type") and text(live, "type") and text(manifest, "type") != text(live, "type"):
        yield Difference("type", text(live, "type"), text(manifest, "type"))
    if live.get("immutable") is True and manifest.get("immutable") is not True:
        yield Difference("immutable", "true", "a content that can be changed")


def _job(manifest: _Object, live: _Object) -> Iterator[Difference]:
    # batch/v1: ValidateJobUpdate. The server adds labels and defaults to a template: compare what identifies it.
    yield from (one for one in _selector(manifest, live) if part(manifest, "spec", "selector"))
    for container, wanted in zip(_containers(live), _containers(manifest), strict=False):
        for name in ("name", "image"):
            if text(container, name) != text(wanted, name):
                yield Difference(f"spec.template.spec.containers.{name}", text(container, name), text(wanted, name))
    if text(live, "spec", "completionMode") and text(manifest, "spec", "completionMode"):
        found, mode = text(live, "spec", "completionMode"), text(manifest, "spec", "completionMode")
        if found != mode:
            yield Difference("spec.completionMode", found, mode)


def _containers(job: _Object) -> list[Mapping[str, Any]]:
    return list(parts(job, "spec", "template", "spec", "containers"))


def _normalized(selector: _Object) -> tuple[Any, ...]:
    expressions = sorted(
        (text(one, "key"), text(one, "operator"), tuple(sorted(texts(one, "values"))))
        for one in parts(selector, "matchExpressions")
    )
    return (sorted(part(selector, "matchLabels").items()), expressions)


def _labels(selector: _Object) -> str:
    labels = [f"{name}={value}" for name, value in sorted(part(selector, "matchLabels").items())]
    expressions = [
        f"{text(one, 'key')} {text(one, 'operator')} ({', '.join(texts(one, 'values'))})"
        for one in parts(selector, "matchExpressions")
    ]
    return ",".join([*labels, *expressions])


_CHECKS: Mapping[str, _Check] = {
    "Deployment": _selector,
    "DaemonSet": _selector,
    "StatefulSet": _selector,
    "RoleBinding": _role,
    "ClusterRoleBinding": _role,
    "Service": _address,
    "CustomResourceDefinition": _definition,
    "ConfigMap": _content,
    "Secret": _content,
    "Job": _job,
}
