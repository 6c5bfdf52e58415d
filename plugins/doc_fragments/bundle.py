# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the options that select what is installed. C(BUNDLE_ARG_SPEC) in C(module_call.py) defines them."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of every module of this collection, in addition to the connection."""

    DOCUMENTATION = r"""
options:
  release:
    description: Trainer release, together with the JobSet release that belongs to it.
    type: str
    default: 2.3.0
  profile:
    description:
      - Variant of the release.
      - With V(default), the webhooks fail closed. While a controller is down, its objects cannot be created or changed.
      - With V(fail_open), they fail open (C(failurePolicy) Ignore). Objects pass unchecked while a controller is down.
    type: str
    choices: [default, fail_open]
    default: default
  runtimes:
    description:
      - Names of the ClusterTrainingRuntimes; V(all) selects every runtime of the release, an empty list none.
      - A runtime of the release that is installed already and is not selected stays on the cluster. It is no longer
        updated or tested, and is deleted when the operator is removed.
    type: list
    elements: str
    default: [all]
  jobset:
    description:
      - JobSet that Trainer uses.
      - V(bundled) installs the JobSet of the release. V(external) uses an existing JobSet that is healthy, of a
        sufficient version and not managed by Conductor, and never changes it.
      - V(auto) continues with the choice of the last install. On a cluster without Trainer it uses an existing JobSet,
        or else installs the bundled one.
      - A second JobSet is never installed over an existing one, whatever the value.
    type: str
    choices: [auto, bundled, external]
    default: auto
  certificates:
    description:
      - Source of the webhook certificates.
      - With V(generated), the controllers create and renew them.
      - With V(external), you provide them in the Secrets C(kubeflow-trainer-webhook-tls) and, unless JobSet is
        external, C(jobset-webhook-tls) in the operator's namespace, with C(tls.crt), C(tls.key) and, unless
        O(certificates_ca) is set, C(ca.crt). The Secrets are only read. An install fails before it writes anything if
        one of them cannot be used.
      - An install then writes the C(caBundle) of the webhook configurations, and the next run updates it after the CA
        was renewed. Webhook configurations with an annotation of cert-manager's CA injector are left alone.
    type: str
    choices: [generated, external]
    default: generated
  certificates_ca:
    description:
      - With O(certificates=external), the CA certificates by which the API server verifies the webhooks, as PEM text.
        They replace the C(ca.crt) of the Secrets. With the old and the new CA together, a CA can be replaced without an
        interruption.
    type: str
  bundle:
    description:
      - Path of a bundle file on the machine on which the module runs.
      - Usually not set. The bundle of O(release) is found in the collection and copied there.
    type: path
  concurrency:
    description: Maximum number of concurrent requests.
    type: int
    default: 8
"""
