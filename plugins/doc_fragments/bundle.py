# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say what is installed; the options are C(BUNDLE_ARG_SPEC) in C(module_call.py)."""

from __future__ import annotations


class ModuleDocFragment:
    """The options every module of this collection has beside the connection."""

    DOCUMENTATION = r"""
options:
  release:
    description: The Trainer release; its JobSet release comes with it.
    type: str
    default: 2.3.0
  profile:
    description:
      - Which variant of the release.
      - With V(default) the webhooks fail closed. While a controller is away, its objects cannot be created or changed.
      - With V(fail_open) they fail open (C(failurePolicy) Ignore). Objects pass unchecked while a controller is away.
    type: str
    choices: [default, fail_open]
    default: default
  runtimes:
    description:
      - The ClusterTrainingRuntimes that are meant, by name; V(all) stands for every one of the release.
      - An empty list means none.
    type: list
    elements: str
    default: [all]
  jobset:
    description:
      - Whose JobSet Trainer uses.
      - With V(bundled) it comes with the release; with V(external) it is one that is there already, healthy, new enough
        and not Conductor's, and nothing of it is ever written.
      - With V(auto) it stays as it was installed; on a cluster without Trainer one that is there is used, and else it
        comes with the release.
      - A second JobSet is never installed over a first, whatever this says.
    type: str
    choices: [auto, bundled, external]
    default: auto
  certificates:
    description:
      - Who makes the certificates of the webhooks.
      - With V(generated) the controllers do, and renew them.
      - With V(external) you do. They are in the Secrets C(kubeflow-trainer-webhook-tls) and, where JobSet comes with
        the release, C(jobset-webhook-tls) in the operator's namespace, with C(tls.crt), C(tls.key) and, unless
        O(certificates_ca) is given, C(ca.crt). They are only read, and an install stops before it writes anything where
        one of them would not do.
      - The C(caBundle) of the webhook configurations is then written by an install, and follows a renewed authority
        with the next run. Where a configuration bears an annotation of cert-manager's CA injector it is left alone.
    type: str
    choices: [generated, external]
    default: generated
  certificates_ca:
    description:
      - With O(certificates=external), the certificates that the API server is to trust the webhooks by, as PEM text, in
        place of the C(ca.crt) of the Secrets. Old and new authority together let a change pass without a gap.
    type: str
  bundle:
    description:
      - Path of a bundle file on the machine the module runs on.
      - Normally left out; the bundle of O(release) is found inside the collection and brought there.
    type: path
  concurrency:
    description: How many requests may be in flight at once.
    type: int
    default: 8
"""
