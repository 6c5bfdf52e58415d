# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report how an installation differs from its release: by options, and by what other managers changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..objects.fields import name_of, namespace_of, part, parts
from ..options.installed.explain import digest_of, explained
from ..options.installed.recorded import lay_recorded
from ..options.record import changed_options
from ..ownership.other_fields import fields_of_others
from ..ownership.record import Record
from ..release.bundle import Bundle
from ..release.components import Meant, part_for


def option_facts(
    bundle: Bundle, record: Record, jobset: Meant, deployments: Sequence[Mapping[str, Any]] | None
) -> dict[str, dict[str, Any] | list[str]]:
    """Return C(options), what the options of the cluster change, and C(options_changed), how those of this run differ.

    The options of a cluster are those of its install record. Without an installation, those of this run count.

    Args:
        bundle: the release with the options of this run.
        jobset: C(bundled) or C(external).
        deployments: Deployments of the cluster, including unrelated ones; None if they cannot be read.
    """
    if not record.entries:
        return {"options": {**explained(part_for(bundle, jobset)), "problem": "", "others": {}}, "options_changed": []}
    laid, problem = _as_recorded(bundle, record.options)
    return {
        "options": {
            **explained(part_for(laid, jobset)),
            "digest": digest_of(record.options),
            "problem": problem,
            "others": _others(bundle, deployments or ()),
        },
        "options_changed": changed_options(record.options, bundle.options),
    }


def _as_recorded(bundle: Bundle, options: Mapping[str, Any]) -> tuple[Bundle, str]:
    """Return the release with the options of the record, and why they cannot be used."""
    if bundle.options == options:
        return bundle, ""
    plain = bundle.plain or bundle
    try:
        return lay_recorded(plain, options), ""
    except InputError as error:
        return plain, error.message


def _others(bundle: Bundle, deployments: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many fields of the controllers' Deployments each other manager has set."""
    names = bundle.names("Deployment")
    counts: dict[str, int] = {}
    for item in deployments:
        if namespace_of(item) != bundle.namespace or name_of(item) not in names:
            continue
        managed = [one for one in parts(item, "metadata", "managedFields") if part(one, "fieldsV1")]
        for manager, fields in fields_of_others({"managedFields": managed}).items():
            counts[manager] = counts.get(manager, 0) + len(fields)
    return dict(sorted(counts.items()))
