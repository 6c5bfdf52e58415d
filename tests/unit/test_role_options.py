# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables stand in its argument specs, its defaults and docs/variables.md: the same in all three."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.conductor.trainer.plugins.module_utils.module_call import (
    BUNDLE_ARG_SPEC,
    CONNECTION_ARG_SPEC,
    IDENTITY_ARG_SPEC,
)
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CUSTOMIZE
from ansible_collections.conductor.trainer.plugins.module_utils.release.images import SMOKE_IMAGE
from tests.unit.plugins.modules.test_modules import Operation

CLONE = Path(__file__).resolve().parents[2]
ROLE = CLONE / "roles" / "conductor"
SPECS: dict[str, Any] = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
# The variables of all entry points.
ALL: dict[str, Any] = {name: option for spec in SPECS.values() for name, option in spec["options"].items()}

# The entry points that ask a cluster.
ASKING = sorted(SPECS.keys() - {"images"})


def test_defaults_are_those_of_the_argument_specs() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert defaults == {name: option["default"] for name, option in ALL.items() if "default" in option}


@pytest.mark.parametrize("entry_point", SPECS)
def test_entry_points_agree_on_what_they_share(entry_point: str) -> None:
    assert {name: ALL.get(name) for name in SPECS[entry_point]["options"]} == SPECS[entry_point]["options"]


@pytest.mark.parametrize("entry_point", SPECS)
def test_every_entry_point_is_a_task_file(entry_point: str) -> None:
    assert (ROLE / "tasks" / f"{entry_point}.yml").is_file()


def test_the_page_lists_every_variable_with_its_default_and_meaning() -> None:
    page = (CLONE / "docs" / "variables.md").read_text()
    rows = re.findall(r"^\| `(conductor_\w+)` \| [\w ]+ \| (.*?) \| (.*) \| .* \|$", page, re.MULTILINE)
    shown = {name: (yaml.safe_load(default.strip("`")) if default else None, text) for name, default, text in rows}
    assert shown.keys() == ALL.keys()
    assert len(rows) == len(shown)
    for name, option in ALL.items():
        default, text = shown[name]
        assert default == option.get("default")
        assert text.startswith(re.sub(r"[COV]\(([^)]+)\)", r"`\1`", " ".join(option["description"])))
        assert all(f"`{choice}`" in text for choice in option.get("choices", ()))


@pytest.mark.parametrize("entry_point", SPECS)
def test_every_default_is_one_that_the_spec_accepts(entry_point: str) -> None:
    options = SPECS[entry_point]["options"]
    assert all(option["type"] == "list" or "elements" not in option for option in options.values())
    assert all(option["type"] != "list" or "elements" in option for option in options.values())
    given = {name: option["default"] for name, option in options.items() if "default" in option}
    validated = ArgumentSpecValidator(options).validate(given)
    assert validated.error_messages == []
    # No default is valid only because it is converted.
    assert {name: validated.validated_parameters[name] for name in given} == given


# The options of modules that a role variable sets under another name.
OTHER_NAMES = {
    "conductor_wait_timeout": ("wait_for_controllers", "timeout"),
    "conductor_verify_timeout": ("wait_for_controllers", "timeout"),
    "conductor_progress": ("wait_for_controllers", "progress"),
    "conductor_force_conflicts": ("trainer_operator", "force_conflicts"),
}
# Variables that only tasks of the role use.
OF_THE_ROLE = {
    "conductor_images_file",
    "conductor_images_format",
    "conductor_smoke",
    "conductor_smoke_image",
    "conductor_smoke_timeout",
    "conductor_status_file",
    "conductor_status_strict",
}
# A module converts text to a path itself.
ALIKE = {"path": "str"}


@pytest.mark.parametrize("variable", sorted(ALL.keys() - OF_THE_ROLE))
def test_a_variable_means_what_the_option_of_the_modules_means(variable: str) -> None:
    module, option = OTHER_NAMES.get(variable, ("trainer_operator", variable.removeprefix("conductor_")))
    spec = {**CONNECTION_ARG_SPEC, **IDENTITY_ARG_SPEC, **BUNDLE_ARG_SPEC, **Operation(module).options, **CUSTOMIZE}[
        option
    ]
    said = ALL[variable]
    assert said["type"] == ALIKE.get(spec.get("type", "str"), spec.get("type", "str"))
    assert said.get("elements") == spec.get("elements")
    assert said.get("choices") == spec.get("choices")
    assert said.get("no_log", False) == spec.get("no_log", False)
    if variable != "conductor_verify_timeout":
        assert said.get("default") == spec.get("default")


