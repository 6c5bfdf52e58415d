# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows about Helm's values are those of the charts in the modules of the release: a new value needs a row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle_generator.documents import load_file
from bundle_generator.release import Release
from bundle_generator.sources import Programs
from tests.unit.plugins.helpers.leaves import CHARTS

CLONE = Path(__file__).resolve().parents[3]
VALUES = {"trainer": "charts/kubeflow-trainer/values.yaml", "jobset": "charts/jobset/values.yaml"}


def leaves(value: Any, *above: str) -> Iterator[str]:
    """The path of every value that is no section."""
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from leaves(below, *above, name)
    else:
        yield ".".join(above)


def values_of(programs: Programs, release: Release, component: str) -> Any:
    """The default values of a component's chart."""
    source = release.components[component]
    folder = programs.module_folder(CLONE / release.go_module(source), source.module)
    return load_file(folder / VALUES[component])


@pytest.mark.parametrize("component", CHARTS)
def test_each_value_of_a_chart_has_a_row(programs: Programs, release: Release, component: str) -> None:
    found, rows = set(leaves(values_of(programs, release, component))), CHARTS[component].keys()
    assert found - rows == set(), "values without a row in tests/unit/plugins/helpers/leaves.py"
    assert rows - found == set(), "rows in tests/unit/plugins/helpers/leaves.py without a value"
