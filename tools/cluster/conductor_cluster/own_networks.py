# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what is meant for pods and Services of the cluster inside its node.

kube-proxy learns up to a second later that a pod is gone or that there is a new Service. Until then, packets to it
would leave by the default route, and whoever answers to any address out there (a transparent proxy, say) would answer
in its place. In a cluster with a network of its own they reach nobody.
"""

from __future__ import annotations

from . import docker, kind

# A pod has a route of its own. Appended rules come after kube-proxy's: what they see it has not translated or refused.
_SCRIPT = """
ip route replace unreachable "$1"
for chain in OUTPUT FORWARD; do
    rule="$chain --destination $2 --jump REJECT"
    iptables --wait --check $rule 2>/dev/null || iptables --wait --append $rule
done
"""


def keep_inside(name: str) -> None:
    """Closes both networks of the cluster ``name``; a second time does nothing. Raises CommandFailed."""
    command = ["bash", "-e", "-c", _SCRIPT, "bash", kind.POD_SUBNET, kind.SERVICE_SUBNET]
    docker.execute(kind.node(name), command)
