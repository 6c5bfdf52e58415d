# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of README.md and docs/, and the role's files that repeat its argument specs.

A page holds a table between ``<!-- generated: NAME -->`` and ``<!-- end generated -->``.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils import module_call
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.event_causes import EVENT_CAUSES, POD_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import LOG_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import SLOW
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.webhook_causes import WEBHOOK_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import CATALOGUE
from ansible_collections.conductor.trainer.plugins.module_utils.options.pulls.image_list import cells_of, image_rows
from ansible_collections.conductor.trainer.plugins.module_utils.options.settings.rules import GUARDED
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.catalogue import ENTRIES, FALLBACKS
from ansible_collections.conductor.trainer.plugins.module_utils.release import versions
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import parse_bundle

CLONE = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"(<!-- generated: (\S+) [^\n]*-->\n).*?(<!-- end generated -->)", re.DOTALL)
SPECS = "roles/conductor/meta/argument_specs.yml"
# The variables that people set, without their prefix: the README shows them.
COMMON = (
    "kubeconfig context host api_key cluster_uid release profile runtimes jobset certificates wait_timeout accept adopt"
)
# The comments in the argument specs above the variables of a group.
TITLES = ("The cluster", "What is installed", "What is changed about it", "How it runs", "Safety")
GROUPS = dict(zip(["cluster", "installed", "changed", "how", "safety"], TITLES, strict=True))
HEAD = """\
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Generated from meta/argument_specs.yml by tools/docs/generate.
---
"""
# The default release as text: the place in a file is what stands between the groups.
RELEASE = {
    "roles/conductor/meta/argument_specs.yml": r"(conductor_release:\n(?:.*\n){1,6}?\s+default: )\S+",
    "plugins/doc_fragments/bundle.py": r"(\n  release:\n(?:.*\n){1,6}?\s+default: )\S+",
}


def table(*rows: Iterable[str]) -> str:
    """Return a Markdown table; the first row is its head."""
    head, *body = (list(row) for row in rows)
    cells = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in cells)


