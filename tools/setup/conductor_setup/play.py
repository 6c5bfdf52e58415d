# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook of the checkout on the local kind cluster, or on the named context.

``python -m conductor_setup.play install|verify [--context NAME [--kubeconfig PATH]]``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CLONE = Path(__file__).resolve().parents[3]
LOCAL_CLUSTER = "conductor"
# Read when CONTEXT is given without KUBECONFIG, as kubectl does.
USUAL_KUBECONFIG = "~/.kube/config"


class UsageError(Exception):
    """The arguments do not name one cluster."""


class Target(NamedTuple):
    """The cluster of a run: a context in a kubeconfig file (or in several, separated by colons)."""

    kubeconfig: str
    context: str

    def extra_vars(self) -> str:
        """Return the variables for ``ansible-playbook -e``; JSON, so that a path may hold spaces."""
        return json.dumps({"conductor_kubeconfig": self.kubeconfig, "conductor_context": self.context})


def named_target(context: str, kubeconfig: str) -> Target | None:
    """Return the cluster that the user named, or None for the local one; empty text means not given.

    Raises:
        UsageError: a kubeconfig without a context, which would leave the choice to the file.
    """
    if kubeconfig and not context:
        raise UsageError(f"KUBECONFIG={kubeconfig} requires CONTEXT=name: the current context of a file is never used")
    return Target(kubeconfig or str(Path(USUAL_KUBECONFIG).expanduser()), context) if context else None


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` with this clone's Ansible settings and without anything that could select another cluster."""
    kept = {key: value for key, value in environ.items() if key != "KUBECONFIG" and not key.startswith("K8S_AUTH_")}
    return {**kept, "ANSIBLE_CONFIG": str(CLONE / "ansible.cfg")}


def local_target(start: bool) -> Target:
    """Return the local kind cluster; bring it up first if ``start``.

    Raises:
        subprocess.CalledProcessError: the cluster tool failed; it has printed the reason.
    """
    tool = CLONE / "tools" / "cluster" / "cluster"
    if start:
        subprocess.run([tool, "up", LOCAL_CLUSTER], check=True)
    asked = subprocess.run([tool, "kubeconfig", LOCAL_CLUSTER], check=True, stdout=subprocess.PIPE, text=True)
    return Target(asked.stdout.strip(), f"kind-{LOCAL_CLUSTER}")


def main() -> int:
    """Report the cluster, then run ansible-playbook."""
    parser = argparse.ArgumentParser(prog="play", description=__doc__)
    parser.add_argument("playbook", choices=("install", "verify"))
    parser.add_argument("--context", default="")
    parser.add_argument("--kubeconfig", default="")
    arguments = parser.parse_args()
    name = arguments.playbook
    try:
        target = named_target(arguments.context, arguments.kubeconfig)
        local = f"the local kind cluster {LOCAL_CLUSTER} (CONTEXT is not set)"
        print(f"{name}: {f'context {target.context} of {target.kubeconfig}' if target else local}", flush=True)
        target = target or local_target(start=name == "install")
    except UsageError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"{name}: no local cluster, see above (exit code {error.returncode})", file=sys.stderr)
        return 1
    command = [f"{CLONE}/.venv/bin/ansible-playbook", f"{CLONE}/playbooks/{name}.yml", "-e", target.extra_vars()]
    return subprocess.run(command, env=clean_environment(os.environ), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
