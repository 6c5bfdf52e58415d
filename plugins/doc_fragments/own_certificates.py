# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option that brings certificates; it is C(pem_options) in C(certificates/provided.py)."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of the modules that install, or judge what an install would do."""

    DOCUMENTATION = r"""
options:
  certificates_pem:
    description:
      - With O(certificates=external), certificates and keys of your own, of which an install makes the Secrets. Needs
        O(certificates_ca). Each is checked before anything is written, as those in Secrets of yours are, and in place
        of what the cluster has.
      - Secrets of these names that Conductor did not make stop an install. See O(adopt).
      - Left out, Secrets that an earlier run made stay as they are. They go with a removal, and are pruned when the
        controllers make their certificates again.
    type: dict
    suboptions:
      trainer:
        description: For the Service C(kubeflow-trainer-controller-manager).
        type: dict
        suboptions: &pair
          certificate:
            description: The certificate and after it any intermediate ones, PEM.
            type: str
            required: true
          key:
            description: Its private key, PEM, not encrypted.
            type: str
            required: true
      jobset:
        description: For the Service C(jobset-webhook-service); without effect where JobSet is external.
        type: dict
        suboptions: *pair
"""
