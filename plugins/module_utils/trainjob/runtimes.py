# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the existing runtimes if a TrainJob is rejected because of its runtime."""

from __future__ import annotations

from ..cluster.client import Cluster
from ..errors import ApiError, ConductorError
from ..objects.fields import name_of, some
from ..objects.resources import resource_of
from ..rejections.rejection import rejection_of
from .definition import API_VERSION

_OF_RUNTIMES = frozenset({"webhook_runtime_missing", "webhook_runtime_without_initializer"})


def with_runtimes(cluster: Cluster, namespace: str, error: ApiError) -> ApiError:
    """Return the error; its next step names the existing runtimes, if one of them would help."""
    if rejection_of(error.message, error.status, error.reason).kind not in _OF_RUNTIMES:
        return error
    found = [_named(cluster, "ClusterTrainingRuntime"), _named(cluster, "TrainingRuntime", namespace)]
    if any(found):
        error.next_step = f"{error.next_step}; existing: {'; '.join(filter(None, found))}"
    elif None not in found:
        error.next_step = f"{error.next_step}; no runtime exists: run the install, which creates those of the release"
    return error


def _named(cluster: Cluster, kind: str, namespace: str | None = None) -> str | None:
    """Return the names of the runtimes of a kind; empty without any, None if they may not be read."""
    try:
        items, _version = cluster.list_all(resource_of(API_VERSION, kind), namespace)
    except ConductorError as error:
        return "" if isinstance(error, ApiError) and error.status == 404 else None
    return f"{kind} {', '.join(some(map(name_of, items)))}" if items else ""
