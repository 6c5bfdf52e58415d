# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container registry inside a cluster's node, and one that never says a word.

The first is Debian's docker-registry, which the node reaches at a loopback address: container runtimes speak plain HTTP
with those, so nothing has to be configured, and nobody outside of the node's network reaches it.
"""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_cluster import debian, docker, kind
from conductor_cluster.paths import find_paths

PORT = 5000
# What the node calls it; part of the images' names.
NAME = f"127.0.0.1:{PORT}"
FOLDER = "/var/lib/conductor-test-registry"
CONFIG = {
    "version": 0.1,
    "storage": {"filesystem": {"rootdirectory": f"{FOLDER}/data"}},
    "http": {"addr": f":{PORT}"},
}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_CTR = ("ctr", "--namespace", "k8s.io")


@dataclass(frozen=True)
class Registry:
    """A registry that answers, in the node of C(cluster). C(url) is where this machine reaches it."""

    cluster: str
    url: str

    def push(self, image: str, name: str) -> None:
        """Puts an image that the node has into the registry, as C(name) (C(path:tag)), with all files in one layer.

        The node keeps no layers of what it has unpacked, so the files are taken from where they are unpacked.
        """
        path, _colon, tag = name.rpartition(":")
        layer = self._files(image)
        config = {**self._config(image), "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}
        config.pop("history", None)
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._upload(path, json.dumps(config).encode(), _CONFIG),
            "layers": [self._upload(path, layer, _LAYER)],
        }
        self._send("PUT", f"/v2/{path}/manifests/{tag}", json.dumps(manifest).encode(), _MANIFEST)

    def answers(self) -> bool:
        """Whether it answers."""
        try:
            self._send("GET", "/v2/", b"")
        except OSError:
            return False
        return True

    def _files(self, image: str) -> bytes:
        folder = f"{FOLDER}/mounted"
        self._node("mkdir", "-p", folder)
        self._node(*_CTR, "images", "mount", image, folder)
        try:
            return self._node("tar", "--create", "--directory", folder, ".")
        finally:
            self._node(*_CTR, "images", "unmount", "--rm", folder)

    def _config(self, image: str) -> dict[str, Any]:
        (line,) = self._node(*_CTR, "images", "ls", f"name=={image}").decode().splitlines()[1:]
        manifest = self._content(line.split()[2])
        if "manifests" in manifest:
            manifest = self._content(manifest["manifests"][0]["digest"])
        return self._content(manifest["config"]["digest"])

    def _content(self, digest: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._node(*_CTR, "content", "get", digest))
        return content

    def _node(self, *command: str) -> bytes:
        return docker.execute(kind.node(self.cluster), command)

    def _upload(self, path: str, data: bytes, media_type: str) -> dict[str, Any]:
        location = self._send("POST", f"/v2/{path}/blobs/uploads/", b"")
        self._send("PUT", f"{location}&digest={_digest(data)}", data)
        return {"mediaType": media_type, "size": len(data), "digest": _digest(data)}

    def _send(self, method: str, where: str, data: bytes, kind_of_data: str = "application/octet-stream") -> str:
        url = where if where.startswith("http") else self.url + where
        request = urllib.request.Request(url, data, {"Content-Type": kind_of_data}, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return str(answer.headers.get("Location") or "")


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@contextmanager
def running_registry(cluster: str) -> Iterator[Registry]:
    """A registry in the node of a cluster; in the end it is removed, together with the images that came from it."""
    node = kind.node(cluster)
    try:
        yield _start_registry(cluster)
    finally:
        images = docker.execute(node, [*_CTR, "images", "ls", "--quiet", f"name~={NAME}/"]).decode().split()
        if images:
            docker.execute(node, [*_CTR, "images", "rm", "--sync", *images])
        docker.execute(node, ["sh", "-c", f"kill $(cat {FOLDER}/pid) && rm -rf {FOLDER}"])


def _unpack(package: str) -> Path:
    """The files of a Debian package, which is downloaded into the cache once and not installed."""
    paths = find_paths()
    folder = paths.work / "debian" / f"{package}-{debian.this_codename()}"
    if not folder.exists():
        debian.find_sources(paths, debian.this_codename() or "", package)
        with tempfile.TemporaryDirectory(dir=paths.work) as scratch:
            subprocess.run(["apt-get", "download", package], cwd=scratch, check=True, capture_output=True)
            (archive,) = Path(scratch).glob("*.deb")
            subprocess.run(["dpkg-deb", "--extract", archive, f"{scratch}/files"], check=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            Path(scratch, "files").rename(folder)
    return folder


def _start_registry(cluster: str, seconds: float = 30) -> Registry:
    """Starts it. Raises TimeoutError with its words."""
    program, node = _unpack("docker-registry") / "usr" / "bin" / "docker-registry", kind.node(cluster)
    docker.execute(node, ["mkdir", "-p", FOLDER])
    config = json.dumps(CONFIG).encode()
    docker.execute(node, ["sh", "-c", f"cat > {FOLDER}/config.yml"], stdin=config)
    subprocess.run(["docker", "cp", program, f"{node}:{FOLDER}/registry"], check=True)
    serve = f"echo $$ >{FOLDER}/pid; exec {FOLDER}/registry serve {FOLDER}/config.yml >{FOLDER}/log 2>&1"
    subprocess.run(["docker", "exec", "--detach", node, "sh", "-c", serve], check=True)
    container = docker.container(node)
    assert container is not None
    registry = Registry(cluster, f"http://{container.address}:{PORT}")
    deadline = time.monotonic() + seconds
    while not registry.answers():
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"the registry does not answer: {docker.execute(node, ['cat', f'{FOLDER}/log']).decode()}"
            )
        # A process that is starting has nothing to wait on.
        time.sleep(0.1)
    return registry


@contextmanager
def silent_registry(cluster: str) -> Iterator[str]:
    """A listener on this machine that accepts and says nothing; its C(host:port) as the node reaches it."""
    node = kind.node(cluster)
    route = docker.execute(node, ["ip", "-4", "route", "show", "default"]).decode().split()
    host = route[route.index("via") + 1]
    with socket.create_server((host, 0)) as listener:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    kept.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"{host}:{listener.getsockname()[1]}"
        finally:
            # Closing alone does not end an accept that is under way.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for connection in kept:
                connection.close()
