# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people put over the kustomization that kubectl applies, rendered by the pinned kustomize."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bundle_generator.documents import load_documents
from bundle_generator.release import Release
from bundle_generator.sources import Programs

CLONE = Path(__file__).resolve().parents[3]
FOLDER = CLONE / "roles" / "conductor" / "files" / "conductor"


def overlay(programs: Programs, folder: Path, resource: Path, **fields: Any) -> list[dict[str, Any]]:
    """The objects of an overlay over a folder of the kustomization."""
    content = {"resources": [os.path.relpath(resource, folder.resolve())], **fields}
    (folder / "kustomization.yaml").write_text(json.dumps(content))
    return load_documents(programs.kustomize(folder))


@pytest.mark.parametrize("profile", ["", "profiles/default", "profiles/fail_open", "profiles/external_certificates"])
def test_a_namespace_of_ones_own(programs: Programs, tmp_path: Path, release: Release, profile: str) -> None:
    objects = overlay(programs, tmp_path, FOLDER / profile, namespace="trainer")
    assert [found["metadata"]["name"] for found in objects if found["kind"] == "Namespace"] == ["trainer"]
    # The controllers read their namespace from their ServiceAccount.
    assert release.namespace not in json.dumps(objects)
    assert release.probe_namespace not in json.dumps(objects)


def test_images_and_patches_of_ones_own(programs: Programs, tmp_path: Path) -> None:
    image = "ghcr.io/kubeflow/trainer/trainer-controller-manager"
    patch = {
        "target": {"kind": "Deployment"},
        "patch": json.dumps([{"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"a": "b"}}]),
    }
    objects = overlay(
        programs,
        tmp_path,
        FOLDER,
        images=[{"name": image, "newName": "mirror.example.com/trainer", "newTag": "v9"}],
        patches=[patch],
    )
    pods = [found["spec"]["template"]["spec"] for found in objects if found["kind"] == "Deployment"]
    assert [pod["nodeSelector"] for pod in pods] == [{"a": "b"}, {"a": "b"}]
    assert "mirror.example.com/trainer:v9" in json.dumps(pods)
    assert image not in json.dumps(objects)


def test_the_bundle_has_the_profiles_and_the_namespace_for_tests(programs: Programs, release: Release) -> None:
    for folder in release.profiles.values():
        whole = load_documents(programs.kustomize(CLONE / folder))
        alone = load_documents(programs.kustomize(FOLDER / "profiles" / Path(folder).name))
        [more] = [found for found in whole if found not in alone]
        assert (more["kind"], more["metadata"]["name"]) == ("Namespace", release.probe_namespace)
