# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More states, in which a removal has to tell what is whose."""

from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.module_utils.names import INSTALL_RECORD
from tests.support import foreign
from tests.support.control_plane import ControlPlane
from tests.support.known_states import HOME, STATES
from tests.support.states import HELD, State, apply, install_ours, marked
from tests.support.upstream_objects import trainer_objects

FINALIZER = "trainer.kubeflow.org/resource-in-use"
BUILT_IN = "torch-distributed"
_WEBHOOKS = "validatingwebhookconfigurations,mutatingwebhookconfigurations"


def hold(plane: ControlPlane, runtime: str) -> None:
    """A runtime as a controller before 2.3 leaves it once a TrainJob has used it."""
    plane.kubectl(
        "patch",
        "clustertrainingruntime",
        runtime,
        "--type=merge",
        f'--patch={{"metadata":{{"finalizers":["{FINALIZER}"]}}}}',
    )


def _without_record(plane: ControlPlane) -> None:
    plane.kubectl("delete", "configmap", INSTALL_RECORD, f"--namespace={HOME}")


def _with_guests(plane: ControlPlane) -> None:
    """Somebody put something of his own into the operator's namespace."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "guest", "namespace": HOME}}
    apply(plane, [config])


def _held_unused(plane: ControlPlane) -> None:
    plane.kubectl("delete", _WEBHOOKS, "--all")
    hold(plane, BUILT_IN)
    install_ours(plane)


def _used_job(plane: ControlPlane) -> None:
    """A finished TrainJob of a release before 2.3, whose runtime is held."""
    plane.kubectl("delete", _WEBHOOKS, "--all")
    (job,) = (one for one in foreign.user_objects() if one["kind"] == "TrainJob")
    job = {**job, "metadata": {**job["metadata"], "name": "finished"}, "spec": {"runtimeRef": {"name": BUILT_IN}}}
    apply(plane, [foreign.namespace("team-a"), job])
    condition = (
        '{"type":"Complete","status":"True","reason":"Done","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}'
    )
    plane.kubectl(
        "patch",
        "trainjob",
        "finished",
        "--namespace=team-a",
        "--subresource=status",
        "--type=merge",
        f'--patch={{"status":{{"conditions":[{condition}]}}}}',
    )
    hold(plane, BUILT_IN)
    install_ours(plane)


def _namespace_going(plane: ControlPlane) -> None:
    """Somebody deleted the namespace, and what is in it does not go."""
    held = {"name": "held", "namespace": HOME, "finalizers": [HELD]}
    apply(plane, [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": held}])
    plane.kubectl("delete", "namespace", HOME, "--wait=false")


def _webhook_of_another(plane: ControlPlane) -> None:
    client = foreign.service_of(HOME, "kubeflow-trainer-controller-manager")
    apply(plane, [foreign.webhooks("another", ["example.com"], ["things"], client)])


def _taken_over_by_helm(plane: ControlPlane) -> None:
    """Somebody let Helm take over what Conductor made, webhook configurations and all."""
    plane.kubectl(
        "annotate",
        "deployments,services,validatingwebhookconfigurations,mutatingwebhookconfigurations",
        "--all",
        f"--namespace={HOME}",
        "meta.helm.sh/release-name=trainer",
    )


def _replaced(plane: ControlPlane) -> None:
    """Somebody deleted a built-in runtime and made another one of that name."""
    plane.kubectl("delete", _WEBHOOKS, "--all")
    plane.kubectl("delete", "clustertrainingruntime", BUILT_IN)
    (own,) = (one for one in trainer_objects() if one["metadata"]["name"] == BUILT_IN)
    apply(plane, marked([own], labels={"team": "a"}))


MORE = (
    State("ours-without-a-record", _without_record, after="ours"),
    State("ours-with-a-guest", _with_guests, after="ours"),
    State("ours-with-a-held-runtime", _held_unused, after="ours"),
    State("ours-with-a-finished-job", _used_job, after="ours"),
    State("ours-with-the-namespace-terminating", _namespace_going, after="ours"),
    State("ours-called-by-another", _webhook_of_another, after="ours"),
    State("ours-taken-over-by-helm", _taken_over_by_helm, after="ours"),
    State("ours-in-a-prepared-namespace", install_ours, after="namespace-prepared-with-room"),
    State("namespace-prepared-with-room", lambda plane: apply(plane, [foreign.namespace(HOME, team="platform")])),
    State("ours-beside-jobset", install_ours, after="jobset-healthy"),
    State("ours-beside-kueue", install_ours, after="kueue"),
    State("ours-and-a-runtime-of-the-same-name", _replaced, after="ours"),
)
ALL = (*STATES, *MORE)
