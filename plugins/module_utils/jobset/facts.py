# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which JobSet a cluster has: ours, somebody else's, half of one, or none.

A second JobSet over a first one takes its webhooks and its rights away (all names are cluster-wide), so everything that
is not plainly absent, bundled or external is a state of its own, and stops an install.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..objects.fields import is_terminating, is_true, numbers, texts
from ..objects.line import Line, about_places, terminating_line
from ..ownership.installers import common_owner, is_own_or_nothing
from ..release.recognition import JOBSET_CRD, JOBSET_GROUP, Place, is_jobset, namespaces, places, speaks_for, troubles
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
) -> dict[str, Any]:
    """The state of JobSet.

    Args:
        crd: its CRD; empty where there is none, None where it may not be read. Likewise the others.
        deployments: of the cluster, others' among them.
        everywhere: whether C(deployments) are those of all namespaces, so that none means none.
        slices: namespace to its EndpointSlices.
        home: the namespace Trainer is or will be in.
        wanted: the version that the release brings.
        adopt: the installers whose objects an install takes over.
    """
    own = [item for item in deployments or () if is_jobset(item)]
    webhooks = [item for item in configurations or () if speaks_for(item, JOBSET_GROUP)]
    # A controller that may not be seen matters only where something else speaks of it.
    silent = is_own_or_nothing([*webhooks, *([crd] if crd else [])])
    known = (
        crd is not None
        and configurations is not None
        and deployments is not None
        and (everywhere or bool(own) or silent)
    )
    state, evidence = _state(crd, own, places(webhooks), home) if known else ("unknown", "some objects cannot be read")
    where = namespaces(own) | {place.namespace or place.service for place in places(webhooks)}
    version = jobset_version(own, crd)
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
        "terminating": _dying(crd) if crd and is_terminating(crd) else "",
    }


def _owner(found: dict[str, Any], state: str, objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Nobody takes over a JobSet that runs elsewhere, whoever applied it: Trainer is installed beside it.

    Nor a CRD alone, but for one of our own kustomization: it may be all that is left of somebody's JobSet.
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
        return "split", f"webhooks point to {calls}, the controller runs in namespace {runs}"
    if len(called) > 1:
        return "split", f"webhooks point to {calls}"
    if not running and any(not place.namespace for place in pointed):
        return "unknown", f"webhooks call {calls}, and who answers there cannot be told"
    if not where:
        return "crd_only", "there is a CRD, no controller and no webhook"
    if where == {home}:
        missing = [name for name, there in (("CRD", crd), ("controller", running), ("webhooks", called)) if not there]
        return "bundled", f"in Trainer's namespace{', without ' + ' and '.join(missing) if missing else ''}"
    if not running:
        return "split", f"webhooks point to {calls}, where no controller runs"
    return "external", f"the controller runs in namespace {runs}"


def _problems(
    crd: Mapping[str, Any] | None,
    own: Sequence[Mapping[str, Any]],
    webhooks: Sequence[Mapping[str, Any]],
    slices: Mapping[str, Sequence[Mapping[str, Any]] | None],
) -> list[str]:
    found = []
    if not crd:
        found.append("its CRD is not there")
    elif is_terminating(crd):
        found.append("its CRD is Terminating")
    elif not is_true(crd, "Established"):
        found.append("its CRD is not Established")
    if not own:
        found.append("its controller is not there")
    if not webhooks:
        found.append("its webhook configurations are not there")
    return found + troubles(own, webhooks, slices)


def _dying(crd: Mapping[str, Any]) -> Line:
    return terminating_line("CustomResourceDefinition", JOBSET_CRD, texts(crd, "metadata", "finalizers"))


def _enough(version: str, wanted: str, serves: Sequence[str]) -> bool | None:
    """Whether it may serve a Trainer that brings C(wanted); None where the version is not known for sure."""
    if API_VERSION not in serves:
        return False
    have, need = numbers(version), numbers(wanted)
    if not have:
        return None
    # The CRD shows a series only: it is enough if the whole series is.
    return have >= need[: len(have)]
