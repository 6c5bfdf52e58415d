# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is deleted, what is retained, and the blockers, on clusters with user objects."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import (
    Record,
    RecordEntry,
    parse_record,
    record_manifest,
)
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Observed
from ansible_collections.conductor.trainer.plugins.module_utils.remove.model import (
    STAGES,
    Removal,
    RemovalState,
    Switches,
)
from ansible_collections.conductor.trainer.plugins.module_utils.remove.observe import look
from ansible_collections.conductor.trainer.plugins.module_utils.remove.plan import HOLDS_RECORD, make_removal
from tests.unit.plugins.helpers.builders import obj, webhooks
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.removals import (
    CRDS,
    HOME,
    JOBSET_LEASE,
    JOBSET_MANAGER,
    LEASE,
    MANAGER,
    RECORD,
    TORCH,
    TRAINER,
    cluster,
    going,
    hold,
    lose_record,
    planned,
    put_job,
    put_runtime,
    put_set,
    said,
    stages,
)
from tests.unit.plugins.helpers.states import release

OWN = {"manager": "conductor", "operation": "Apply", "fieldsV1": {}}

JAX = Key(TRAINER, "ClusterTrainingRuntime", "", "jax-distributed")
NAMESPACES = sorted(key for key in release().known if key.kind == "Namespace")
STAYING = "user data; remove_user_data is off"
IN_HOME = (
    "finalizer trainer.kubeflow.org/resource-in-use (Trainer's controller removes it when no TrainJob uses the runtime)"
)


AGAIN = "run the uninstall again once this is resolved"


def test_an_empty_cluster_has_nothing_to_remove() -> None:
    assert planned(FakeCluster()) == Removal()
    assert make_removal(release(), RemovalState(Observed()), Switches()) == Removal()


def test_everything_but_crds_goes_and_the_namespaces_take_the_record() -> None:
    found = planned(cluster())
    assert set(found.deleted()) == {*release().known, LEASE, JOBSET_LEASE} - set(CRDS)
    assert found.retained == {"remove_crds is off": tuple(str(key) for key in CRDS)}
    assert (found.blockers, found.finalizers_to_remove, found.existed) == ((), (), True)


def test_all_goes_in_the_order_of_the_stages_while_controllers_are_alive() -> None:
    found = cluster()
    put_job(found)
    put_set(found)
    removal = planned(found, user_data=True, crds=True)
    assert stages(removal) == [name for name in STAGES if name != "record"]
    # The operator's namespace is last, because it has the record.
    assert going(removal, "namespaces")[-1].name == HOME


@pytest.mark.parametrize("dead", [MANAGER, JOBSET_MANAGER])
def test_where_a_controller_is_dead_its_webhooks_go_first(dead: Key) -> None:
    found = cluster()
    found.objects[dead]["status"] = {}
    assert stages(planned(found))[:2] == ["admission", "runtimes"]
    del found.objects[dead]
    assert stages(planned(found))[:2] == ["admission", "runtimes"]


def test_with_the_record_lost_our_entry_tells_and_namespaces_stay() -> None:
    found = cluster()
    lose_record(found)
    removal = planned(found, crds=True)
    assert set(removal.deleted()) == {*release().known, LEASE, JOBSET_LEASE} - set(NAMESPACES)
    assert removal.retained == {"no record shows that Conductor created it": tuple(sorted(map(str, NAMESPACES)))}
    assert going(removal, "record") == []


def test_where_the_namespace_stays_the_record_stays_with_it() -> None:
    found = cluster()
    found.put(obj("ConfigMap", "guest", namespace=HOME), "kubectl")
    removal = planned(found)
    assert "record" not in stages(removal)
    assert [key.name for key in removal.vouched] == [HOME]
    assert removal.retained[f"it is not empty: configmaps guest; {AGAIN}"] == (f"Namespace {HOME}",)
    assert going(removal, "namespaces") == [key for key in NAMESPACES if key.name != HOME]


def test_where_another_namespace_stays_the_record_keeps_the_operators() -> None:
    found = cluster()
    (other,) = (key for key in NAMESPACES if key.name != HOME)
    found.put(obj("ConfigMap", "guest", namespace=other.name), "kubectl")
    removal = planned(found)
    assert not {"namespaces", "record"} & {*stages(removal)}
    assert [key.name for key in removal.vouched] == sorted([HOME, other.name])
    assert removal.retained[HOLDS_RECORD] == (f"Namespace {HOME}",)


