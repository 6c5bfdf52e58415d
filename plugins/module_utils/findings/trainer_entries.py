# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the installed Trainer and the objects that people created, as data."""

from __future__ import annotations

from .entry import CatalogueEntry

TRAINER = (
    CatalogueEntry(
        "trainer_other_owner",
        "blocker",
        "Trainer {release} ({state}) is managed by {owner}",
        "keep using that tool, or set `conductor_adopt`, which adopts the objects that have the release's own names; "
        "{removal}",
        about=("owner",),
    ),
    CatalogueEntry(
        "trainer_other_namespace",
        "blocker",
        "Trainer runs in namespace {found} and is managed by {owner}; its cluster-wide objects exist only once, so "
        "namespace {wanted} cannot have another Trainer",
        "keep that Trainer, or remove it first; {removal}",
        about=("found", "wanted", "owner"),
    ),
    CatalogueEntry(
        "trainer_duplicate",
        "blocker",
        "controllers of Trainer run in namespaces {found} and interfere with each other",
        "remove the Deployments of all of them but one with `kubectl delete deployment`, and not with the tool that "
        "installed them; {removal}",
        about=("found",),
    ),
    CatalogueEntry(
        "trainer_newer",
        "blocker",
        "Trainer {found} is installed, which is newer than {wanted}; a downgrade drops fields that stored TrainJobs "
        "may use",
        "set `conductor_release` to {found} or newer; if the collection does not contain that release, upgrade the "
        "collection",
    ),
    CatalogueEntry(
        "trainer_unknown",
        "blocker",
        "it is unknown whether Trainer is installed, because some objects cannot be read",
        "grant the permissions that are listed as unreadable, or use other credentials",
    ),
    CatalogueEntry(
        "trainer_takeover",
        "warning",
        "Trainer was applied with kubectl; the install takes it over, and stops before it writes if fields of the "
        "release were modified",
        "stop applying it with kubectl, and never delete it with its manifests; {warning}",
    ),
    CatalogueEntry(
        "trainer_other_release",
        "blocker",
        "Trainer {found} is managed by {owner}; only release {wanted} can be taken over or adopted",
        "upgrade it to {wanted} with the tool that installed it{upgrade}, then run the install again",
        about=("owner",),
    ),
    CatalogueEntry(
        "adopted_from_tool",
        "warning",
        "the install adopts it from {owner}; that tool does not notice this and may revert the changes",
        "detach the objects from that tool without deleting them, before the install or right after it, then remove "
        "the tool from `conductor_adopt`: {detach}",
    ),
    CatalogueEntry(
        "helm_release_stored",
        "blocker",
        "Helm still stores the release {name} in namespace {namespace} ({stored}): a later `helm uninstall` would "
        "delete by name what the install adopts, its CRDs included, and with them every TrainJob",
        "run `kubectl delete secrets,configmaps --namespace {namespace} --selector owner=helm,name={name}`, which "
        "makes Helm forget the release and deletes nothing else, then run the install again",
    ),
    CatalogueEntry(
        "helm_release_unknown",
        "blocker",
        "it is unknown whether Helm still stores the release {name} in namespace {namespace}, because its Secrets or "
        "ConfigMaps cannot be listed: as long as it does, `helm uninstall` deletes by name what the install adopts, "
        "its CRDs included, and with them every TrainJob",
        "grant the permission to list Secrets and ConfigMaps in this namespace, then run the install again",
    ),
    CatalogueEntry(
        "immutable_field",
        "blocker",
        "{field} is {found}, the release has {wanted}, and Kubernetes does not change this field of an existing object",
        "keep the other installation, or replace this object: {way}",
    ),
    CatalogueEntry(
        "second_controller",
        "blocker",
        "{what} has another name than the controller of the release: after the install both would run, and the new one "
        "would wait for the Lease of the old one",
        "delete it with `kubectl delete`, and not with the tool that installed it; {removal}",
    ),
    CatalogueEntry(
        "trainer_incomplete",
        "warning",
        "Trainer is installed only in part; missing: {missing}",
        "run the install, which completes it; nothing else is required",
    ),
    CatalogueEntry(
        "release_inconsistent",
        "warning",
        "the sources of the installed Trainer release disagree (image: {image}, public ConfigMap: {config_map}, CRD: "
        "{crd})",
        "find out who changed one of them; the image is the release that runs",
    ),
    CatalogueEntry(
        "terminating",
        "blocker",
        "{what} is being deleted, and a replacement cannot be created until it is gone",
        "wait until it is gone; if it does not go away, delete the objects that hold it, or remove its finalizers",
        about=("what",),
    ),
)

USER_OBJECTS = (
    CatalogueEntry(
        "runtime_other_owner",
        "blocker",
        "ClusterTrainingRuntimes with the names of built-in runtimes have other owners: {names}",
        "rename them, or list only the other built-in runtimes in `conductor_runtimes`",
    ),
    CatalogueEntry(
        "runtime_finalizers",
        "warning",
        "the finalizer of Trainer 2.2 and older is set on {names}; without Trainer's controller they cannot be deleted",
        "run Trainer 2.3 or newer, whose controller removes the finalizer, before you remove anything",
    ),
    CatalogueEntry(
        "jobs_unfinished",
        "warning",
        "{count} TrainJobs are unfinished ({names}), and the install changes the controllers",
        "wait until they finish, or continue and accept that they make no progress while the controllers restart",
    ),
)
