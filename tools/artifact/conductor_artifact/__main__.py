# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball and its bill of materials: ``python -m conductor_artifact [FOLDER]``; the default is the clone.

The bill is in CycloneDX JSON: the files of the tarball, what it requires, and the images it installs.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import yaml
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from conductor_artifact.build import MANIFEST, ArtifactError, build, contents, git, timestamp

CLONE = Path(__file__).resolve().parents[3]
# A name, perhaps a tag, perhaps a digest.
IMAGE = re.compile(r"(?P<name>[^@]+?)(:(?P<tag>[^/:@]+))?(@sha256:(?P<digest>[0-9a-f]{64}))?")


def sbom(tarball: bytes, when: int) -> str:
    """Return the bill of materials of a tarball; the same for the same tarball."""
    files = {name: content for name, (entry, content) in contents(tarball).items() if entry.isfile()}
    info = json.loads(files[MANIFEST])["collection_info"]
    collection = _component(
        f"{info['namespace']}.{info['name']}",
        ComponentType.APPLICATION,
        version=info["version"],
        digest=hashlib.sha256(tarball).hexdigest(),
        licenses=[LicenseExpression(" AND ".join(info["license"]))],
    )
    contained = [
        _component(name, ComponentType.FILE, digest=hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    ]
    required = [*_requirements(files, info["dependencies"]), *map(_image, sorted(set(_images(files))))]
    serial = uuid5(NAMESPACE_OID, hashlib.sha256(tarball).hexdigest())
    metadata = BomMetaData(component=collection, timestamp=datetime.fromtimestamp(when, UTC))
    bill = Bom(components=[*contained, *required], serial_number=serial, metadata=metadata)
    bill.register_dependency(collection, required)
    return make_outputter(bill, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)


def _component(name: str, kind: ComponentType, digest: str | None = None, **more: Any) -> Component:
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else []
    # A reference of our own: cyclonedx would make a random one.
    reference = ":".join(filter(None, (kind.value, name, more.get("version"), digest)))
    return Component(name=name, type=kind, bom_ref=reference, hashes=hashes, **more)


def _requirements(files: dict[str, bytes], collections: dict[str, str]) -> Iterator[Component]:
    """Yield what the control node, or the host where the modules run, must have: any release of a range."""
    lines = files["meta/ee-requirements.txt"].decode().splitlines()
    packages = [re.split("(?=[<>=~!])", line, maxsplit=1) for line in lines if not line.startswith("#")]
    packages.append(["ansible-core", yaml.safe_load(files["meta/runtime.yml"])["requires_ansible"]])
    for name, versions in [*packages, *collections.items()]:
        purl = PackageURL("generic" if name in collections else "pypi", name=name)
        wanted = [Property(name="conductor:version-range", value=versions)]
        yield _component(name, ComponentType.LIBRARY, purl=purl, properties=wanted)


def _images(files: dict[str, bytes]) -> Iterator[str]:
    """Yield the images of every bundle, and those in the role's defaults."""

    def below(value: Any) -> Iterator[str]:
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            if key == "image" and isinstance(entry, str):
                yield entry
            elif isinstance(entry, dict | list):
                yield from below(entry)

    for name in files:
        if name.startswith("roles/conductor/files/bundles/"):
            yield from below(json.loads(files[name])["phases"])
    defaults = yaml.safe_load(files["roles/conductor/defaults/main.yml"])
    yield from (value for name, value in defaults.items() if name.endswith("_image") and value)


def _image(reference: str) -> Component:
    found = IMAGE.fullmatch(reference)
    assert found, reference
    name, tag, digest = found.group("name", "tag", "digest")
    where = {"repository_url": name, **({"tag": tag} if tag else {})}
    purl = PackageURL("oci", name=name.rpartition("/")[2], version=digest and f"sha256:{digest}", qualifiers=where)
    # A release that names a tag does not fix what is pulled.
    unknown = [] if digest else [Property(name="conductor:digest", value="unknown: the release names a tag")]
    return _component(name, ComponentType.CONTAINER, digest, version=tag, purl=purl, properties=unknown)


def main() -> int:
    """Write both, and print their digests and paths; return 1 if that fails."""
    try:
        # ansible-galaxy of the environment that runs this.
        galaxy, when = Path(sys.executable).with_name("ansible-galaxy"), timestamp(CLONE)
        tarball = build(CLONE, Path(sys.argv[1]) if sys.argv[1:] else CLONE, galaxy, when)
        changed = git(CLONE, "diff", "--name-only", "HEAD").split()
    except ArtifactError as error:
        print(f"artifact: {error}", file=sys.stderr)
        return 1
    bill = tarball.with_name(tarball.name.replace(".tar.gz", ".cdx.json"))
    bill.write_text(sbom(tarball.read_bytes(), when), encoding="utf-8")
    for path in (tarball, bill):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    if changed:
        print(f"contains uncommitted changes: {', '.join(changed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
