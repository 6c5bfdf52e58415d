# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that objects and users share, kept where every layer can read them."""

from __future__ import annotations

FIELD_MANAGER = "conductor"

# On every object we apply. It lets people select what is ours, and it gives each object a field that we own: one
# without any (a ServiceAccount that is only a name) gets no managedFields entry, and would look like nobody's.
MANAGED_LABEL = "conductor.trainer/managed"

INSTALL_LEASE = "conductor-install"

INSTALL_RECORD = "conductor-install-record"
