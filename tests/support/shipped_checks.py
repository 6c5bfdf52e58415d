# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of an installation with every release of ansible-core."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.shipped import Shipped

NAME = "conductor.trainer"
# Folders below plugins/ whose files have documentation of their own, with the type that ansible-doc knows them by.
DOCUMENTED = {"modules": "module"} | {
    kind: kind for kind in ("callback", "connection", "filter", "inventory", "lookup", "strategy", "test", "vars")
}


def playbooks(collection: Path) -> list[str]:
    """The names by which the playbooks are run, e.g. C(conductor.trainer.install)."""
    return sorted(f"{NAME}.{path.stem}" for path in (collection / "playbooks").glob("*.yml"))


def plugins(collection: Path) -> Iterator[tuple[str, str]]:
    """Type and full name of every plugin that can be documented, and of every role."""
    for folder, kind in DOCUMENTED.items():
        for path in sorted((collection / "plugins" / folder).glob("[a-z]*.py")):
            yield kind, f"{NAME}.{path.stem}"
    for path in sorted((collection / "roles").iterdir()):
        yield "role", f"{NAME}.{path.name}"


def assert_documented(shipped: Shipped) -> int:
    """C(ansible-doc) shows every plugin and role, each with a description; returns how many."""
    found = list(plugins(shipped.root))
    assert found
    for kind in sorted({kind for kind, _ in found}):
        names = [name for its_kind, name in found if its_kind == kind]
        shown = shipped.run("ansible-doc", "--type", kind, "--json", *names)
        assert shown.code == 0, shown.text
        # ansible-core 2.21 wonders about the version of a collection within itself.
        assert [line for line in shown.errors.splitlines() if "/ansible/_protomatter" not in line] == []
        document = json.loads(shown.output)
        assert sorted(document) == sorted(names)
        for name in names:
            assert _short_descriptions(kind, document[name]), name
        # The form that people read, too.
        text = shipped.run("ansible-doc", "--type", kind, *names)
        assert text.code == 0, text.text
    return len(found)


def _short_descriptions(kind: str, document: dict[str, Any]) -> list[str]:
    if kind == "role":
        return [point["short_description"] for point in document["entry_points"].values()]
    return [document["doc"]["short_description"]]


def assert_every_playbook_asks_for_a_cluster(shipped: Shipped) -> int:
    """Each playbook, by its name alone, comes as far as saying that no cluster is named; returns how many."""
    names = playbooks(shipped.root)
    assert names
    for name in names:
        played = shipped.run("ansible-playbook", name)
        # One needs no cluster.
        alone = name.endswith(".images")
        assert (played.code == 0) is alone, name
        for words in ("needed by",) if alone else ("no cluster is named", "Next:"):
            assert words in played.text, f"{name}: {played.output}{played.errors}"
        for words in ("Traceback", "does not support Ansible version", "DEPRECATION"):
            assert words not in played.text, f"{name}: {played.output}{played.errors}"
    return len(names)
