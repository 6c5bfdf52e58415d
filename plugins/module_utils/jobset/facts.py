# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out which JobSet a cluster has: the bundled one, an external one, parts of one, or none. Pure.

A second JobSet would take over the webhooks and the permissions of the first, because all names are cluster-wide.
Therefore every state that is not clearly absent, bundled or external stops an install.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..objects.fields import is_terminating, is_true, numbers, texts
from ..objects.line import Line, about_places, terminating_line
from ..ownership.installers import common_owner, is_own_or_nothing
from ..release.recognition import (
    JOBSET_CRD,
    JOBSET_GROUP,
    Place,
    is_jobset,
    is_webhook_of,
    namespaces,
    places,
    serving_problems,
)
from ..release.versions import images, jobset_version, served_versions

API_VERSION = "v1alpha2"


def jobset_facts(
    *,
    crd: Mapping[str, Any] | None,
    configurations: Sequence[Mapping[str, Any]] | None,
    deployments: Sequence[Mapping[str, Any]] | None,
    everywhere: bool,
    slices: Mapping[str, Sequence[Mapping[str, Any]] | None],
    home: str,
    wanted: str,
    adopt: Collection[str] = (),
    held: Sequence[str] = (),
    replaced: Collection[str] = (),
) -> dict[str, Any]:
    """Return the state of JobSet.

    Args:
        crd: its CRD; empty if missing, None if it cannot be read. The same applies to the other arguments.
        deployments: Deployments of the cluster, including unrelated ones.
        everywhere: whether C(deployments) covers all namespaces, so that a missing controller is certainly missing.
        slices: namespace to its EndpointSlices.
        home: the namespace of Trainer, now or after the install.
        wanted: the JobSet version of the release.
        adopt: the installers whose objects an install adopts.
        held: the objects that hold the deletion of the CRD.
        replaced: images that options set.
    """
    own = [item for item in deployments or () if is_jobset(item)]
    webhooks = [item for item in configurations or () if is_webhook_of(item, JOBSET_GROUP)]
    # An unreadable controller matters only if other objects show that one is installed.
    silent = is_own_or_nothing([*webhooks, *([crd] if crd else [])])
    known = (
        crd is not None
        and configurations is not None
        and deployments is not None
        and (everywhere or bool(own) or silent)
    )
    state, evidence = _state(crd, own, places(webhooks), home) if known else ("unknown", "some objects cannot be read")
    where = namespaces(own) | {place.namespace or place.service for place in places(webhooks)}
    version = jobset_version(own, crd, replaced)
    found: list[Mapping[str, Any]] = [*own, *webhooks, *([crd] if crd else [])]
    problems = [] if state in ("absent", "unknown") else _problems(crd, own, webhooks, slices)
    serves = served_versions(crd) if crd else []
    return {
        "state": state,
        "evidence": Line(evidence, about=about_places(*where) if known else ()),
        "version": version,
        "sufficient": _enough(version, wanted, serves) if state in ("bundled", "external") else None,
        "served_versions": serves,
        "owner": _owner(common_owner(own or found, adopt), state, own or found),
        "namespace": next(iter(sorted(namespaces(own) or {place.namespace for place in places(webhooks)})), ""),
        "image": next((image for item in own for image in images(item)), ""),
        "healthy": None if state in ("absent", "unknown") else not problems,
        "problems": problems,
        "terminating": _dying(crd, held) if crd and is_terminating(crd) else "",
    }


def _owner(found: dict[str, Any], state: str, objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the owner, adoptable only if an install may take over or adopt this JobSet.

    A JobSet in another namespace is never taken over, whoever applied it: Trainer is installed beside it. A CRD alone
    is taken over only if it is from our own kustomization, because it may be the rest of another JobSet.
    """
    takes = state == "bundled" or (state == "crd_only" and is_own_or_nothing(objects))
    return found if takes else {**found, "adoptable": False}


def _state(
    crd: Mapping[str, Any] | None, own: Sequence[Mapping[str, Any]], pointed: set[Place], home: str
) -> tuple[str, str]:
    running, called = namespaces(own), {place.namespace or place.service for place in pointed}
    if not crd and not running and not called:
        return "absent", ""
    where = running | called
    runs, calls = ", ".join(sorted(running)), ", ".join(sorted(called))
    if len(running) > 1:
        return "split", f"controllers run in namespaces {runs}"
    if running and called and running != called:
        return "split", f"webhooks point to {calls}, but the controller runs in namespace {runs}"
    if len(called) > 1:
        return "split", f"webhooks point to {calls}"
    if not running and any(not place.namespace for place in pointed):
        return "unknown", f"webhooks call {calls}, and it is unknown which program answers there"
    if not where:
        return "crd_only", "a CRD exists, but no controller and no webhooks"
    if where == {home}:
        missing = [name for name, there in (("CRD", crd), ("controller", running), ("webhooks", called)) if not there]
        return "bundled", f"in Trainer's namespace{', without ' + ' and '.join(missing) if missing else ''}"
    if not running:
        return "split", f"webhooks point to {calls}, but no controller runs there"
    return "external", f"the controller runs in namespace {runs}"


def _problems(
    crd: Mapping[str, Any] | None,
    own: Sequence[Mapping[str, Any]],
    webhooks: Sequence[Mapping[str, Any]],
    slices: Mapping[str, Sequence[Mapping[str, Any]] | None],
) -> list[str]:
    found = []
    if not crd:
        found.append("its CRD is missing")
    elif is_terminating(crd):
        found.append("its CRD is Terminating")
    elif not is_true(crd, "Established"):
        found.append("its CRD is not Established")
    if not own:
        found.append("its controller is missing")
    if not webhooks:
        found.append("its webhook configurations are missing")
    return found + serving_problems(own, webhooks, slices)


def _dying(crd: Mapping[str, Any], held: Sequence[str]) -> Line:
    return terminating_line("CustomResourceDefinition", JOBSET_CRD, texts(crd, "metadata", "finalizers"), held)


def _enough(version: str, wanted: str, serves: Sequence[str]) -> bool | None:
    """Return whether a JobSet is new enough for a release that requires C(wanted); None if its version is unknown."""
    if API_VERSION not in serves:
        return False
    have, need = numbers(version), numbers(wanted)
    if not have:
        return None
    # A version from the CRD is only a series: it is new enough if the whole series is.
    return have >= need[: len(have)]
