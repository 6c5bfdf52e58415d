# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of all catalogues: whole sentences, a next step that begins with a verb, and variables that exist."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.event_causes import EVENT_CAUSES, POD_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import LOG_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.webhook_causes import WEBHOOK_CAUSES
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import BY_CODE, CATALOGUE
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.catalogue import ENTRIES as REJECTIONS
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.catalogue import FALLBACKS
from tests.unit.plugins.helpers.builders import ROOT

SPECS = yaml.safe_load((ROOT / "roles" / "conductor" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
VARIABLES = set(SPECS["argument_specs"]["main"]["options"])

ENTRIES: tuple[Any, ...] = (
    *CATALOGUE,
    *SIGNATURES,
    *EVENT_CAUSES,
    *LOG_CAUSES,
    *POD_CAUSES,
    *WEBHOOK_CAUSES,
    *REJECTIONS,
    *FALLBACKS,
)
# A rejection has further next steps, and one may begin by what is exempted.
MORE = {
    (entry.cause, text) for entry in (*REJECTIONS, *FALLBACKS) for text in (entry.if_given, entry.if_installed) if text
}
TEXTS = sorted(
    {
        (cause, step.replace("{exempt}", "exempt it"))
        for cause, step in MORE | {(entry.cause, entry.next_step) for entry in ENTRIES}
    }
)
VERBS = frozenset(
    [
        "add",
        "allow",
        "change",
        "check",
        "configure",
        "correct",
        "create",
        "delete",
        "detach",
        "disable",
        "empty",
        "exempt",
        "find",
        "free",
        "give",
        "grant",
        "install",
        "issue",
        "keep",
        "load",
        "look",
        "lower",
        "make",
        "migrate",
        "put",
        "raise",
        "read",
        "remove",
        "rename",
        "renew",
        "repair",
        "report",
        "run",
        "search",
        "set",
        "shorten",
        "stop",
        "synchronise",
        "uncordon",
        "uninstall",
        "upgrade",
        "use",
        "wait",
        "write",
    ]
)

PARTS = [
    "ansible_collections.conductor.trainer.plugins.module_utils.findings.cluster_entries",
    "ansible_collections.conductor.trainer.plugins.module_utils.findings.jobset_entries",
    "ansible_collections.conductor.trainer.plugins.module_utils.findings.trainer_entries",
]

# What a variable changes, by the code of the finding.
CHANGED_BY = {
    "trainer_other_owner": "`conductor_adopt`",
    "trainer_newer": "`conductor_release`",
    "adopted_from_tool": "`conductor_adopt`",
    "no_schedulable_node": "`conductor_tolerations`",
    "insufficient_capacity": "`conductor_resources` or `conductor_replicas`",
    "host_ports_taken": "`conductor_trainer_controller`",
    "priority_class_missing": "`conductor_priority_class`",
    "quota_exceeded": "`conductor_resources`",
    "quota_missing_resources": "`conductor_resources`",
    "quota_defaults_unknown": "`conductor_resources`",
    "limit_range": "`conductor_resources`",
    "host_network_forbidden": "`conductor_host_network`",
    "jobset_external": "`conductor_jobset: external`",
    "jobset_other_owner": "`conductor_adopt`",
    "jobset_bundled": "`conductor_jobset: bundled`",
    "jobset_absent": "`conductor_jobset: bundled`",
    "certificate_invalid": "`conductor_certificates: generated`",
    "pull_secret_missing": "`conductor_image_pull_credentials`",
    "pull_secret_expected": "`conductor_image_pull_credentials`",
    "runtime_other_owner": "`conductor_runtimes`",
    "permissions_optional": "`conductor_accept`",
    "default_deny": "`conductor_extra_objects`",
    "istio_injection": "`pod_annotations` in `conductor_trainer_controller`",
}


@pytest.mark.parametrize(("cause", "next_step"), TEXTS)
def test_a_cause_is_a_sentence_and_a_next_step_begins_with_a_verb(cause: str, next_step: str) -> None:
    for words in (cause, next_step):
        assert words == words.strip()
        assert not words.endswith((".", ";", ","))
        assert words.count("`") % 2 == 0
    assert re.split(r"\W", next_step)[0] in VERBS


@pytest.mark.parametrize(("cause", "next_step"), TEXTS)
def test_every_variable_that_a_text_names_exists(cause: str, next_step: str) -> None:
    assert set(re.findall(r"conductor_\w+", cause + next_step)) <= VARIABLES


def test_the_catalogue_contains_every_entry_once() -> None:
    parts = [part for name in PARTS for part in vars(importlib.import_module(name)).values() if isinstance(part, tuple)]
    assert sorted(entry.code for part in parts for entry in part) == sorted(entry.code for entry in CATALOGUE)
    assert len(BY_CODE) == len(CATALOGUE)


def test_a_finding_that_a_variable_changes_names_it() -> None:
    for code, variable in CHANGED_BY.items():
        assert variable in BY_CODE[code].next_step, code
    named = {entry.code for entry in CATALOGUE if re.search(r"conductor_(?!accept: )\w+", entry.next_step)}
    assert named == set(CHANGED_BY)


def test_only_a_warning_is_suppressed_and_by_its_own_code() -> None:
    for entry in CATALOGUE:
        codes = re.findall(r"`conductor_accept: \[(\w+)\]`", entry.next_step)
        assert set(codes) <= {entry.code}
        assert entry.severity == "warning" or "conductor_accept" not in entry.next_step
