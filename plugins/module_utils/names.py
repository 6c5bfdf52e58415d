# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that several layers use."""

from __future__ import annotations

FIELD_MANAGER = "conductor"

# The label on every object that we apply. People can select our objects by it, and it gives each object a field that
# we own: without any (e.g. a ServiceAccount that has only a name) an object gets no managedFields entry.
MANAGED_LABEL = "conductor.trainer/managed"

# The annotation on the pods of a controller: the digest of its configuration, which it reads once, at start. Another
# value replaces the pods.
CONFIG_HASH = "conductor.trainer/config-sha256"

INSTALL_LEASE = "conductor-install"

INSTALL_RECORD = "conductor-install-record"

# The Secret with the credentials of registries.
PULL_SECRET = "conductor-image-pull"  # noqa: S105 - a name

# The prefixes of field manager names. GitOps tools use the names of their controllers.
MANAGERS: dict[str, tuple[str, ...]] = {
    "kubectl": ("kubectl",),
    "helm": ("helm",),
    "argocd": ("argocd",),
    "flux": ("kustomize-controller", "helm-controller", "flux"),
    "olm": ("olm", "operator-lifecycle-manager", "catalog-operator"),
    "juju": ("juju",),
}
# The annotation of client-side kubectl apply.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# The owners whose objects an install can adopt.
ADOPTABLE = ("helm", "argocd", "flux", "olm", "juju", "other")
