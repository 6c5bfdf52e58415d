# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    InputError,
    NotReadyError,
    RefusedError,
    RightsError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import (
    BUNDLE_ARG_SPEC,
    CONNECTION_ARG_SPEC,
    IDENTITY_ARG_SPEC,
    Call,
)
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.probes.runtimes import probe_trainjob
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.unit.plugins.helpers.builders import (
    KUBE_SYSTEM_UID,
    NAMESPACE,
    ROOT,
    bundle,
    identified,
    installed,
    obj,
    serving,
    train_job,
)
from tests.unit.plugins.helpers.fakes import FakeCluster, Request

PACKAGE = "ansible_collections.conductor.trainer.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
# The documentation fragment of an option that only some modules have.
OWN = "own_certificates"

# Required options of a module.
NEEDED: dict[str, dict[str, Any]] = {"trainjob": {"name": "done", "namespace": NAMESPACE}}


class Operation:
    """The operation of a module, called directly."""

    def __init__(self, name: str) -> None:
        self.needed = NEEDED.get(name, {})
        self.module: Any = importlib.import_module(f"{PACKAGE}.modules.{name}")
        self.options: dict[str, Any] = self.module.OPERATION.options
        self.warnings: list[str] = []

    def run(self, cluster: FakeCluster, release: Bundle, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        """Run the operation with the defaults of its options."""
        options = {**BUNDLE_ARG_SPEC, **IDENTITY_ARG_SPEC, **self.options}
        defaults = {name: option.get("default") for name, option in options.items()}
        if self.needed and not params.keys() & {"definition", "src"}:
            cluster.put(train_job(**self.needed))
        call = Call({**defaults, **self.needed, **params}, check_mode, diff=False, warn=self.warnings.append)
        result: dict[str, Any] = self.module.OPERATION.run(call, cluster, release)
        return result


def documented(text: str) -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load(text).get("options") or {}
    return options


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are(name: str) -> None:
    operation = Operation(name)
    options = documented(operation.module.DOCUMENTATION)
    if f"conductor.trainer.{OWN}" in yaml.safe_load(operation.module.DOCUMENTATION)["extends_documentation_fragment"]:
        options |= documented(fragment_text(OWN))
    assert options.keys() == operation.options.keys()
    for option, spec in operation.options.items():
        assert undescribed(options[option]) == shown(spec), option


def fragment_text(name: str) -> str:
    text: str = importlib.import_module(f"{PACKAGE}.doc_fragments.{name}").ModuleDocFragment.DOCUMENTATION
    return text


def undescribed(option: dict[str, Any]) -> dict[str, Any]:
    """Return the documentation of an option without its descriptions."""
    found = {key: value for key, value in option.items() if key != "description"}
    if "suboptions" in found:
        found["suboptions"] = {name: undescribed(below) for name, below in found["suboptions"].items()}
    return found


def shown(spec: dict[str, Any]) -> dict[str, Any]:
    """Return an option of an argument spec as documentation has it, which does not show C(no_log)."""
    found = {key: value for key, value in spec.items() if key not in ("no_log", "options")}
    if "options" in spec:
        found["suboptions"] = {name: shown(below) for name, below in spec["options"].items()}
    return found


@pytest.mark.parametrize(
    ("fragment", "spec"),
    [
        ("bundle", BUNDLE_ARG_SPEC),
        ("connection", {**CONNECTION_ARG_SPEC, **IDENTITY_ARG_SPEC}),
    ],
)
def test_shared_options_are_documented_as_they_are(fragment: str, spec: dict[str, Any]) -> None:
    options = documented(fragment_text(fragment))
    assert {name: undescribed(option) for name, option in options.items()} == {
        name: shown(option) for name, option in spec.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_documentation_and_examples(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    document = yaml.safe_load(module.DOCUMENTATION)
    assert document["module"] == name
    assert {f"conductor.trainer.{part}" for part in ("connection", "bundle", "attributes")} <= set(
        document["extends_documentation_fragment"]
    )
    assert all(f"conductor.trainer.{name}" in task or "ansible.builtin.assert" in task for task in _examples(module))


def _examples(module: Any) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = yaml.safe_load(module.EXAMPLES)
    return tasks


@pytest.mark.parametrize(
    ("name", "params"),
    [
        *((name, {}) for name in MODULES),
        ("trainer_operator", {"state": "present"}),
        ("trainer_operator", {"state": "absent"}),
        ("trainjob", {"state": "absent"}),
    ],
)
def test_what_is_returned_is_documented(name: str, params: dict[str, Any]) -> None:
    result = Operation(name).run(serving(bundle()), bundle(), **params)
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    other = {"present": "absent", "absent": "present"}[params.get("state", "present")]
    always = {
        key
        for key, entry in yaml.safe_load(module.RETURN).items()
        if entry["returned"].startswith("success") and f"O(state={other})" not in entry["returned"]
    }
    assert always == set(result) - {"changed", "diff"}


def test_trainer_operator_installs_and_in_check_mode_does_not() -> None:
    operator = Operation("trainer_operator")
    cluster = FakeCluster()
    assert operator.run(cluster, bundle(), check_mode=True)["changed"] is True
    assert cluster.writes == []
    assert operator.run(cluster, bundle())["changed"] is True
    assert operator.run(cluster, bundle())["changed"] is False


def test_trainer_operator_warns_in_check_mode_if_the_options_are_others() -> None:
    operator = Operation("trainer_operator")
    cluster = FakeCluster()
    laid = with_options(bundle(), {"tolerations": [{"operator": "Exists"}]})
    operator.run(cluster, laid)
    told = "conductor_tolerations is a list in the install record and not given here"
    assert operator.run(cluster, bundle(), check_mode=True)["options_changed"] == [told]
    assert [warning for warning in operator.warnings if told in warning] == [
        f"this cluster was installed with other options: {told}. Next: give the options of the last install, or set "
        "`conductor_options: recorded`, to compare with them; an install applies the options that are given here"
    ]
    operator.warnings.clear()
    # An install applies what it is given, which is no mistake.
    result = operator.run(cluster, bundle())
    assert (result["options_changed"], operator.warnings) == ([told], [])
    assert operator.run(cluster, bundle(), check_mode=True)["options_changed"] == []


def test_trainer_operator_installs_only_options_that_it_is_given() -> None:
    operator = Operation("trainer_operator")
    cluster = FakeCluster()
    with pytest.raises(InputError, match="an install needs the options themselves"):
        operator.run(cluster, bundle(), options="recorded")
    assert cluster.writes == []
    assert operator.run(cluster, bundle(), options="recorded", check_mode=True)["changed"]


@pytest.mark.parametrize("force", [True, False])
def test_trainer_operator_passes_its_options_on(force: bool) -> None:
    operator = Operation("trainer_operator")
    cluster = FakeCluster()
    result = operator.run(
        cluster, bundle("fail_open"), profile="fail_open", phases=["foundation"], force_conflicts=force
    )
    assert result["pending_phases"] == ["access", "controllers", "admission", "runtimes"]
    assert {request.query["force"] for request in cluster.applies if "record" not in request.subject} == {
        str(force).lower()
    }
    record = next(stored for key, stored in cluster.objects.items() if key.name == "conductor-install-record")
    assert '"profile":"fail_open"' in record["data"]["record.json"]
    assert record["metadata"]["namespace"] == NAMESPACE


@pytest.mark.parametrize("check_mode", [True, False])
def test_wait_for_controllers_touches_nothing_in_check_mode(check_mode: bool) -> None:
    wait = Operation("wait_for_controllers")
    cluster = serving(bundle())
    result = wait.run(cluster, bundle(), check_mode=check_mode, timeout=0, refresh_certificates=True)
    assert result["changed"] is False
    # Secrets are only listed to refresh certificates; the Secret of the webhooks is read by its name.
    listed = [request for request in cluster.requests if "/secrets" in request.path and "Partial" in request.accept]
    assert bool(listed) is not check_mode
    assert cluster.writes == []


@pytest.mark.parametrize("prove", [True, False])
def test_wait_for_controllers_proves_runtimes_where_it_is_to(prove: bool) -> None:
    wait = Operation("wait_for_controllers")
    cluster = serving(bundle())

    def takes_known_runtimes(request: Request) -> dict[str, Any] | None:
        known = [probe_trainjob(name, bundle().probe_namespace) for name in ("jax", "torch")]
        return request.body if request.body in known else None

    cluster.hooks.insert(0, takes_known_runtimes)
    result = wait.run(cluster, bundle(), timeout=0, prove_runtimes=prove)
    assert [row["name"] for row in result.get("runtimes", [])] == (["jax", "torch"] if prove else [])
    # The webhook now rejects every TrainJob, as the probes of invalid objects require.
    cluster.hooks.remove(takes_known_runtimes)
    with pytest.raises(NotReadyError, match="torch rejects a TrainJob") if prove else nullcontext() as caught:
        wait.run(cluster, bundle(), timeout=0, prove_runtimes=prove)
    if caught:
        assert [row["name"] for row in caught.value.facts["controllers"]] == ["manager"]
    assert cluster.writes == []


@pytest.mark.parametrize("prove", [True, False])
def test_runtime_info_changes_nothing(prove: bool) -> None:
    info = Operation("cluster_training_runtime_info")
    cluster = serving(bundle())
    result = info.run(cluster, bundle(), prove=prove)
    assert result["changed"] is False
    assert any(request.method == "POST" for request in cluster.requests) is prove
    assert cluster.writes == []


OTHER_UID = "00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_goes_on_only_with_the_pinned_cluster(name: str) -> None:
    operation = Operation(name)
    cluster = identified(serving(bundle()))
    operation.run(cluster, bundle(), cluster_uid=KUBE_SYSTEM_UID)
    cluster = identified(serving(bundle()))
    with pytest.raises(RefusedError, match=f"pinned: {OTHER_UID}\n  found:  {KUBE_SYSTEM_UID} at https://fake.invalid"):
        operation.run(cluster, bundle(), cluster_uid=OTHER_UID)
    assert cluster.writes == []


@pytest.mark.parametrize("name", ["cluster_training_runtime_info", "trainjob", "wait_for_controllers"])
def test_without_a_pin_nobody_is_asked_who_it_is(name: str) -> None:
    cluster = identified(serving(bundle()))
    Operation(name).run(cluster, bundle())
    assert not [request for request in cluster.requests if "kube-system" in request.path]


@pytest.mark.parametrize("name", ["cluster_training_runtime_info", "wait_for_controllers"])
def test_a_pin_needs_a_right_and_says_so(name: str) -> None:
    cluster = identified(serving(bundle()))
    cluster.fail(403, method="GET", path="/namespaces/kube-system")
    operation = Operation(name)
    operation.run(cluster, bundle())
    with pytest.raises(RightsError, match="get namespaces kube-system") as caught:
        operation.run(cluster, bundle(), cluster_uid=KUBE_SYSTEM_UID)
    assert "remove cluster_uid" in str(caught.value)


def test_trainer_operator_needs_no_request_to_know_the_cluster() -> None:
    operator = Operation("trainer_operator")
    counts = []
    for pin in (None, KUBE_SYSTEM_UID):
        cluster = identified(serving(bundle()))
        assert operator.run(cluster, bundle(), check_mode=True, cluster_uid=pin)["cluster_uid"] == KUBE_SYSTEM_UID
        counts.append(len(cluster.requests))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("jobset", "codes"), [("bundled", set()), ("auto", set()), ("external", {"jobset_absent"})])
def test_operator_info_changes_nothing_and_judges_by_its_option(jobset: str, codes: set[str]) -> None:
    info = Operation("trainer_operator_info")
    cluster = FakeCluster()
    result = info.run(cluster, bundle(), jobset=jobset)
    assert result["changed"] is False
    assert {finding["code"] for finding in result["blockers"] if finding["code"].startswith("jobset")} == codes
    assert cluster.writes == []


JOB = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "spec": {"runtimeRef": {"name": "torch"}},
}


def test_trainjob_takes_a_file_as_well_as_data(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(JOB))
    given: list[dict[str, Any]] = [{"src": str(file)}, {"definition": JOB}, {"definition": json.dumps(JOB)}]
    for params in given:
        cluster = installed(bundle())
        cluster.put(obj("Namespace", NAMESPACE))
        result = Operation("trainjob").run(cluster, bundle(), wait=False, **params)
        assert (result["changed"], result["phase"], result["name"]) == (True, "created", "done")
        assert [request.path.rpartition("/")[2] for request in cluster.writes] == ["trainjobs"]


def test_trainjob_submits_nothing_in_check_mode() -> None:
    cluster = installed(bundle())
    cluster.allows = lambda _attributes: True
    result = Operation("trainjob").run(cluster, bundle(), check_mode=True, definition=JOB)
    assert (result["changed"], result["phase"]) == (True, "predicted")
    assert cluster.writes == []
    posts = [request for request in cluster.requests if request.method == "POST"]
    assert [request.query["dryRun"] for request in posts if "review" not in request.path] == ["All"]


def test_trainjob_needs_to_know_which() -> None:
    with pytest.raises(InputError, match="no TrainJob is named"):
        Operation("trainjob").run(installed(bundle()), bundle(), name="", namespace="")
