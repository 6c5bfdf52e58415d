# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the option that provides certificates. C(pem_options) in C(certificates/provided.py) defines it."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of the modules that install, or check what an install would do."""

    DOCUMENTATION = r"""
options:
  certificates_pem:
    description:
      - With O(certificates=external), your certificates and keys, from which an install creates the Secrets. Requires
        O(certificates_ca). They are checked before anything is written, like certificates in Secrets.
      - Secrets with these names that Conductor did not create are a blocker. See O(adopt).
      - If not set, Secrets that an earlier run created are used. They are deleted when the operator is removed, and
        pruned with O(certificates=generated).
    type: dict
    suboptions:
      trainer:
        description: For the Service C(kubeflow-trainer-controller-manager).
        type: dict
        suboptions: &pair
          certificate:
            description: Certificate, followed by any intermediate certificates (PEM).
            type: str
            required: true
          key:
            description: Private key of the certificate (PEM, not encrypted).
            type: str
            required: true
      jobset:
        description: For the Service C(jobset-webhook-service). Not used with an external JobSet.
        type: dict
        suboptions: *pair
"""
