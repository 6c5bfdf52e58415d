# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials beside the tarball: valid, complete, and the same each time."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from conductor_artifact.__main__ import IMAGE, sbom
from tests.support.playing import CLONE

TIME = 1_700_000_000


@pytest.fixture(scope="session")
def text(tarball: Path) -> str:
    return sbom(tarball.read_bytes(), TIME)


@pytest.fixture(scope="session")
def bill(text: str) -> Any:
    return json.loads(text)


def of_type(bill: Any, kind: str) -> dict[str, Any]:
    """The components of a type by name, each of which is there once."""
    found = [component for component in bill["components"] if component["type"] == kind]
    names = {f"{entry['name']}:{entry['version']}" if kind == "container" else entry["name"]: entry for entry in found}
    assert len(names) == len(found)
    return names


def test_it_is_valid_cyclonedx(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.replace('"bomFormat"', '"format"')) is not None


def test_it_is_the_same_each_time_and_belongs_to_one_tarball(tarball: Path, text: str, bill: Any) -> None:
    assert sbom(tarball.read_bytes(), TIME) == text
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    [found] = bill["metadata"]["component"]["hashes"]
    assert found == {"alg": "SHA-256", "content": hashlib.sha256(tarball.read_bytes()).hexdigest()}
    assert bill["metadata"]["component"]["version"] == yaml.safe_load((CLONE / "galaxy.yml").read_text())["version"]


def test_every_file_of_the_tarball_is_in_it_with_its_digest(tarball: Path, bill: Any) -> None:
    with tarfile.open(tarball) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive.getmembers() if entry.isfile()}
        digests = {name: hashlib.sha256(stream.read()).hexdigest() for name, stream in files.items() if stream}
    assert {name: entry["hashes"][0]["content"] for name, entry in of_type(bill, "file").items()} == digests


def test_every_image_of_every_bundle_is_in_it(bill: Any) -> None:
    bundles = [json.loads(path.read_text()) for path in (CLONE / "roles/conductor/files/bundles").glob("*.json")]
    wanted = {found for bundle in bundles for found in re.findall(r'"image": "([^"]+)"', json.dumps(bundle["phases"]))}
    wanted.add(yaml.safe_load((CLONE / "roles/conductor/defaults/main.yml").read_text())["conductor_smoke_image"])
    images = of_type(bill, "container")
    assert set(images) == wanted
    assert len(wanted) >= 10
    # The release names tags. One that names digests has them in the bundle, and they come along.
    assert all("unknown" in entry["properties"][0]["value"] for entry in images.values())
    manager = images["ghcr.io/kubeflow/trainer/trainer-controller-manager:v2.3.0"]
    assert manager["purl"].startswith("pkg:oci/trainer-controller-manager?")


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("busybox", ("busybox", None, None)),
        ("busybox:1.36", ("busybox", "1.36", None)),
        ("registry.example:5000/a/b", ("registry.example:5000/a/b", None, None)),
        ("registry.example:5000/a/b:v1", ("registry.example:5000/a/b", "v1", None)),
        (f"registry.example:5000/a@sha256:{'0a' * 32}", ("registry.example:5000/a", None, "0a" * 32)),
        (f"a/b:v1@sha256:{'0a' * 32}", ("a/b", "v1", "0a" * 32)),
    ],
)
def test_a_reference_has_a_name_a_tag_and_a_digest(reference: str, parts: tuple[str | None, ...]) -> None:
    found = IMAGE.fullmatch(reference)
    assert found
    assert found.group("name", "tag", "digest") == parts


def test_what_must_be_there_to_run_it_is_in_it(bill: Any) -> None:
    libraries = of_type(bill, "library")
    ranges = {name: entry["properties"][0]["value"] for name, entry in libraries.items()}
    assert ranges == {
        "kubernetes": ">=24.2.0",
        "jsonpatch": ">=1.33",
        "ansible-core": ">=2.16.0",
        "kubernetes.core": ">=2.3.1",
    }
    needed = next(entry for entry in bill["dependencies"] if entry["ref"] == bill["metadata"]["component"]["bom-ref"])
    assert {entry["bom-ref"] for entry in libraries.values()} < set(needed["dependsOn"])
