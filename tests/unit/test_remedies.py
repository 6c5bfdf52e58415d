# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A next step that changes what an install applies names the variable for it, and each variable in a text exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.causes import KnownCause
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.event_causes import EVENT_CAUSES, POD_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import LOG_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import Signature
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.webhook_causes import WEBHOOK_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import CATALOGUE
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.catalogue import ENTRIES, FALLBACKS
from tests.support.playing import CLONE

SPECS = yaml.safe_load((CLONE / "roles" / "conductor" / "meta" / "argument_specs.yml").read_text())["argument_specs"]
VARIABLES = {name for spec in SPECS.values() for name in spec["options"]}
# Names with this prefix that are no variables of the role: of a playbook, of a statistic, and the beginning of names
# of the user's own.
OTHERS = {"conductor_targets", "conductor_report", "conductor_x_"}
NAME = re.compile(r"(?<![\w.])conductor_\w+")


class Text(NamedTuple):
    """A next step of a catalogue for an installation, and its cause."""

    name: str
    words: str


def texts() -> Iterator[Text]:
    """Every next step that a person with an installation may read: about controllers, their pods and their webhooks."""
    causes: list[KnownCause | Signature] = [*EVENT_CAUSES, *POD_CAUSES, *LOG_CAUSES, *WEBHOOK_CAUSES, *SIGNATURES]
    for known in causes:
        yield Text(known.cause, known.if_installed or known.next_step)
    for found in CATALOGUE:
        yield Text(found.code, found.next_step)
    for entry in (*ENTRIES, *FALLBACKS):
        yield Text(entry.kind, entry.if_installed or entry.if_given or entry.next_step)


# Words about something that an install applies, and the variables of which a text with them names one.
CHANGES: dict[str, tuple[str, ...]] = {
    r"image (?:that|name)|name and tag|another tag|correct the image": ("images", "registries"),
    r"imagePullSecrets|\bcredentials for|\bthese Secrets": ("image_pull_secrets", "image_pull_credentials"),
    r"imagePullPolicy|onto the nodes, or set": ("image_pull_policy",),
    r"memory (?:limit|request)|more CPU|ephemeral-storage|requests?\b.*\blimit|LimitRange|ResourceQuota|max\w*Ratio": (
        "resources",
    ),
    r"\btaints?\b|toleration": ("tolerations",),
    r"node selector|node-selector|labels and taints": ("node_selector",),
    r"PriorityClass": ("priority_class",),
    r"hostNetwork|host network|different ports": ("host_network",),
    r"sidecar|inject|\bexclude (?:inbound )?port": ("trainer_controller",),
    r"\bConfigMap, or|field from": ("trainer_controller",),
    r"allow ingress": ("extra_objects",),
    r"securityContext|runtimeClassName|flag from|change the polic|change the rule|change the constraint": ("patches",),
}
# What only looks like it.
OTHER_CHANGES: set[str] = set()


def silent(found: Iterable[Text], changes: dict[str, tuple[str, ...]]) -> list[str]:
    """The texts about something that an install applies which name none of its variables."""
    return [
        f"{text.name}: {text.words}"
        for text in found
        for words, variables in changes.items()
        if re.search(words, text.words) and not any(f"`conductor_{name}" in text.words for name in variables)
    ]


def test_a_next_step_that_changes_what_an_install_applies_names_the_variable() -> None:
    assert silent((text for text in texts() if text.name not in OTHER_CHANGES), CHANGES) == []


@pytest.mark.parametrize("words", CHANGES)
def test_every_rule_is_used(words: str) -> None:
    assert any(re.search(words, text.words) for text in texts() if text.name not in OTHER_CHANGES)
    assert all(f"conductor_{name}" in VARIABLES for name in CHANGES[words])


def test_every_exception_is_needed() -> None:
    assert [
        name for name in OTHER_CHANGES if not silent((text for text in texts() if text.name == name), CHANGES)
    ] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("raise the memory limit of the container", False),
        ("raise the memory limit of the container with `conductor_resources`", True),
        ("give the pods credentials for the registry (imagePullSecrets)", False),
        ("give the pods credentials for the registry by `conductor_images`", False),
        ("give the pods credentials for the registry by `conductor_image_pull_secrets`", True),
        ("remove a taint or add a node", False),
        ("wait a moment, then run this again", True),
    ],
)
def test_a_text_without_its_variable_is_found(words: str, said: bool) -> None:
    assert (silent([Text("x", words)], CHANGES) == []) is said


# The sentences that people were told to follow without a variable for it (study of the options, 1.6), by their words.
TOLD = {
    "its image is not in the registry": ("images", "registries"),
    "the registry denies the node access to its image": ("image_pull_credentials", "image_pull_secrets"),
    "its image is not on the node, and its imagePullPolicy forbids pulling it": ("image_pull_policy",),
    "it runs out of memory": ("resources",),
    "no node has enough capacity for it, or no node accepts it": ("tolerations", "node_selector", "resources"),
    "pod_security": ("patches",),
    "its configuration has the field {0}, which this release does not support": ("trainer_controller",),
    "it is started with the flag {0}{1}, which this release does not support": ("patches",),
    "a port that it listens on is already in use on its node": ("host_network",),
    "the kubelet restarts it, because it does not answer its liveness probe in time": ("resources",),
    "limit_range": ("resources",),
    "quota_unspecified": ("resources",),
    "default_deny": ("extra_objects",),
    "istio_injection": ("trainer_controller", "jobset_controller"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_people_were_told_without_a_variable_has_one(name: str) -> None:
    found = [text.words for text in texts() if text.name == name]
    assert found
    assert all(f"`conductor_{variable}" in words for words in found for variable in TOLD[name])


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def unknown(found: Iterable[str]) -> set[str]:
    """The variables in texts that do not exist."""
    return {name for text in found for name in NAME.findall(text)} - VARIABLES - OTHERS


# The lookup of unknown variables has examples of those.
@pytest.mark.parametrize("folder", ["module_utils", "modules", "filter", "doc_fragments"])
def test_every_variable_that_a_text_names_exists(folder: str) -> None:
    files = (CLONE / "plugins" / folder).rglob("*.py")
    assert unknown(text for path in files for text in strings(path)) == set()


def test_an_unknown_variable_is_found() -> None:
    assert unknown(["set `conductor_shiny: true`, or conductor_images"]) == {"conductor_shiny"}
    assert unknown(["ansible_collections.conductor.trainer, my_conductor_x, conductor.trainer.conductor_y"]) == set()


def test_every_text_is_looked_at() -> None:
    kinds: list[Any] = [EVENT_CAUSES, POD_CAUSES, LOG_CAUSES, WEBHOOK_CAUSES, SIGNATURES, CATALOGUE, ENTRIES, FALLBACKS]
    assert len(list(texts())) == sum(map(len, kinds))
