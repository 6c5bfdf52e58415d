# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each value of Helm's charts: what the variables in its place change, or the words of the rejection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.lookup.unknown_variables import known_variables, unknown_variables
from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import BUNDLE_ARG_SPEC
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CONTROLLERS, CUSTOMIZE, SHARED
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import (
    is_named_jobset,
    without_jobset,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE
from tests.unit.plugins.helpers.leaves import CHARTS, OTHER, Changes, Rejected, Settable, changed, expected


def rows(kind: type[Any]) -> list[Any]:
    return [
        pytest.param(row, id=f"{component} {leaf}")
        for component, chart in CHARTS.items()
        for leaf, row in chart.items()
        if isinstance(row, kind)
    ]


@cache
def loaded(**chosen: str) -> Bundle:
    return load_bundle(str(BUNDLE), **chosen)


def laid(variables: Mapping[str, Any]) -> Bundle:
    """The release with these variables."""
    of_release = {name: value for name, value in variables.items() if name in BUNDLE_ARG_SPEC}
    chosen = {name: value for name, value in of_release.items() if name in ("profile", "certificates")}
    bundle = loaded(**chosen).with_runtimes(of_release.get("runtimes", ["all"]))
    if of_release.get("jobset") == "external":
        bundle = without_jobset(bundle)
    return with_options(bundle, {name: value for name, value in variables.items() if name not in of_release})


def assert_changes(found: Changes, wanted: Changes) -> None:
    """Compare, whatever another value is."""
    assert {path: OTHER if wanted.get(path) == OTHER else value for path, value in found.items()} == wanted


@pytest.mark.parametrize("row", rows(Settable))
def test_the_variables_of_a_value_change_exactly_these_fields(row: Settable) -> None:
    assert_changes(changed(laid(row.variables)), expected(row.changes))


def both(row: Settable) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same row with the options that exist for both controllers set for both."""
    for component, name in CONTROLLERS.items():
        own = row.variables.get(name, {})
        shared = {option: value for option, value in own.items() if option in SHARED}
        if shared:
            rest = {option: value for option, value in own.items() if option not in SHARED}
            yield component, {**shared, **({name: rest} if rest else {})}


@pytest.mark.parametrize("row", [row for row in rows(Settable) if any(both(row.values[0]))])
def test_an_option_for_both_controllers_changes_the_same_of_each(row: Settable) -> None:
    for component, variables in both(row):
        found = {
            path: value
            for path, value in changed(laid(variables)).items()
            if is_named_jobset(path.split(" ")[1]) == (component == "jobset")
        }
        assert_changes(found, expected(row.changes))


@pytest.mark.parametrize("row", [row for row in rows(Rejected) if row.values[0].attempt])
def test_whoever_tries_a_rejected_value_reads_why(row: Rejected) -> None:
    attempt = row.attempt or {}
    if attempt.keys() <= CUSTOMIZE.keys():
        with pytest.raises(InputError) as error:
            laid(attempt)
        said = str(error.value)
    else:
        [said] = unknown_variables([f"conductor_{name}" for name in attempt], known_variables())
    assert (row.says or row.reason) in said
