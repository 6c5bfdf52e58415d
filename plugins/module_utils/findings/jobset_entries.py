# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about the installed JobSet, as data."""

from __future__ import annotations

from .entry import CatalogueEntry

JOBSET = (
    CatalogueEntry(
        "jobset_external",
        "blocker",
        "JobSet {version} runs in namespace {namespace} and is managed by {owner}; installing a second JobSet would "
        "break it",
        "set `conductor_jobset: external` to install Trainer beside it; {removal}",
        about=("namespace", "owner"),
    ),
    CatalogueEntry(
        "jobset_other_owner",
        "blocker",
        "JobSet {version} in namespace {namespace} is managed by {owner}",
        "keep using that tool, or set `conductor_adopt`, which adopts the objects that have the release's own names; "
        "{removal}",
        about=("namespace", "owner"),
    ),
    CatalogueEntry(
        "jobset_bundled",
        "blocker",
        "an external JobSet was requested, but the JobSet in Trainer's namespace {namespace}, which is managed by "
        "{owner}, is the bundled one",
        "set `conductor_jobset: auto` or `conductor_jobset: bundled`; a bundled JobSet cannot become an external one",
        about=("namespace",),
    ),
    CatalogueEntry(
        "jobset_absent",
        "blocker",
        "an external JobSet was requested, but no JobSet is installed",
        "install JobSet {wanted} or newer first, or set `conductor_jobset: bundled` to install it with Trainer",
    ),
    CatalogueEntry(
        "jobset_unhealthy",
        "blocker",
        "JobSet in namespace {namespace} is not ready: {problems}",
        "repair it with the tool that installed it, without uninstalling it; {removal}",
        about=("namespace",),
    ),
    CatalogueEntry(
        "jobset_too_old",
        "blocker",
        "JobSet is {version} and serves {served_versions}; Trainer {release} requires JobSet {wanted} or newer with "
        "v1alpha2",
        "upgrade JobSet with the tool that installed it, without uninstalling it; {removal}",
    ),
    CatalogueEntry(
        "jobset_split",
        "blocker",
        "the installed JobSet is inconsistent: {evidence}",
        "find out which JobSet is the right one, and remove the webhook configurations or the controller of the other "
        "with `kubectl delete`; {removal}",
        about=("evidence",),
    ),
    CatalogueEntry(
        "jobset_crd_only",
        "blocker",
        "the JobSet CRD exists without a controller ({owner}, {job_sets} JobSets); it is unknown who uses it",
        "install the JobSet that it belongs to, or, if nobody needs them, delete the CRD, which deletes the {job_sets} "
        "JobSets with their pods",
        about=("owner",),
    ),
    CatalogueEntry(
        "jobset_unknown",
        "blocker",
        "it is unknown which JobSet is installed: {evidence}",
        "grant the permissions that are listed as unreadable, or find out what these webhooks belong to",
        about=("evidence",),
    ),
)
