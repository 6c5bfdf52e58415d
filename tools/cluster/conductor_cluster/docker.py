# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker commands of this tool, through Docker's command line (which kind requires as well)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .process import ClusterError, CommandFailed, capture

# kind marks its containers with this label (sigs.k8s.io/kind, pkg/cluster/internal/providers/docker/constants.go).
KIND_CLUSTER_LABEL = "io.x-k8s.kind.cluster"


@dataclass(frozen=True)
class Container:
    """A container, from `docker inspect`."""

    running: bool
    image: str
    address: str
    """Address in its first network; empty if it has none."""


def server_version(timeout: float = 10) -> str | None:
    """Return the version of the Docker that answers within ``timeout`` seconds, or None."""
    try:
        done = capture("docker version", ["docker", "version", "--format", "{{.Server.Version}}"], timeout=timeout)
    except CommandFailed:
        return None
    return done.stdout.decode().strip() or None


def major_version(version: str) -> int:
    """Return the first number of a version such as ``26.1.5+dfsg1``; 0 if there is none."""
    match = re.match(r"\D*(\d+)", version)
    return int(match.group(1)) if match else 0


def _inspect(kind: str, name: str) -> dict[str, Any] | None:
    done = capture(f"inspect the {kind} {name}", ["docker", kind, "inspect", name], check=False)
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return found
    message = done.stderr.decode(errors="replace")
    if "no such" in message.lower():
        return None
    raise ClusterError(f"inspect the {kind} {name}: {message.strip()}")


def normalized(image: str) -> str:
    """Return an image name in containerd's form: with its registry and tag."""
    if "/" not in image:
        image = f"library/{image}"
    if not re.match(r"localhost/|[^/]*[.:][^/]*/", image):
        image = f"docker.io/{image}"
    return image if re.search(r"[:@][^/]*$", image) else f"{image}:latest"


def image(name: str) -> dict[str, Any] | None:
    """Return `docker image inspect` of ``name``, or None if Docker does not have the image."""
    return _inspect("image", name)


def image_label(name: str, label: str) -> str | None:
    """Return a label of the image ``name``; None if the image or the label is missing."""
    found = image(name)
    labels: dict[str, str] = (found or {}).get("Config", {}).get("Labels") or {}
    return labels.get(label)


def container(name: str) -> Container | None:
    """Return the container ``name``, or None if it does not exist."""
    found = _inspect("container", name)
    if found is None:
        return None
    networks = found["NetworkSettings"]["Networks"] or {}
    return Container(
        running=bool(found["State"]["Running"]),
        image=found["Config"]["Image"],
        address=next((network["IPAddress"] for network in networks.values()), ""),
    )


def cluster_containers() -> dict[str, list[str]]:
    """Return the containers of all kind clusters: cluster name -> container names."""
    line = f'{{{{.Label "{KIND_CLUSTER_LABEL}"}}}} {{{{.Names}}}}'
    command = ["docker", "ps", "--all", "--filter", f"label={KIND_CLUSTER_LABEL}", "--format", line]
    found: dict[str, list[str]] = {}
    for text in capture("list kind's containers", command).stdout.decode().splitlines():
        name, _, container_name = text.partition(" ")
        found.setdefault(name, []).append(container_name)
    return found


def remove(containers: Sequence[str]) -> None:
    """Remove containers with their anonymous volumes, running or not; ignore those that do not exist."""
    if containers:
        capture("remove containers", ["docker", "rm", "--force", "--volumes", *containers], timeout=120)


def execute(container_name: str, command: Sequence[str], *, stdin: bytes = b"", timeout: float = 60) -> bytes:
    """Run ``command`` in a container and return its standard output; errors as for ``capture``."""
    head = ["docker", "exec", *(["--interactive"] if stdin else []), container_name]
    return capture(f"in {container_name}", [*head, *command], stdin=stdin, timeout=timeout).stdout


def copy_from_image(image_name: str, inside: str, here: Path) -> None:
    """Copy a program (links are followed) out of an image, atomically. Raise CommandFailed if the image lacks it."""
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", image_name, inside]
    content = capture(f"copy {inside} out of {image_name}", command, timeout=300).stdout
    here.parent.mkdir(parents=True, exist_ok=True)
    partial = here.with_name(here.name + ".partial")
    partial.write_bytes(content)
    partial.chmod(0o755)
    partial.replace(here)
