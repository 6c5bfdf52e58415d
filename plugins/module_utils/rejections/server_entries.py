# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejections because of the load, the storage or the APIs of a server, as data."""

from __future__ import annotations

from .entry import QUOTED, TYPE, Entry

# How the API server passes on what etcd says.
_ETCD = r"(?:rpc error: code = \w+ desc = )?(?:etcdserver: )?"

SERVER: tuple[Entry, ...] = (
    # -- sizes, load, storage --------------------------------------------------------------------------------------
    Entry(
        "too_large",
        _ETCD + r"(?:[Rr]equest entity too large|request is too large|trying to send message larger than max)",
        "the object is too large for the API server or its storage",
        "make the object smaller: keep large files in a volume or an image, not in a ConfigMap or in annotations",
    ),
    Entry(
        "storage_full",
        _ETCD + r"(?:mvcc: )?database space exceeded",
        "etcd, the storage of the API server, is full",
        "free space in etcd: compact and defragment it, then disarm its alarm; nothing can be written until then",
    ),
    Entry(
        "storage",
        r"etcdserver: |etcd cluster is unavailable|storage is \(re\)?initializing|rpc error: code = "
        r"|error reading from server: ",
        "etcd, the storage of the API server, does not answer properly",
        "wait a moment, then run this again; if it lasts, check the load and the disks of the etcd members",
        lasting=False,
    ),
    Entry(
        "disruption_budget",
        r"violate the pod's disruption budget",
        "a PodDisruptionBudget prevents the eviction of this pod",
        "wait until more pods of the workload are ready",
        lasting=False,
    ),
    Entry(
        "throttled",
        r"[Tt]oo many requests|received too many requests|limit reached on type",
        "the API server is overloaded or limits the requests of this identity",
        "wait a moment, then run this again with less load: lower `conductor_concurrency`",
        lasting=False,
    ),
    Entry(
        "not_ready_yet",
        r"not yet ready to handle request|no API server is ready|apiserver (?:is )?not ready|apiserver is shutting down"
        r"|[Rr]esource kind \S+ not found\. There can be a delay",
        "the API server is still starting",
        "wait a moment, then run this again",
        lasting=False,
    ),
    # -- addresses -------------------------------------------------------------------------------------------------
    Entry(
        "type_missing",
        r"the server could not find the requested resource|no matches for kind|404 page not found|resource not found",
        "the API server does not serve this type of object: its CRD is missing, or it has another version",
        "install what provides the type (for TrainJobs and runtimes: run the install), or correct apiVersion and kind",
    ),
    Entry(
        "unsupported_method",
        r"is not supported on resources of kind|does not allow this method on the requested resource",
        "the API server does not support this for the type of object",
        "check the server: it may be a proxy that forbids writing, or an aggregated API",
    ),
    Entry(
        "aggregated_api",
        r"error trying to reach service|service \\*\"?[\w./-]+\\*\"? not found|failing or missing response from https",
        "an aggregated API of the cluster does not answer",
        "repair the APIService that is not available, or delete it: `kubectl get apiservices`",
        lasting=False,
    ),
    Entry(
        "object_missing",
        rf"{TYPE} {QUOTED} not found",
        "{type} {name} does not exist",
        "create {type} {name} first, or correct the name; for an object of Trainer or JobSet, run the install",
    ),
    Entry(
        "expired",
        r"resource ?[vV]ersion .*(?:too old|too large)|continue parameter is too old"
        r"|required revision has been compacted",
        "the list or watch is too old",
        "run this again",
        lasting=False,
    ),
    Entry(
        "timeout",
        r"request did not complete within|unable to return a response in the time allotted"
        r"|could not be completed at this time, please try again",
        "the API server or an admission webhook takes too long",
        "wait a moment, then run this again; if it lasts, look for slow admission webhooks and for a loaded etcd",
        lasting=False,
    ),
    Entry(
        "selector",
        r"field label not supported|is not a known field selector|unable to parse requirement",
        "the API server does not support this selector",
        "upgrade the cluster to a supported Kubernetes release",
    ),
)
