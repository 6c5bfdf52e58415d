# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render upstream's own manifests from the sources in the pinned modules."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from .documents import GenerateError, load_documents, load_file
from .programs import Programs
from .release import Release

# Where the modules keep their kustomizations (the same in Trainer 2.1 to 2.3, JobSet 0.8 to 0.12).
_TRAINER, _OVERLAYS = "manifests", ("overlays/manager", "overlays/runtimes")
_JOBSET_IN_TRAINER, _JOBSET = "third-party/jobset", "config/default"


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
        work = Path(folder) / "trainer"
        # Contents without modes: files of the module cache are read-only.
        shutil.copytree(trainer / _TRAINER, work, copy_function=shutil.copyfile)
        kustomization = work / _JOBSET_IN_TRAINER / "kustomization.yaml"
        (url,) = load_file(kustomization)["resources"]
        if not url.endswith(f"/v{jobset_version}/manifests.yaml"):
            raise GenerateError(f"Trainer takes JobSet from {url}, but release.yaml has {jobset_version}")
        kustomization.write_text(kustomization.read_text("utf-8").replace(url, "manifests.yaml"), "utf-8")
        (kustomization.parent / "manifests.yaml").write_text(programs.kustomize(jobset / _JOBSET), "utf-8")
        return [obj for overlay in _OVERLAYS for obj in load_documents(programs.kustomize(work / overlay))]


def render_jobset(programs: Programs, jobset: Path) -> list[dict[str, Any]]:
    """Return the objects of JobSet's published manifest, from the sources in a folder; raises GenerateError."""
    return load_documents(programs.kustomize(jobset / _JOBSET))
