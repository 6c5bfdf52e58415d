# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render upstream's own manifests from the sources in the pinned modules."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from .errors import GenerateError
from .programs import Programs
from .release import Release
from .yamls import load_documents, load_file

# Where the modules keep their kustomizations (the same in Trainer 2.1 to 2.3, JobSet 0.8 to 0.12).
_TRAINER_TREE, _MANAGER, _RUNTIMES = "manifests", "overlays/manager", "overlays/runtimes"
_JOBSET_IN_TRAINER = "third-party/jobset"
_JOBSET_TREE, _JOBSET_DEFAULT = "config", "default"


def render(programs: Programs, root: Path, release: Release) -> list[dict[str, Any]]:
    """Return the objects of upstream's manager and runtimes overlays; raises GenerateError."""
    trainer, jobset = (
        programs.module_folder(root / release.go_module(component), component.module)
        for component in (release.components["trainer"], release.components["jobset"])
    )
    return render_folders(programs, trainer, jobset, release.components["jobset"].version)


def render_folders(programs: Programs, trainer: Path, jobset: Path, jobset_version: str) -> list[dict[str, Any]]:
    """Return the same from the sources in two folders; raises GenerateError.

    Trainer's overlay downloads JobSet's published manifest. That file is the output of ``config/default`` of the same
    tag, so render it instead.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _copy(trainer / _TRAINER_TREE, work / "trainer")
        third_party = work / "trainer" / _JOBSET_IN_TRAINER
        manifest = _jobset_manifest(programs, jobset)
        (third_party / "manifests.yaml").write_text(manifest, encoding="utf-8")
        _use_local_manifest(third_party / "kustomization.yaml", jobset_version)
        overlays = [work / "trainer" / overlay for overlay in (_MANAGER, _RUNTIMES)]
        return [obj for overlay in overlays for obj in load_documents(programs.kustomize(overlay))]


def render_jobset(programs: Programs, jobset: Path) -> list[dict[str, Any]]:
    """Return the objects of JobSet's published manifest, from the sources in a folder; raises GenerateError."""
    return load_documents(_jobset_manifest(programs, jobset))


def _jobset_manifest(programs: Programs, jobset: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "jobset"
        _copy(jobset / _JOBSET_TREE, work)
        return programs.kustomize(work / _JOBSET_DEFAULT)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the module cache is read-only


def _use_local_manifest(path: Path, version: str) -> None:
    kustomization = load_file(path)
    (url,) = kustomization["resources"]
    if not url.endswith(f"/v{version}/manifests.yaml"):
        raise GenerateError(f"Trainer takes JobSet from {url}, but release.yaml has {version}")
    kustomization["resources"] = ["manifests.yaml"]
    path.write_text(yaml.safe_dump(kustomization), encoding="utf-8")
