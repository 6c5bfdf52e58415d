# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the bundle of a release from its kustomization."""

from pathlib import Path
from typing import Any

from .differences import sides
from .documents import GenerateError, canonical, into_phases, load_documents, load_file, replacements, seal
from .release import Release
from .sources import Programs, config_hashes, from_modules, render_upstream, runtime_list

FORMAT = 1
#: Expectation of a probe -> its additional key.
EXPECTATIONS = {"denied": ["says"], "allowed": [], "mutated": ["adds"]}


def generate(programs: Programs, sources: Path, tree: Path, release: Release) -> list[str]:
    """Write the generated files and the bundle of a release into ``tree``; return their paths, relative to it.

    ``sources`` has the go.mod files; ``tree`` is the same, or a copy of its kustomizations. Raises GenerateError.
    """
    written = _write(tree, from_modules(programs, sources, release) | runtime_list(tree, release))
    # A first render yields the configuration, and requires that the patches exist: with any digest.
    components = release.components.values()
    stand_in = [{"kind": "ConfigMap", "metadata": {"name": c.config_map}, "data": {}} for c in components]
    for folder in release.configured.values():
        _write(tree, config_hashes(release, stand_in, folder))
    for name, folder in release.configured.items():
        written += _write(tree, config_hashes(release, render(programs, tree / release.profiles[name]), folder))
    profiles = {name: render(programs, tree / folder) for name, folder in release.profiles.items()}
    runtimes = render(programs, tree / release.runtimes)
    probes = load_file(tree / release.probes)
    for number, probe in enumerate(probes):
        check_probe(probe, f"{release.probes}: probe {number} ({probe.get('webhook', 'no webhook')})")
    configurations = {c.name: programs.configuration(sources / release.go_module(c)) for c in components}
    upstream = render_upstream(programs, sources, release)
    bundle = assemble(release, profiles, runtimes, probes, configurations, upstream)
    return written + _write(tree, {release.bundle: canonical(bundle) + "\n"})


def render(programs: Programs, folder: Path) -> list[dict[str, Any]]:
    """Return the objects of a kustomization; raises GenerateError."""
    return load_documents(programs.kustomize(folder))


def render_default(programs: Programs, tree: Path, release: Release) -> list[dict[str, Any]]:
    """Return the objects of the first profile and the runtimes, as ``tree`` describes them; raises GenerateError."""
    folders = (next(iter(release.profiles.values())), release.runtimes)
    return [obj for folder in folders for obj in render(programs, tree / folder)]


def assemble(
    release: Release,
    profiles: dict[str, list[dict[str, Any]]],
    runtimes: list[dict[str, Any]],
    probes: list[dict[str, Any]],
    configurations: dict[str, Any],
    upstream: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the sealed bundle: the first profile, and what the other profiles replace in it; raises GenerateError."""
    (_, default), *others = profiles.items()
    for obj in (*default, *runtimes):
        _check_object(obj)
    webhooks = {hook["name"] for obj in default for hook in obj.get("webhooks", [])}
    unproven = webhooks.symmetric_difference(probe["webhook"] for probe in probes)
    if unproven:
        raise GenerateError(f"webhooks without a probe, or probes without a webhook: {', '.join(sorted(unproven))}")
    return seal(
        {
            "format": FORMAT,
            "release": release.release,
            "components": {component.name: component.version for component in release.components.values()},
            "kubernetes_minimum": release.kubernetes_minimum,
            "namespace": release.namespace,
            "probe_namespace": release.probe_namespace,
            "phases": into_phases([*default, *runtimes]),
            "profiles": {
                next(iter(profiles)): [],
                **{name: replacements(default, objects) for name, objects in others},
            },
            "probes": probes,
            "configurations": configurations,
            # Digests only.
            "upstream": sides([*default, *runtimes], upstream),
        }
    )


def _check_object(obj: dict[str, Any]) -> None:
    """Reject fields that a controller writes at run time, and objects without fields."""
    metadata = obj["metadata"]
    # Applying these would remove certificates.
    if obj["kind"] == "Secret" and ("data" in obj or "stringData" in obj):
        raise GenerateError(f"Secret {metadata['name']} has data, which the controller writes: remove the key")
    for hook in obj.get("webhooks", []):
        if "caBundle" in hook["clientConfig"]:
            raise GenerateError(f"webhook {hook['name']} has a caBundle, which the controller writes: remove the key")
    # Server-side apply would record no owner for such an object, and drift would not show.
    if not obj.keys() - {"apiVersion", "kind", "metadata"} and not metadata.keys() - {"name", "namespace"}:
        raise GenerateError(f"{obj['kind']} {metadata['name']} sets no field: add a label, so that it has an owner")


def check_probe(probe: dict[str, Any], where: str) -> None:
    """Raise GenerateError, beginning with ``where``, if the modules would not understand a probe."""
    expect = probe.get("expect", "")
    if expect not in EXPECTATIONS:
        raise GenerateError(f"{where}: expect is {expect!r}, not one of {', '.join(EXPECTATIONS)}")
    wanted = {"webhook", "configuration", "expect", "object", *EXPECTATIONS[expect]}
    if probe.keys() - {"needs"} != wanted:
        raise GenerateError(f"{where}: keys {sorted(probe)}; a probe that expects {expect} has {sorted(wanted)}")
    for pointer in probe.get("adds", []):
        if not pointer.startswith("/"):
            raise GenerateError(f"{where}: {pointer!r} is not a JSON Pointer: it must begin with a slash")
        if _exists(probe["object"], pointer):
            raise GenerateError(f"{where}: {pointer} already exists, so the probe would not prove the webhook")


def _exists(value: Any, pointer: str) -> bool:
    """Return whether a JSON Pointer (RFC 6901) leads to a value."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name) if isinstance(value, list) else name]
        except (LookupError, TypeError, ValueError):
            return False
    return True


def _write(tree: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