def test_an_object_of_an_earlier_release_that_stays_keeps_the_record() -> None:
    """The bundle does not know it any more: without the record, the next uninstall would not find it."""
    key = Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "olds.trainer.kubeflow.org")
    record = Record(entries={key: RecordEntry("u", "", "", True)})
    state = RemovalState(Observed({key: {"uid": "u", "managedFields": [OWN]}, RECORD: {"uid": "r"}}, record=record))
    removal = make_removal(release(), state, Switches())
    assert dict(removal.vouched) == record.entries
    assert "record" not in stages(removal)


def test_what_its_own_entry_shows_needs_no_record() -> None:
    found = cluster()
    assert planned(found).vouched == {}
    # Another manager took every field: only the record shows who created this CRD.
    found.objects[CRDS[0]]["metadata"]["managedFields"] = [{"manager": "x", "operation": "Apply"}]
    removal = planned(found)
    assert [key.name for key in removal.vouched] == sorted([CRDS[0].name, HOME])
    assert removal.retained[HOLDS_RECORD] == (f"Namespace {HOME}",)


def test_what_lost_its_owners_does_not_keep_a_namespace() -> None:
    found = cluster()
    orphan = obj("Pod", "orphan", namespace=HOME)
    orphan["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "gone"}
    ]
    found.put(orphan, "kube-controller-manager")
    assert going(planned(found), "namespaces")[-1].name == HOME


def test_of_itself_a_removal_takes_nothing_of_peoples_and_no_crd() -> None:
    found = cluster()
    keys = {put_job(found), put_set(found), put_runtime(found), put_runtime(found, namespace="team-a"), *CRDS}
    removal = make_removal(release(), look(found, release()), Switches())
    assert keys.isdisjoint(removal.deleted())
    assert [words.partition(" (")[0] for words in said(removal)] == ["1 unfinished TrainJob", "1 unfinished JobSet"]


def test_decisions_are_immutable() -> None:
    for value, field in ((Switches(), "crds"), (RemovalState(Observed()), "deployments"), (Removal(), "stages")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)


def test_a_record_alone_is_something_of_conductors() -> None:
    """After an interrupted install, or if the objects were deleted by others: the record is deleted."""
    found = cluster()
    for key in [key for key in found.objects if key != RECORD]:
        del found.objects[key]
    found.put(obj("Namespace", release().namespace), "somebody")
    removal = planned(found)
    assert (removal.deleted(), removal.existed) == ([RECORD], True)


def test_a_namespace_with_unread_contents_stays() -> None:
    found = look(cluster(), release())
    removal = make_removal(release(), RemovalState(found.observed), Switches())
    assert set(removal.retained[f"it may not be empty: its contents were not read; {AGAIN}"]) == {
        str(key) for key in NAMESPACES
    }


# -- user objects ---


def test_unfinished_jobs_forbid_it_and_are_counted() -> None:
    found = cluster()
    for number in range(7):
        put_job(found, f"j{number}")
    put_job(found, "over", ending="Complete")
    (words,) = said(planned(found))
    assert words == (
        "7 unfinished TrainJobs (team-a/j0, team-a/j1, team-a/j2, team-a/j3, team-a/j4, and 2 more): "
        "they need Trainer's controller"
    )


def test_what_can_be_done_about_jobs_is_said() -> None:
    found = cluster()
    put_job(found)
    put_job(found, "over", ending="Complete")
    hold(found, TORCH)
    switch = "set remove_user_data: true to delete them"
    abandon = ", or abandon_jobs: true to leave them without a controller"
    assert [next_step for _words, next_step in planned(found).blockers] == [
        f"wait until they finish, or {switch}{abandon}",
        f"{switch}{abandon}",
    ]
    # No switch retains a job whose CRD is deleted.
    assert {next_step for _words, next_step in planned(found, abandon=True, crds=True).blockers} == {switch}


def test_jobs_need_trainer_with_an_external_jobset_too() -> None:
    found = cluster()
    make_foreign(found, "jobset")
    put_job(found)
    put_set(found)
    # The controller of the JobSet stays.
    assert said(planned(found)) == ["1 unfinished TrainJob (team-a/j): they need Trainer's controller"]


def test_job_sets_need_ours_when_the_trainer_is_gone() -> None:
    found = cluster()
    make_foreign(found, "train")
    put_job(found)
    put_set(found)
    assert said(planned(found)) == [
        "1 unfinished JobSet (team-a/s): they need JobSet's controller, which would be deleted",
    ]


def test_a_plain_job_set_that_is_not_over_forbids_it() -> None:
    found = cluster()
    put_set(found)
    put_set(found, "over", ending="Completed")
    # The JobSet of a TrainJob counts as part of it.
    put_set(found, "owned", owned=True)
    (words,) = said(planned(found))
    assert words.startswith("1 unfinished JobSet (team-a/s)")