def test_every_connection_variable_reaches_the_modules() -> None:
    options = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["__conductor_module_defaults"]
    used = set(re.findall(r"conductor_\w+", str(options))) - {"conductor"}
    later = {
        "conductor_cluster_uid",
        "conductor_force_conflicts",
        "conductor_prune",
        "conductor_prune_crds",
        "conductor_lease_timeout",
        "conductor_pull_proof",
        "conductor_pull_proof_timeout",
        "conductor_wait_timeout",
        "conductor_verify_timeout",
        "conductor_progress",
        "conductor_accept",
        "conductor_adopt",
        "conductor_certificates_pem",
        "conductor_remove_crds",
        "conductor_remove_user_data",
        "conductor_abandon_jobs",
        *OF_THE_ROLE,
    }
    # The lookup of "customize" collects these.
    collected = {f"conductor_{name}" for name in CUSTOMIZE}
    assert used == set(ALL) - later - collected
    assert options.pop("customize") == "{{ lookup('conductor.trainer.customization') }}"
    assert all(re.search(rf"\bconductor_{name}\b", value) for name, value in options.items())


@pytest.mark.parametrize("entry_point", ASKING)
def test_every_entry_point_passes_them_on(entry_point: str) -> None:
    [whole] = yaml.safe_load((ROLE / "tasks" / f"{entry_point}.yml").read_text())
    assert whole["module_defaults"] == {"group/conductor.trainer.k8s": "{{ __conductor_module_defaults }}"}


@pytest.mark.parametrize("entry_point", ASKING)
def test_every_step_of_an_entry_point_is_in_its_summary(entry_point: str) -> None:
    def registered(tasks: list[dict[str, Any]]) -> list[str]:
        names: list[str] = []
        for task in tasks:
            file = task.get("ansible.builtin.import_tasks")
            more = yaml.safe_load((ROLE / "tasks" / file).read_text()) if file else task.get("block")
            names += registered(more) if more else [task["register"]]
        return names

    [whole] = yaml.safe_load((ROLE / "tasks" / f"{entry_point}.yml").read_text())
    # In the same order, because results after a failed step are ignored.
    summarized = whole["always"][0]["vars"]["__conductor_steps"].values()
    assert [f"{{{{ {name} | default({{}}) }}}}" for name in registered(whole["block"])] == list(summarized)


def test_the_first_module_that_asks_the_cluster_knows_which_it_must_be() -> None:
    def calls(tasks: list[dict[str, Any]]) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for task in tasks:
            file = task.get("ansible.builtin.import_tasks")
            more = yaml.safe_load((ROLE / "tasks" / file).read_text()) if file else task.get("block")
            found += (
                calls(more) if more else [item for item in task.items() if item[0].startswith("conductor.trainer.")]
            )
        return found

    for entry_point in ASKING:
        [whole] = yaml.safe_load((ROLE / "tasks" / f"{entry_point}.yml").read_text())
        asking = [(name, options) for name, options in calls(whole["block"])]
        module, options = asking[0]
        assert module in ("conductor.trainer.trainer_operator", "conductor.trainer.trainer_operator_info")
        assert options["cluster_uid"] == "{{ conductor_cluster_uid | default(omit) }}"


def test_the_readme_of_the_role_names_variables_and_defaults_that_exist() -> None:
    rows = re.findall(r"^\| `(conductor_\w+)` \| (.*?) ?\| .* \|$", (ROLE / "README.md").read_text(), re.MULTILINE)
    assert len(rows) == 10
    shown = {name: yaml.safe_load(default.strip("`")) if default else None for name, default in rows}
    assert shown == {name: ALL[name].get("default") for name, _default in rows}


def texts(file: str) -> Iterator[str]:
    """The text of a task file, of those that it imports and of their templates."""
    text = (ROLE / "tasks" / file).read_text()
    yield text
    for more in re.findall(r"import_tasks: (\S+)", text):
        yield from texts(more)
    for template in re.findall(r"'(\S+\.j2)'", text):
        yield (ROLE / "templates" / template).read_text()


@pytest.mark.parametrize("entry_point", ASKING)
def test_every_variable_of_an_entry_point_is_read_by_its_tasks(entry_point: str) -> None:
    used = "\n".join([*texts(f"{entry_point}.yml"), (ROLE / "vars" / "main.yml").read_text()])
    read = set(re.findall(r"\bconductor_\w+", used)) | {f"conductor_{name}" for name in CUSTOMIZE}
    assert "lookup('conductor.trainer.customization')" in used
    assert [name for name in SPECS[entry_point]["options"] if name not in read] == []


def test_the_list_of_images_reads_what_chooses_and_changes_images() -> None:
    used = "\n".join(texts("images.yml"))
    own = SPECS["images"]["options"].keys() - SPECS["preflight"]["options"].keys()
    assert own == {"conductor_images_file", "conductor_images_format", "conductor_smoke_image"}
    assert all(name in used for name in (*own, "conductor_release", "conductor_runtimes", "conductor_jobset"))
    assert "lookup('conductor.trainer.customization', read_files=true)" in used
    assert ALL["conductor_smoke_image"]["default"] == SMOKE_IMAGE


def test_no_text_of_the_specs_is_evaluated() -> None:
    """Ansible evaluates expressions in argument specs, descriptions included."""
    assert [name for name, option in ALL.items() if "{{" in str(option) or "{%" in str(option)] == []
