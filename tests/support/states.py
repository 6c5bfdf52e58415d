# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters as they are found: named states, each made by what somebody really does to one."""

from __future__ import annotations

from tests.support.control_plane import ControlPlane

# Nobody ever takes this finalizer away.
HELD = "example.com/held"


def namespace_terminating(plane: ControlPlane, name: str) -> None:
    """A namespace that was deleted and does not go, because an object in it is held."""
    plane.kubectl("create", "namespace", name)
    plane.kubectl("create", "configmap", "held", f"--namespace={name}")
    plane.kubectl(
        "patch", "configmap", "held", f"--namespace={name}", f'--patch={{"metadata":{{"finalizers":["{HELD}"]}}}}'
    )
    plane.kubectl("delete", "namespace", name, "--wait=false")


def crd_terminating(plane: ControlPlane, name: str) -> None:
    """A CRD that was deleted and does not go."""
    plane.kubectl("patch", "crd", name, "--type=merge", f'--patch={{"metadata":{{"finalizers":["{HELD}"]}}}}')
    plane.kubectl("delete", "crd", name, "--wait=false")