def test_jobs_that_are_over_stay_and_do_not_matter() -> None:
    found = cluster()
    put_job(found, ending="Failed")
    put_set(found, ending="Completed")
    removal = planned(found)
    assert removal.blockers == ()
    assert removal.retained[STAYING] == ("JobSet team-a/s", "TrainJob team-a/j")


def test_abandoned_jobs_stay() -> None:
    found = cluster()
    put_job(found)
    put_set(found)
    removal = planned(found, abandon=True)
    assert removal.blockers == ()
    assert removal.retained[STAYING] == ("JobSet team-a/s", "TrainJob team-a/j")
    assert {"TrainJob", "JobSet"}.isdisjoint(key.kind for key in removal.deleted())


def test_user_data_goes_when_it_is_asked_for_and_in_its_order() -> None:
    found = cluster()
    keys = [put_job(found), put_set(found), put_set(found, "owned", owned=True)]
    keys += [put_runtime(found), put_runtime(found, namespace="team-a")]
    removal = planned(found, user_data=True)
    assert removal.blockers == ()
    assert set(keys) <= set(removal.deleted())
    # Each once: the runtimes of the release are no custom ones.
    assert len(removal.deleted()) == len(set(removal.deleted()))
    assert stages(removal)[:3] == ["train_jobs", "job_sets", "runtimes"]


def test_custom_runtimes_stay_and_what_holds_them_is_said() -> None:
    found = cluster()
    put_runtime(found)
    put_runtime(found, "held", held=True)
    put_runtime(found, "spaced", namespace="team-a", held=True)
    removal = planned(found)
    assert removal.retained[STAYING] == ("ClusterTrainingRuntime own",)
    assert removal.retained[f"{STAYING}, held by {IN_HOME}"] == (
        "ClusterTrainingRuntime held",
        "TrainingRuntime team-a/spaced",
    )


def test_with_an_external_jobset_plain_job_sets_always_stay() -> None:
    found = cluster()
    plain, owned, job = put_set(found), put_set(found, "owned", owned=True), put_job(found)
    make_foreign(found, "jobset")
    removal = planned(found, user_data=True, crds=True)
    assert removal.blockers == ()
    assert plain not in removal.deleted()
    assert {owned, job} <= set(removal.deleted())
    assert not [key for key in removal.deleted() if "jobset" in key.name]
    # The switch does not hide the reason why other objects than runtimes stay.
    assert removal.retained["it is managed by another owner (field manager helm)"] == (
        "CustomResourceDefinition jobsets.jobset.x-k8s.io",
    )


def make_foreign(found: FakeCluster, word: str) -> None:
    """Give the CRDs with this word to another owner and delete our other objects; user objects stay."""
    for key in [key for key in found.objects if word in key.name or (word, key.api_version) == ("train", TRAINER)]:
        if key.kind == "CustomResourceDefinition":
            found.objects[key]["metadata"]["managedFields"] = [{"manager": "helm", "operation": "Apply"}]
            found.objects[key]["metadata"]["uid"] = "uid-theirs"
        elif key.kind not in ("JobSet", "TrainJob"):
            del found.objects[key]


def test_the_owner_of_trainer_decides_about_custom_runtimes() -> None:
    found = cluster()
    make_foreign(found, "jobset")
    del found.objects[TORCH]
    put_runtime(found, TORCH.name)
    assert TORCH in planned(found, user_data=True).deleted()
    found = cluster()
    make_foreign(found, "train")
    put_runtime(found, TORCH.name)
    removal = planned(found, user_data=True)
    assert TORCH not in removal.deleted()
    assert removal.retained["it is managed by another owner (field manager kubectl)"] == (str(TORCH),)


def test_without_anything_of_ours_user_data_stays_whatever_is_asked_for() -> None:
    found = cluster()
    job = put_job(found)
    for key in [key for key in found.objects if key != job and key not in CRDS]:
        del found.objects[key]
    for key in CRDS:
        found.objects[key]["metadata"]["managedFields"] = []
    removal = planned(found, user_data=True, crds=True)
    assert (removal.stages, removal.existed) == ((), False)


# -- finalizers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alive", [True, False])
def test_a_runtime_that_a_job_holds_forbids_it_even_when_the_job_is_over(alive: bool) -> None:
    found = cluster(alive=alive)
    put_job(found, ending="Complete")
    hold(found, TORCH)
    (words,) = said(planned(found))
    assert words.startswith("1 finished TrainJob (team-a/j): they hold ClusterTrainingRuntime torch-distributed by")


