# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say which cluster; the options are C(CONNECTION_ARG_SPEC) in C(module_call.py)."""

from __future__ import annotations


class ModuleDocFragment:
    """How our connection options differ from those of kubernetes.core, whose fragment goes before this one."""

    DOCUMENTATION = r"""
options:
  in_cluster:
    description:
      - Use the service account of the pod this task runs in.
      - Never done unasked. Under AWX the pod's own cluster is almost always the wrong one.
    type: bool
    default: false
  cluster_uid:
    description:
      - Go on only if it is this cluster, as M(conductor.trainer.trainer_operator) returned it. Otherwise fail before
        anything is written.
      - The uid of the namespace kube-system, alone or followed by a slash and the beginning of the digest of the
        cluster's CA. With the digest a restored copy of the cluster is another cluster, too.
    type: str
notes:
  - A cluster must be named, by O(kubeconfig) and O(context), by O(host) with credentials, or by O(in_cluster=true).
    Nothing falls back to the current context. The O(context) may be left out where the O(kubeconfig) has only one.
  - Options win over the C(K8S_AUTH_*) variables, and what they name is never completed with another cluster's
    settings. With O(kubeconfig) the variables for host, credentials, CA and verification are ignored; with O(host)
    those for kubeconfig and context are.
  - The O(kubeconfig) may also be what such a file holds, as text, e.g. a variable encrypted with Ansible Vault.
  - A O(kubeconfig), O(ca_cert), O(client_cert) or O(client_key) that is found on the control node, where C(files/)
    beside the playbook is searched too, is decrypted with Ansible Vault where needed and brought to the machine the
    task runs on. Any other path is meant there.
  - A O(proxy) that wants a login has it in its URL, C(http://user:password@host:port), or in O(proxy_headers).
requirements:
  - python >= 3.10
  - kubernetes >= 29.0.0
"""
