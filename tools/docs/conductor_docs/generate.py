# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of README.md and docs/ from the argument specs, the catalogues and the bundle.

A page holds a table between ``<!-- generated: NAME -->`` and ``<!-- end generated -->``; the text around it is
written by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES, SLOW
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import FAILURE_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.webhook_causes import WEBHOOK_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import CATALOGUE
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import (
    BUNDLE_ARG_SPEC,
    OLDEST_CLIENT,
    OLDEST_PYTHON,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.versions import TESTED_KUBERNETES

CLONE = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"(<!-- generated: (\S+) [^\n]*-->\n).*?(<!-- end generated -->)", re.DOTALL)
# The variables of the role, without their prefix: the README shows the common ones, docs/variables.md the other groups.
GROUPS = {
    "common": "kubeconfig context host api_key cluster_uid release profile runtimes jobset certificates wait_timeout "
    "accept adopt",
    "cluster": "kubeconfig context host api_key ca_cert client_cert client_key validate_certs proxy no_proxy "
    "impersonate_user impersonate_groups in_cluster cluster_uid",
    "installed": "release profile runtimes jobset certificates certificates_ca certificates_pem",
    "how": "wait_timeout verify_timeout lease_timeout progress concurrency smoke smoke_image smoke_timeout "
    "status_file status_strict",
    "safety": "accept adopt force_conflicts prune prune_crds remove_crds remove_user_data abandon_jobs",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def markdown(text: str) -> str:
    """Return a description of a spec, which uses Ansible's markup, as Markdown."""
    text = re.sub(r"\b(?:O|V|C|RV|M|E)\(((?:[^()\\]|\\.)+)\)", r"`\1`", text)
    return re.sub(r"\bU\(([^)]+)\)", r"<\1>", text)


def variables() -> dict[str, tuple[dict[str, Any], list[str]]]:
    """Return every variable of the role: its option and the entry points that read it."""
    specs = yaml.safe_load((CLONE / "roles" / "conductor" / "meta" / "argument_specs.yml").read_text("utf-8"))
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for entry_point, spec in specs["argument_specs"].items():
        for name, option in spec["options"].items():
            found.setdefault(name, (option, []))[1].append(entry_point)
    return found


def default_of(option: dict[str, Any]) -> str:
    """Return the default as a cell of a table; empty if the option has none."""
    value = option.get("default")
    return "" if value is None else f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`"


def variable_rows(group: str) -> Iterator[tuple[str, ...]]:
    """Return the rows of a group of variables: name, type, default, meaning, entry points."""
    known = variables()
    for name in GROUPS[group].split():
        option, entry_points = known[f"conductor_{name}"]
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        every = len(entry_points) == max(len(found) for _option, found in known.values())
        text = markdown(" ".join(option["description"]))
        points = ("install" if point == "main" else point for point in entry_points)
        yield f"`conductor_{name}`", kind, default_of(option), text + choices, "all" if every else ", ".join(points)


def variable_table(group: str) -> str:
    """Return the table of one group.

    Raises:
        ValueError: a variable of the role is in no group, or a group names one that does not exist.
    """
    listed = {f"conductor_{name}" for names in GROUPS.values() for name in names.split()}
    if listed != variables().keys():
        raise ValueError(f"GROUPS and the argument specs differ: {sorted(listed ^ variables().keys())}")
    if group == "common":
        rows = ((name, default, text) for name, _kind, default, text, _points in variable_rows(group))
        return table(("variable", "default", "meaning"), rows)
    return table(("variable", "type", "default", "meaning", "read by"), variable_rows(group))


def compatibility() -> str:
    """Return the README's compatibility table."""
    release = BUNDLE_ARG_SPEC["release"]["default"]
    bundle = json.loads((CLONE / "roles" / "conductor" / "files" / "bundles" / f"{release}.json").read_text("utf-8"))
    first, last = (".".join(str(part) for part in version) for version in TESTED_KUBERNETES[release.rpartition(".")[0]])
    core = yaml.safe_load((CLONE / "meta" / "runtime.yml").read_text("utf-8"))["requires_ansible"]
    galaxy = yaml.safe_load((CLONE / "galaxy.yml").read_text("utf-8"))
    cores = sorted((path.stem.removeprefix("core-") for path in (CLONE / "requirements").glob("core-*.in")), key=len)
    minors = sorted(cores, key=lambda name: [int(part) for part in name.split(".")])
    local = (CLONE / "tools" / "cluster" / "go" / "kube" / "go.mod").read_text("utf-8")
    [ours] = re.findall(r"^\s*k8s\.io/kubernetes v(\d+\.\d+)", local, re.MULTILINE)
    python = ".".join(str(part) for part in OLDEST_PYTHON)
    rows = (
        ("Kubeflow Trainer (with JobSet)", f"{release} ({bundle['components']['jobset']})", release),
        (
            "Kubernetes",
            f"{bundle['kubernetes_minimum']} and later",
            f"{ours} on every change; {first} to {last} by Trainer itself",
        ),
        (
            "ansible-core",
            f"{core.removeprefix('>=').removesuffix('.0')} and later",
            f"{minors[0]} and {minors[-1]} on every change, {minors[1]} to {minors[-2]} before a release",
        ),
        ("Python, where the modules run", f"{python} and later", f"{python} and later"),
        ("Python library `kubernetes`", f"{OLDEST_CLIENT} and later", f"{OLDEST_CLIENT} and the newest"),
        (
            "`kubernetes.core`",
            f"{galaxy['dependencies']['kubernetes.core'].removeprefix('>=')} and later; not needed at run time",
            "the oldest and the newest",
        ),
    )
    return table(("", "supported", "tested"), rows)


def findings(severity: str) -> str:
    """Return the entries of the catalogue of this severity, one heading each."""
    return "".join(
        f"### `{entry.code}`\n\n{entry.cause[:1].upper()}{entry.cause[1:]}.\n\nNext: {entry.next_step}.\n\n"
        for entry in CATALOGUE
        if entry.severity == severity
    )


def causes(kind: str) -> str:
    """Return the table of one catalogue of failure causes."""
    rows = {
        # One cause may have several signatures.
        "certain": dict.fromkeys((entry.cause, entry.next_step) for entry in SIGNATURES if entry.grace != SLOW),
        "slow": dict.fromkeys((entry.cause, entry.next_step) for entry in SIGNATURES if entry.grace == SLOW),
        "logs": dict.fromkeys((entry.cause.replace("{0}{1}", "{0}"), entry.next_step) for entry in FAILURE_CAUSES),
        "webhooks": dict.fromkeys((entry.cause, entry.next_step) for entry in WEBHOOK_CAUSES),
    }[kind]
    return table(("cause", "next"), rows)


def content(name: str) -> str:
    """Return what belongs into the block of this name."""
    subject, _colon, part = name.partition(":")
    return {
        "compatibility": lambda: compatibility(),
        "variables": lambda: variable_table(part),
        "findings": lambda: findings(part),
        "causes": lambda: causes(part),
    }[subject]()


def generated(text: str) -> str:
    """Return a page with its blocks as they must be now."""
    return BLOCK.sub(lambda found: f"{found[1]}{content(found[2])}{found[3]}", text)


def pages() -> list[Path]:
    """Return the pages that may have generated blocks."""
    return [CLONE / "README.md", CLONE / "roles" / "conductor" / "README.md", *sorted((CLONE / "docs").glob("*.md"))]


def main() -> int:
    """Write the stale pages, or only name them."""
    parser = argparse.ArgumentParser(prog="tools/docs/generate", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if a page is stale")
    check = parser.parse_args().check
    stale = [path for path in pages() if generated(path.read_text("utf-8")) != path.read_text("utf-8")]
    for path in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(CLONE)}")
        if not check:
            path.write_text(generated(path.read_text("utf-8")), encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