def test_abandoned_it_stays() -> None:
    found = cluster()
    put_job(found, ending="Complete")
    hold(found, TORCH)
    removal = planned(found, abandon=True)
    assert TORCH not in removal.deleted()
    assert removal.retained[f"held by {IN_HOME}; retained TrainJobs use it"] == (str(TORCH),)
    # The others are deleted, in any order.
    hold(found, JAX)
    put_job(found, "other", ending="Complete", runtime=JAX.name)
    built_in = [key for key in release().known if key.kind == "ClusterTrainingRuntime"]
    assert set(going(planned(found, abandon=True), "runtimes")) == set(built_in) - {TORCH, JAX}


def test_a_running_controller_removes_the_finalizer_of_an_unused_runtime() -> None:
    found = cluster()
    put_job(found, ending="Complete", runtime="another")
    hold(found, TORCH)
    removal = planned(found)
    assert TORCH in removal.deleted()
    assert removal.finalizers_to_remove == ()


def test_without_a_controller_the_finalizer_is_removed() -> None:
    found = cluster(alive=False)
    hold(found, TORCH)
    assert [target.key for target in planned(found).finalizers_to_remove] == [TORCH]
    own = put_runtime(found, held=True)
    assert {target.key for target in planned(found, user_data=True).finalizers_to_remove} == {TORCH, own}


def test_another_finalizer_is_not_ours_to_take_away() -> None:
    found = cluster(alive=False)
    hold(found, TORCH, "example.com/held")
    assert planned(found).finalizers_to_remove == ()


# -- CRDs --------------------------------------------------------------------------------------------------------------


def test_crds_go_when_nothing_is_left_of_their_kinds() -> None:
    removal = planned(cluster(), crds=True)
    assert going(removal, "crds") == sorted(CRDS)
    assert removal.retained == {}


def test_an_object_that_would_go_with_a_crd_forbids_it() -> None:
    found = cluster()
    put_job(found, ending="Complete")
    put_runtime(found)
    put_runtime(found, namespace="team-a")
    put_set(found, ending="Completed")
    assert [words.partition(":")[0] for words in said(planned(found, crds=True))] == [
        "1 ClusterTrainingRuntime (own)",
        "1 JobSet (team-a/s)",
        "1 TrainingRuntime (team-a/own)",
        "1 TrainJob (team-a/j)",
    ]
    assert planned(found, user_data=True, crds=True).blockers == ()


def test_a_crd_whose_objects_were_not_read_stays() -> None:
    """A CRD of an older release: it is unknown whether users have objects of its kind."""
    key = Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"olds.{TRAINER.partition('/')[0]}")
    record = Record(entries={key: RecordEntry("u", "", "", True)})
    state = RemovalState(Observed({key: {"uid": "u", "managedFields": [OWN]}}, record=record))
    removal = make_removal(release(), state, Switches(crds=True))
    assert removal.deleted() == []
    assert removal.retained == {"objects of its kind were not searched for": (str(key),)}


def test_abandoning_jobs_never_destroys_them() -> None:
    found = cluster()
    put_job(found)
    (words,) = said(planned(found, abandon=True, crds=True))
    assert words.startswith("1 TrainJob (team-a/j): they would be deleted with CustomResourceDefinition")


def test_after_a_removal_that_left_the_crds_the_next_may_take_them() -> None:
    found = cluster()
    for key in [key for key in found.objects if key not in CRDS]:
        del found.objects[key]
    removal = planned(found)
    assert (removal.stages, removal.existed) == ((), True)
    assert planned(found, crds=True).deleted() == sorted(CRDS)
    # Jobs without a controller do not have to be finished.
    put_job(found)
    put_set(found)
    assert planned(found).blockers == ()
    assert planned(found, user_data=True, crds=True).blockers == ()


def test_crds_of_another_owners_controller_stay() -> None:
    found = cluster()
    found.put(webhooks("theirs", "webhook", ["trainer.kubeflow.org"], namespace="elsewhere"), "helm")
    removal = planned(found, crds=True)
    assert [key.name for key in going(removal, "crds")] == ["jobsets.jobset.x-k8s.io"]
    reason = "it is still served by the webhook configuration theirs"
    assert len(removal.retained[reason]) == 3


# -- other owners ---


def test_a_webhook_without_its_service_blocks() -> None:
    found = cluster()
    found.put(webhooks("theirs", "jobset-webhook-service", ["example.com"], namespace=HOME), "helm")
    (words,) = said(planned(found))
    assert words == (
        "webhook configuration theirs (field manager helm) points to Service kubeflow-system/jobset-webhook-service, "
        "which would be deleted"
    )