def load(path: str) -> Any:
    """Return the content of a YAML or JSON file of the clone."""
    return yaml.load((CLONE / path).read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def default_bundle() -> Any:
    """Return the bundle of the default release."""
    return json.loads((CLONE / f"roles/conductor/files/bundles/{versions.DEFAULT_RELEASE}.json").read_text("utf-8"))


def variables() -> dict[str, tuple[dict[str, Any], list[str]]]:
    """Return every variable of the role: its option and the entry points that read it."""
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for entry_point, spec in load(SPECS)["argument_specs"].items():
        for name, option in spec["options"].items():
            found.setdefault(name, (option, []))[1].append("install" if entry_point == "main" else entry_point)
    return found


def grouped(text: str) -> dict[str, list[str]]:
    """Return the variables of each group, as the comments in the argument specs say."""
    titles = {title: group for group, title in GROUPS.items()}
    before, *parts = re.split(rf"^ +# ({'|'.join(titles)})\.$", text, flags=re.MULTILINE)
    found: dict[str, list[str]] = {group: [] for group in ("", *GROUPS)}
    for title, part in zip(("", *parts[::2]), (before, *parts[1::2]), strict=True):
        found[titles.get(title, "")] += re.findall(r"^ +(conductor_\w+):(?: &\w+)?$", part, re.MULTILINE)
    if outside := found.pop(""):
        raise ValueError(f"{outside[0]} is in no group: put it below one of the comments {', '.join(titles)}")
    return found


def variable_table(group: str) -> str:
    """Return the table of one group."""
    known = variables()
    every = max(len(entry_points) for _option, entry_points in known.values())
    rows = [("variable", "type", "default", "meaning", "read by")]
    common = [f"conductor_{name}" for name in COMMON.split()]
    for name in common if group == "common" else grouped((CLONE / SPECS).read_text("utf-8"))[group]:
        option, entry_points = known[name]
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        value = option.get("default")
        default = "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"
        text = re.sub(r"\b(?:O|V|C|RV|M|E)\(([^()]+)\)", r"`\1`", " ".join(option["description"]))
        text += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        readers = "all" if len(entry_points) == every else ", ".join(entry_points)
        rows.append((f"`{name}`", kind, default, text, readers))
    return table(*((row[0], *row[2:4]) for row in rows)) if group == "common" else table(*rows)


def images(_part: str) -> str:
    """Return the table of the container images that an installation and its runtimes need."""
    rows = cells_of(image_rows(parse_bundle(default_bundle()), {}))
    return table(("image", "platforms", "for"), *((f"`{source}`", *rest) for source, _image, *rest in rows))


def compatibility(_part: str) -> str:
    """Return the README's compatibility table."""
    bundle = default_bundle()
    release, oldest, jobset = bundle["release"], bundle["kubernetes_minimum"], bundle["components"]["jobset"]
    first, last = (".".join(map(str, version)) for version in versions.TESTED_KUBERNETES[release.rpartition(".")[0]])
    go = (CLONE / "tools/cluster/go/kube/go.mod").read_text("utf-8")
    [ours] = re.findall(r"^\s*k8s\.io/kubernetes v(\d+\.\d+)", go, re.MULTILINE)
    core = load("meta/runtime.yml")["requires_ansible"].removeprefix(">=").removesuffix(".0")
    cores = sorted((path.stem[5:] for path in CLONE.glob("requirements/core-*.in")), key=lambda name: int(name[2:]))
    tested = f"{cores[0]} and {cores[-1]} on every change, {cores[1]} to {cores[-2]} before a release"
    python, client = ".".join(map(str, module_call.OLDEST_PYTHON)), module_call.OLDEST_CLIENT
    collection = load("galaxy.yml")["dependencies"]["kubernetes.core"]
    return table(
        ("", "supported", "tested"),
        ("Kubeflow Trainer (with JobSet)", f"{release} ({jobset})", release),
        ("Kubernetes", f"{oldest} and later", f"{ours} on every change; {first} to {last} by Trainer itself"),
        ("ansible-core", f"{core} and later", tested),
        ("Python, where the modules run", f"{python} and later", f"{python} to 3.13"),
        ("Python library `kubernetes`", f"{client} and later", f"{client} and the newest"),
        ("`kubernetes.core`", f"{collection[2:]} and later; not needed at run time", "the oldest and the newest"),
    )


def keys(component: str) -> str:
    """Return the table of the keys of a controller's configuration."""
    rows = [("key", "type", "default", "can be set")]
    for name, key in default_bundle()["configurations"][component]["keys"].items():
        default = f"`{json.dumps(key['default'])}`" if "default" in key else ""
        rows.append((f"`{name}`", key["type"], default, f"no: {GUARDED[name][0]}" if name in GUARDED else "yes"))
    return table(*rows)


def gates(component: str) -> str:
    """Return the table of the feature gates of a controller."""
    known = default_bundle()["configurations"][component]["feature_gates"].items()
    rows = ((f"`{name}`", gate["stage"], "on" if gate["default"] else "off") for name, gate in known)
    return table(("gate", "stage", "default"), *rows)


def findings(severity: str) -> str:
    """Return the entries of the catalogue of this severity, one heading each."""
    return "".join(
        f"### `{entry.code}`\n\n{entry.cause[:1].upper()}{entry.cause[1:]}.\n\nNext: {entry.next_step}.\n\n"
        for entry in CATALOGUE
        if entry.severity == severity
    )


# What the placeholders of a rejection stand for on a page; the others are shown as their names in capitals.
_STANDS_FOR = {
    "what": "the request",
    "where": "namespace NAMESPACE",
    "exempt": "exempt the namespace NAMESPACE",
    "flag": " -n NAMESPACE",
    "called": "the Service",
    "by_binding": "",
    "limit_range": " NAME",
    "a_limit_range": "the LimitRange NAME",
}


def shown(text: str) -> str:
    """Return a text of the catalogue of rejections for a page."""
    return re.sub(r"\{(\w+)\}", lambda at: _STANDS_FOR.get(at[1], "" if at[1].endswith("_") else at[1].upper()), text)


def causes(kind: str) -> str:
    """Return the table of one catalogue of failure causes; a cause with several signatures appears once."""
    catalogues: dict[str, Iterable[Any]] = {
        "certain": (entry for entry in SIGNATURES if entry.grace != SLOW),
        "slow": (entry for entry in SIGNATURES if entry.grace == SLOW),
        "events": (*EVENT_CAUSES, *POD_CAUSES),
        "logs": LOG_CAUSES,
        "webhooks": WEBHOOK_CAUSES,
    }
    if kind == "rejections":
        steps = ((entry.cause, dict.fromkeys(filter(None, entry[3:6:2]))) for entry in (*ENTRIES, *FALLBACKS))
        cells = ((shown(cause), shown("; for a controller: ".join(some))) for cause, some in steps)
        return table(("cause", "next"), *dict.fromkeys(cells))
    rows = dict.fromkeys(
        (re.sub(r"\{0\}(?:\{\d\})+", "{0}", entry.cause), entry.if_installed or entry.next_step)
        for entry in catalogues[kind]
    )
    return table(("cause", "next"), *rows)


TABLES = (compatibility, images, keys, gates, findings, causes)
CONTENT = {"variables": variable_table, **{function.__name__: function for function in TABLES}}


def generated(text: str) -> str:
    """Return a page with its blocks as they must be now."""

    def block(found: re.Match[str]) -> str:
        subject, _colon, part = found[2].partition(":")
        return f"{found[1]}{CONTENT[subject](part)}{found[3]}"

    return BLOCK.sub(block, text)


def defaults(variables: dict[str, dict[str, Any]]) -> str:
    """Return the content of defaults/main.yml."""
    values = {name: option["default"] for name, option in variables.items() if "default" in option}
    text = yaml.safe_dump(values, default_flow_style=None, sort_keys=False)
    return f"{HEAD}# The cluster has no default: the host must name it.\n{text}"


def module_defaults(variables: dict[str, dict[str, Any]]) -> str:
    """Return the content of vars/main.yml: the options that every module of the collection has."""
    values = {"customize": "lookup('conductor.trainer.customization')"}
    for variable, option in variables.items():
        values[variable.removeprefix("conductor_")] = variable + ("" if "default" in option else " | default(omit)")
    names = [name for name in (*module_call.CONNECTION_ARG_SPEC, *module_call.BUNDLE_ARG_SPEC) if name in values]
    head = f"{HEAD}# The options that every module of this collection has, set once for all tasks of the role.\n"
    lines = "".join(f'  {name}: "{{{{ {values[name]} }}}}"\n' for name in names)
    return f"{head}__conductor_module_defaults:\n{lines}"


def with_default_release(path: str, text: str) -> str:
    """Return a file of C(RELEASE) with the default release in its place."""
    found, count = re.subn(RELEASE[path], rf"\g<1>{versions.DEFAULT_RELEASE}", text)
    if count != 1:
        raise ValueError(f"{path} names the default release {count} times instead of once")
    return found


def contents() -> dict[Path, str]:
    """Return every generated file as it must be now."""
    options = {name: option for name, (option, _entry_points) in variables().items()}
    role = CLONE / "roles" / "conductor"
    pages = (CLONE / "README.md", role / "README.md", *sorted(CLONE.glob("docs/*.md")))
    return {
        role / "defaults" / "main.yml": defaults(options),
        role / "vars" / "main.yml": module_defaults(options),
        **{CLONE / path: with_default_release(path, (CLONE / path).read_text("utf-8")) for path in RELEASE},
        **{path: generated(path.read_text("utf-8")) for path in pages},
    }


def main() -> None:
    """Write the files that are stale."""
    for path, text in contents().items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"docs: wrote {path.relative_to(CLONE)}")


if __name__ == "__main__":
    main()
