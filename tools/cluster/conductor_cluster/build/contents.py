# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in each image: the control plane's, the controllers' and the test workload's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..catalogue import RECIPE_LABEL, TEST_IMAGE, Controller
from ..errors import ClusterError
from .archive import Entry, File, Folder, Image, Link

# The users that the published images of the controllers and of pause name.
CONTROLLER_USER = "65532:65532"
PAUSE_USER = "65535:65535"
TEMPORARY = Folder("tmp", 0o1777)


def controller_image(controller: Controller, program: Path, recipe: str) -> Image:
    """Image of one controller, laid out as the published one: the program is /manager."""
    entries: list[Entry] = [File("manager", program), TEMPORARY]
    return Image(controller.image, entries, ["/manager"], CONTROLLER_USER, {RECIPE_LABEL: recipe})


def test_image(busybox: Path, recipe: str) -> Image:
    """Debian's busybox under each of its names, and nothing else."""
    said = subprocess.run([str(busybox), "--list"], stdout=subprocess.PIPE, check=True).stdout.decode()
    entries: list[Entry] = [File("bin/busybox", busybox), TEMPORARY, Folder("root", 0o700)]
    entries += [Link(f"bin/{name}", "busybox") for name in said.split() if name != "busybox"]
    entries.append(File("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", 0o644))
    return Image(TEST_IMAGE, entries, ["/bin/sh"], labels={RECIPE_LABEL: recipe})


def find_image(names: Sequence[str], part: str) -> str:
    """The one of kubeadm's image names that has ``part`` as its last path element."""
    found = [name for name in names if name.rsplit("/", 1)[-1].split(":")[0] == part]
    if len(found) != 1:
        raise ClusterError(f"kubeadm should name one image of {part}, but names {', '.join(names)}")
    return found[0]


def control_plane_images(names: Sequence[str], programs: dict[str, Path], kube_proxy_base: Path) -> list[Image]:
    """Images of the control plane under the names that kubeadm asks for (``names``).

    ``programs`` maps each program's name to its file; ``kube_proxy_base`` is a tar of what kube-proxy calls.
    """
    images: list[Image] = []
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"):
        program = f"usr/local/bin/{name}"
        images.append(Image(find_image(names, name), [File(program, programs[name]), TEMPORARY], [f"/{program}"]))
    images.append(Image(find_image(names, "coredns"), [File("coredns", programs["coredns"])], ["/coredns"]))
    images.append(Image(find_image(names, "pause"), [File("pause", programs["pause"])], ["/pause"], PAUSE_USER))
    proxy: list[Entry] = [File("usr/local/bin/kube-proxy", programs["kube-proxy"]), TEMPORARY]
    images.append(Image(find_image(names, "kube-proxy"), proxy, ["/usr/local/bin/kube-proxy"], base=kube_proxy_base))
    return images


def tree(folder: Path, replace: dict[str, str]) -> list[Entry]:
    """All files below ``folder`` as entries, with the texts of ``replace`` filled in."""
    entries: list[Entry] = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            text = file.read_text()
            for placeholder, value in replace.items():
                text = text.replace(placeholder, value)
            mode = 0o755 if os.access(file, os.X_OK) else 0o644
            entries.append(File(str(file.relative_to(folder)), text.encode(), mode))
    return entries
