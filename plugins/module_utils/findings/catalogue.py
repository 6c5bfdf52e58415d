# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of findings, as data: code, severity, cause and next step. docs/findings.md shows it.

A blocker stops an install before it writes. A warning stops nothing and can be accepted by its code.
"""

from __future__ import annotations

from .cluster_entries import CERTIFICATES, CLUSTER, NAMESPACE, NEIGHBOURS, PERMISSIONS
from .entry import CatalogueEntry
from .jobset_entries import JOBSET
from .trainer_entries import TRAINER, USER_OBJECTS

# Findings are reported in this order.
CATALOGUE: tuple[CatalogueEntry, ...] = (
    *CLUSTER,
    *TRAINER,
    *JOBSET,
    *PERMISSIONS,
    *CERTIFICATES,
    *NAMESPACE,
    *NEIGHBOURS,
    *USER_OBJECTS,
)
BY_CODE = {entry.code: entry for entry in CATALOGUE}
