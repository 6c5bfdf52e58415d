# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import Signature
from ansible_collections.conductor.trainer.plugins.module_utils.install.pull_pods import PullPod
from ansible_collections.conductor.trainer.plugins.module_utils.install.pull_results import (
    Unproven,
    not_proven,
    row_of,
)

IMAGE = "registry.invalid/a:1"
PLACED = {"spec": {"nodeName": "node-1"}}


def of(reason: str) -> Signature:
    """The first sign of failure with a reason."""
    return next(one for one in SIGNATURES if reason in one.reasons)


def unproven(pod: Any = PLACED, *, choice: bool = False, architecture: str = "arm64", **more: Any) -> Unproven:
    return Unproven(PullPod(IMAGE, ("x",), choice, {}, architecture=architecture), pod, "because", **more)


@pytest.mark.parametrize(
    ("found", "variables"),
    [
        (unproven(signature=of("ErrImagePull")), "registries images image_pull_secrets image_pull_credentials"),
        (unproven(signature=of("ErrImageNeverPull")), "registries images image_pull_policy"),
        (unproven(signature=of("InvalidImageName")), "registries images"),
        # The variables for credentials and policy are those of the controllers.
        (unproven(signature=of("ErrImagePull"), choice=True), "registries images"),
        (unproven({"spec": {}}, signature=of("Unschedulable")), "tolerations node_selector affinity"),
        # Why is it not created, or what does its node wait for? No variable is known to help.
        (unproven({}), ""),
        (unproven(), ""),
        (unproven(signature=of("CrashLoopBackOff")), ""),
    ],
)
def test_the_variables_that_decide(found: Unproven, variables: str) -> None:
    named = re.findall(r"`conductor_(\w+)`", "; ".join(found.next_steps))
    assert named == variables.split()


@pytest.mark.parametrize(
    ("found", "avoidable"),
    [(unproven(), False), (unproven(choice=True), True), (unproven({"spec": {}}), True), (unproven({}), False)],
)
def test_other_nodes_may_do_where_pods_have_a_choice(found: Unproven, avoidable: bool) -> None:
    assert found.is_avoidable is avoidable


def test_lines() -> None:
    assert unproven().line == f"{IMAGE} (arm64) on node node-1: because"
    assert unproven({}, architecture="").line == f"{IMAGE}: because"
    assert unproven().notice == f"the pull proof shows nothing for the architecture arm64: {unproven().line}"


def test_the_error_names_each_image_and_each_step_once() -> None:
    found = [unproven(next_step="do this", signature=of("ErrImagePull"))] * 2
    error = not_proven(found, "prove", None)
    assert error.message == (
        f"2 images are not on a node, and no controller was changed:\n  {found[0].line}\n  {found[0].line}"
    )
    assert (error.next_step or "").count("do this") == 1
    assert (error.next_step or "").endswith("; then run this again")
    assert "timeout" not in (error.next_step or "")


@pytest.mark.parametrize(("signature", "named"), [(None, True), (of("ErrImagePull"), False)])
def test_the_timeout_is_named_where_no_sign_does_it(signature: Signature | None, named: bool) -> None:
    error = not_proven([unproven(signature=signature)], "prove", 5.0)
    assert error.message == f"1 image is not on a node after 5 s, and no controller was changed: {unproven().line}"
    assert ("conductor_pull_proof_timeout" in (error.next_step or "")) is named


def test_only_the_first_next_steps_are_given() -> None:
    error = not_proven([unproven(next_step=f"step {number}") for number in range(9)], "prove", None)
    assert (error.next_step or "").count("step ") == 5


def test_a_row() -> None:
    assert row_of(PullPod(IMAGE, ("x",), False, {}), {}, "planned", 1.239) == {
        "image": IMAGE,
        "architecture": "",
        "node": "",
        "outcome": "planned",
        "seconds": 1.24,
        "needed_by": ["x"],
    }