def test_a_controller_with_another_owner_blocks() -> None:
    found = cluster()
    found.objects[MANAGER]["metadata"]["annotations"] = {"meta.helm.sh/release-name": "trainer"}
    (words,) = said(planned(found))
    assert words.startswith(f"Deployment {HOME}/{MANAGER.name} is managed by Helm release trainer and stays")


def test_leases_stay_with_controllers_that_stay() -> None:
    found = FakeCluster()
    for key in (MANAGER, JOBSET_MANAGER):
        found.put(obj("Deployment", key.name, "apps/v1", HOME), "helm")
    for key in (LEASE, JOBSET_LEASE):
        found.put(obj("Lease", key.name, key.api_version, HOME), "manager", "Update")
    assert planned(found, user_data=True, crds=True).stages == ()


def test_unknown_leases_stay() -> None:
    found = FakeCluster()
    for key in (LEASE, JOBSET_LEASE):
        found.put(obj("Lease", key.name, key.api_version, HOME), "manager", "Update")
    assert planned(found).stages == ()


@pytest.mark.parametrize(("jobset", "leases"), [("bundled", [LEASE, JOBSET_LEASE]), ("external", [LEASE])])
def test_once_no_controller_is_left_the_record_tells_whose_leases_there_are(jobset: str, leases: list[Key]) -> None:
    record = Record(entries={MANAGER: RecordEntry("u", "", "", True)}, jobset=jobset)
    observed = Observed({LEASE: {"uid": "lease"}, JOBSET_LEASE: {"uid": "other"}}, record=record)
    assert going(make_removal(release(), RemovalState(observed), Switches()), "leases") == leases


def test_leases_go_when_a_removal_was_cut_off_after_their_controllers() -> None:
    found = cluster()
    del found.objects[MANAGER], found.objects[JOBSET_MANAGER]
    assert going(planned(found), "leases") == [LEASE, JOBSET_LEASE]


def test_a_foreign_runtime_with_a_built_in_name_stays_without_the_switch() -> None:
    found = cluster()
    del found.objects[TORCH]
    put_runtime(found, TORCH.name)
    removal = planned(found)
    assert TORCH not in removal.deleted()
    assert removal.retained["it is managed by another owner (field manager kubectl)"] == (str(TORCH),)
    assert TORCH in planned(found, user_data=True).deleted()


def test_terminating_objects_are_only_awaited() -> None:
    found = cluster()
    found.objects[TORCH]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    removal = planned(found)
    assert TORCH not in removal.deleted()
    assert TORCH in going(removal, "runtimes")


def test_a_namespace_of_others_that_is_terminating_is_said_to_be() -> None:
    found = cluster()
    lose_record(found)
    home = next(key for key in NAMESPACES if key.name == HOME)
    found.objects[home]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found.objects[home]["status"] = {
        "conditions": [{"type": "NamespaceContentRemaining", "status": "True", "message": "one pod is left"}]
    }
    (reason,) = (reason for reason, names in planned(found).retained.items() if str(home) in names)
    assert reason.startswith("no record shows that Conductor created it; it is Terminating since")
    assert reason.endswith("one pod is left")


def test_deselected_runtimes_go_as_well() -> None:
    found = cluster()
    assert (
        TORCH
        in make_removal(release().with_runtimes(["jax-distributed"]), look(found, release()), Switches()).deleted()
    )


def test_jobs_of_a_foreign_trainer_do_not_block() -> None:
    found = FakeCluster()
    found.put(
        obj(
            "CustomResourceDefinition",
            f"trainjobs.{TRAINER.partition('/')[0]}",
            "apiextensions.k8s.io/v1",
            spec={
                "group": "trainer.kubeflow.org",
                "names": {"plural": "trainjobs"},
                "versions": [],
            },
        ),
        "kubectl",
    )
    put_job(found)
    assert planned(found).blockers == ()


def test_a_record_alone_does_not_make_an_object_of_others_ours() -> None:
    found = cluster()
    key = Key("apps/v1", "Deployment", "kube-system", "coredns")
    found.put(obj("Deployment", key.name, key.api_version, key.namespace), "kubeadm", "Update")
    record = parse_record(found.objects[RECORD])
    entry = RecordEntry(found.objects[key]["metadata"]["uid"], "", "", True)
    changed = dataclasses.replace(record, entries={**record.entries, key: entry})
    found.objects[RECORD]["data"] = record_manifest(changed, HOME)["data"]
    assert key not in {target.key for _name, targets in planned(found).stages for target in targets}
