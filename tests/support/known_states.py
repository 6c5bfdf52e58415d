# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states Conductor may find a cluster in, by name."""

from __future__ import annotations

from functools import partial

from tests.support import foreign
from tests.support.control_plane import ControlPlane
from tests.support.fake_kubelet import add_node, give_certificates, run_pods
from tests.support.foreign import Manifest
from tests.support.states import (
    State,
    apply,
    crd_terminating,
    crds_of,
    create,
    install_ours,
    marked,
    namespace_terminating,
)
from tests.support.upstream_objects import CURRENT, OLD, jobset_objects, trainer_objects

HOME = "kubeflow-system"
JOBSET_HOME = "jobset-system"
OPENSHIFT_HOME = "openshift-jobset-operator"
TRAINJOBS = "trainjobs.trainer.kubeflow.org"
_WEBHOOK_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_WEBHOOKS = "validatingwebhookconfigurations,mutatingwebhookconfigurations"


def _delete(plane: ControlPlane, kinds: str) -> None:
    plane.kubectl("delete", kinds, "--all", f"--namespace={HOME}")


def _healthy(plane: ControlPlane, namespace: str = HOME) -> None:
    run_pods(plane, namespace)
    give_certificates(plane, namespace)


def _users(plane: ControlPlane) -> None:
    """Made while no webhook was in force, because nobody answers one here."""
    _delete(plane, _WEBHOOKS)
    apply(plane, foreign.user_objects())
    install_ours(plane)


def _upstream(plane: ControlPlane, release: str = CURRENT) -> None:
    objects = trainer_objects(release)
    # Runtimes of old releases go through the webhook, which served when they were applied.
    apply(plane, [one for one in objects if one["kind"] not in _WEBHOOK_KINDS])
    apply(plane, [one for one in objects if one["kind"] in _WEBHOOK_KINDS])


def _upstream_crds(plane: ControlPlane, release: str = CURRENT) -> None:
    apply(plane, crds_of(trainer_objects(release)))


def _tracked(
    plane: ControlPlane,
    manager: str,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
) -> None:
    """Upstream's objects with the marks another delivery tool leaves on each."""
    apply(plane, marked(_trainer_without_runtimes(), labels=labels, annotations=annotations), manager)


def _helm(plane: ControlPlane, *, with_jobset: bool) -> None:
    apply(plane, [foreign.namespace(HOME)])
    create(plane, foreign.helm_release(trainer_objects(), jobset_objects() if with_jobset else []), "helm")


def _jobset(
    plane: ControlPlane, release: str = CURRENT, namespace: str = JOBSET_HOME, labels: dict[str, str] | None = None
) -> None:
    apply(plane, marked(foreign.moved(jobset_objects(release), namespace), labels=labels))


def _jobset_split(plane: ControlPlane) -> None:
    """Somebody moved the controller into Trainer's namespace and left its webhooks where they were."""
    there, here = jobset_objects(), foreign.moved(jobset_objects(), HOME)
    stays = ("Service", *_WEBHOOK_KINDS)
    apply(plane, [foreign.namespace(JOBSET_HOME)])
    apply(plane, [old if old["kind"] in stays else new for old, new in zip(there, here, strict=True)])


def _jobset_elsewhere(plane: ControlPlane) -> None:
    """Webhooks that lead out of the cluster: nobody can tell who answers."""
    apply(plane, crds_of(jobset_objects()))
    client = {"url": "https://jobset.example.com/validate"}
    apply(plane, [foreign.webhooks("jobset-elsewhere", ["jobset.x-k8s.io"], ["jobsets"], client)])


def _webhooks_to_nowhere(plane: ControlPlane) -> None:
    """What a removal by hand often forgets."""
    apply(plane, [foreign.renamed(one, "gone") for one in trainer_objects() if one["kind"] in _WEBHOOK_KINDS])


def _trainer_without_runtimes() -> list[Manifest]:
    return [one for one in trainer_objects() if one["kind"] != "ClusterTrainingRuntime"]


STATES = (
    # -- our own -----------------------------------------------------------------------------------------------
    State("ours", install_ours),
    State("ours-healthy", _healthy, after="ours"),
    State("ours-without-controllers", partial(_delete, kinds="deployments"), after="ours"),
    State("ours-without-webhooks", partial(_delete, kinds=_WEBHOOKS), after="ours"),
    State("ours-with-users", _users, after="ours"),
    State("ours-with-a-crd-terminating", partial(crd_terminating, name=TRAINJOBS), after="ours"),
    # -- upstream's, by kubectl --------------------------------------------------------------------------------
    State("upstream", _upstream),
    State("upstream-healthy", _healthy, after="upstream"),
    State("upstream-2.1", partial(_upstream, release=OLD)),
    State("crds-alone", _upstream_crds),
    State("crds-2.1-alone", partial(_upstream_crds, release=OLD)),
    State("crd-terminating", partial(crd_terminating, name=TRAINJOBS), after="crds-alone"),
    # -- by other installers -----------------------------------------------------------------------------------
    State("helm", partial(_helm, with_jobset=True)),
    State("helm-without-jobset", partial(_helm, with_jobset=False)),
    State(
        "argo-cd",
        partial(
            _tracked,
            manager="argocd-controller",
            annotations={"argocd.argoproj.io/tracking-id": "trainer:apps/Deployment:kubeflow-system/trainer"},
        ),
    ),
    State(
        "flux",
        partial(
            _tracked,
            manager="kustomize-controller",
            labels={
                "kustomize.toolkit.fluxcd.io/name": "trainer",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            },
        ),
    ),
    State("olm", partial(_tracked, manager="olm", labels={"olm.owner": "trainer.v2.3.0", "olm.owner.namespace": HOME})),
    State("juju", partial(_tracked, manager="juju", labels={"app.juju.is/created-by": "trainer"})),
    # -- JobSet ------------------------------------------------------------------------------------------------
    State("jobset", _jobset),
    State("jobset-healthy", partial(_healthy, namespace=JOBSET_HOME), after="jobset"),
    State("jobset-old", partial(_jobset, release=OLD)),
    State("jobset-old-healthy", partial(_healthy, namespace=JOBSET_HOME), after="jobset-old"),
    State("jobset-crd-alone", lambda plane: apply(plane, crds_of(jobset_objects()))),
    State("jobset-split", _jobset_split),
    State("jobset-elsewhere", _jobset_elsewhere),
    State(
        "jobset-openshift", partial(_jobset, namespace=OPENSHIFT_HOME, labels={"olm.owner": "jobset-operator.v1.0.0"})
    ),
    # -- remains -----------------------------------------------------------------------------------------------
    State("webhooks-to-nowhere", _webhooks_to_nowhere),
    State("namespace-terminating", partial(namespace_terminating, name=HOME)),
    # -- neighbours --------------------------------------------------------------------------------------------
    State("kueue", lambda plane: apply(plane, foreign.kueue())),
    State("training-operator", lambda plane: apply(plane, foreign.training_operator())),
    State("neighbours", lambda plane: apply(plane, foreign.neighbours())),
    State("namespace-prepared", lambda plane: apply(plane, foreign.strict_namespace(HOME))),
    State("node-without-room", lambda plane: add_node(plane, cpu="100m")),
)
