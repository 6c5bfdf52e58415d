# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this tool asks of Docker, through its command line (which kind needs as well)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ClusterError, CommandFailed
from .process import capture

# kind marks its containers with this label (sigs.k8s.io/kind, pkg/cluster/internal/providers/docker/constants.go).
KIND_CLUSTER_LABEL = "io.x-k8s.kind.cluster"


@dataclass(frozen=True)
class Container:
    """A container as `docker inspect` shows it."""

    name: str
    running: bool
    image: str
    address: str
    mounts: dict[str, str]
    """Paths in the container -> paths on the host (bind mounts only)."""


def server_version(timeout: float = 10) -> str | None:
    """Version of the Docker that answers, or None where none does within ``timeout`` seconds."""
    try:
        done = capture("docker version", ["docker", "version", "--format", "{{.Server.Version}}"], timeout=timeout)
    except CommandFailed:
        return None
    return done.stdout.decode().strip() or None


def major_version(version: str) -> int:
    """First number of a version text such as ``26.1.5+dfsg1``; 0 where there is none."""
    match = re.match(r"\D*(\d+)", version)
    return int(match.group(1)) if match else 0


def _inspect(kind: str, name: str) -> dict[str, Any] | None:
    done = capture(f"look at the {kind} {name}", ["docker", kind, "inspect", name], check=False)
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return found
    said = done.stderr.decode(errors="replace")
    if "no such" in said.lower():
        return None
    raise ClusterError(f"look at the {kind} {name}: Docker says: {said.strip()}")


def image(name: str) -> dict[str, Any] | None:
    """`docker image inspect` of ``name``, or None where Docker has no such image."""
    return _inspect("image", name)


def image_label(name: str, label: str) -> str | None:
    """Value of a label of the image ``name``; None where image or label are missing."""
    found = image(name)
    labels: dict[str, str] = (found or {}).get("Config", {}).get("Labels") or {}
    return labels.get(label)


def container(name: str) -> Container | None:
    """The container ``name``, or None where there is none."""
    found = _inspect("container", name)
    if found is None:
        return None
    networks = found["NetworkSettings"]["Networks"] or {}
    return Container(
        name=name,
        running=bool(found["State"]["Running"]),
        image=found["Config"]["Image"],
        address=next((network["IPAddress"] for network in networks.values()), ""),
        mounts={mount["Destination"]: mount["Source"] for mount in found["Mounts"] if mount["Type"] == "bind"},
    )


def cluster_containers(cluster: str | None = None) -> dict[str, list[str]]:
    """Containers of kind clusters: cluster name -> container names (of ``cluster`` only, when it is given)."""
    wanted = f"label={KIND_CLUSTER_LABEL}" + (f"={cluster}" if cluster is not None else "")
    line = f'{{{{.Label "{KIND_CLUSTER_LABEL}"}}}} {{{{.Names}}}}'
    done = capture("list kind's containers", ["docker", "ps", "--all", "--filter", wanted, "--format", line])
    found: dict[str, list[str]] = {}
    for text in done.stdout.decode().splitlines():
        name, _, container_name = text.partition(" ")
        found.setdefault(name, []).append(container_name)
    return found


def address(name: str) -> str:
    """Address of a container in its first network; an empty text where there is none."""
    found = container(name)
    return found.address if found is not None else ""


def start(name: str) -> None:
    """Starts a stopped container. Raises CommandFailed with Docker's words."""
    capture(f"start the container {name}", ["docker", "start", name], timeout=60)


def existing(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that are containers."""
    return [name for name in names if container(name) is not None]


def remove(containers: Sequence[str]) -> None:
    """Removes containers with their anonymous volumes, running or not; one that is gone already is no error."""
    if containers:
        capture("remove containers", ["docker", "rm", "--force", "--volumes", *containers], timeout=120)


def execute(
    container_name: str, command: Sequence[str], *, check: bool = True, stdin: bytes | None = None, timeout: float = 60
) -> bytes:
    """Runs ``command`` in a container and returns its standard output (raises CommandFailed; see ``capture``)."""
    head = ["docker", "exec", *(["--interactive"] if stdin is not None else []), container_name]
    step = f"in {container_name}"
    return capture(step, [*head, *command], check=check, stdin=stdin, timeout=timeout).stdout


def copy_from_image(image_name: str, sources: dict[str, Path]) -> None:
    """Copies files out of an image: path in the image (links are followed) -> path of the file here.

    Each file appears whole or not at all. Raises CommandFailed where the image lacks one.
    """
    created = capture("make a container", ["docker", "create", "--network", "none", image_name, "none"], timeout=120)
    name = created.stdout.decode().strip()
    try:
        for inside, here in sources.items():
            here.parent.mkdir(parents=True, exist_ok=True)
            partial = here.with_name(here.name + ".partial")
            capture(
                f"copy {inside} out of {image_name}",
                ["docker", "cp", "--follow-link", f"{name}:{inside}", str(partial)],
                timeout=300,
            )
            partial.chmod(0o755)
            partial.replace(here)
    finally:
        remove([name])
