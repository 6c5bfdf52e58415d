# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of upstream's own releases, rendered out of Go modules that are pinned here or by tools/bundles."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from bundle_generator import sources
from bundle_generator.documents import load_documents
from bundle_generator.release import PROGRAMS, RELEASES
from bundle_generator.sources import Programs
from tests.support.playing import CLONE

CURRENT = "2.3.0"
# Before Trainer 2.2: other fields of TrainJobs, and a JobSet whose Deployment has another selector.
OLD = "2.1.0"
_JOBSET = {CURRENT: "0.12.0", OLD: "0.10.1"}
_MODULES = {
    CURRENT: CLONE / RELEASES / CURRENT / "modules",
    OLD: Path(__file__).parent / "upstream" / OLD,
}


def trainer_objects(release: str = CURRENT) -> list[dict[str, Any]]:
    """What C(kubectl apply -k) of upstream's manager and runtimes overlays brings, JobSet included."""
    return copy.deepcopy(_trainer(release))


def jobset_objects(release: str = CURRENT) -> list[dict[str, Any]]:
    """What JobSet's own manifest brings, of the version this release of Trainer wants, in C(jobset-system)."""
    return copy.deepcopy(_jobset(release))


@cache
def _trainer(release: str) -> list[dict[str, Any]]:
    def render() -> list[dict[str, Any]]:
        programs = Programs(CLONE)
        trainer = programs.module_folder(_MODULES[release] / "trainer", "github.com/kubeflow/trainer/v2")
        return sources.render_folders(programs, trainer, _jobset_folder(programs, release), _JOBSET[release])

    return _kept("trainer", release, render)


@cache
def _jobset(release: str) -> list[dict[str, Any]]:
    def render() -> list[dict[str, Any]]:
        programs = Programs(CLONE)
        return load_documents(programs.kustomize(_jobset_folder(programs, release) / "config/default"))

    return _kept("jobset", release, render)


def _jobset_folder(programs: Programs, release: str) -> Path:
    return programs.module_folder(_MODULES[release] / "jobset", "sigs.k8s.io/jobset")


def _kept(what: str, release: str, render: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What C(render) returns, from the cache of the checkout where all that decides it is as it was."""
    key = hashlib.sha256(Path(sources.__file__).read_bytes())
    for pins in (*sorted(_MODULES[release].glob("*/go.*")), *sorted((CLONE / PROGRAMS).glob("go.*"))):
        key.update(pins.read_bytes())
    cache_folder = Path(os.environ.get("CONDUCTOR_CACHE") or CLONE / ".cache").resolve() / "upstream"
    path = cache_folder / f"{what}-{release}-{key.hexdigest()[:12]}.json"
    if not path.is_file():
        objects = render()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(objects), encoding="utf-8")
        partial.replace(path)
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
