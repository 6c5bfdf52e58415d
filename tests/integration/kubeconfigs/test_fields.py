# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of fields has all of client-go's kubeconfig API, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig import schema
from conductor_cluster.paths import find_paths
from tests.support.lending import tool
from tests.support.playing import CLONE

_STRUCT = re.compile(r"^type (\w+) struct \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r'^\s*\w+\s+(\S+)\s+`json:"([^",]+)[^`]*`', re.MULTILINE)
# The types of Go by ours; a name alone is a struct.
_KINDS = {
    "string": schema.STRING,
    "bool": schema.BOOLEAN,
    "[]byte": schema.BASE64,
    "[]string": schema.STRINGS,
    "map[string]string": schema.STRING_MAP,
    "map[string][]string": schema.STRINGS_MAP,
    "runtime.RawExtension": schema.ANY,
    "ExecInteractiveMode": schema.STRING,
}


def api() -> Iterator[tuple[str, str]]:
    """Path and type of every field in the client-go that our kubectl is built from."""
    # Building it fetches the sources.
    tool("program", "kubectl")
    requirements = (CLONE / "tools" / "cluster" / "go" / "kube" / "go.mod").read_text()
    found = re.search(r"k8s\.io/client-go => k8s\.io/client-go (\S+)", requirements)
    assert found
    sources = find_paths().cache / "go-mod" / "k8s.io" / f"client-go@{found[1]}"
    types = (sources / "tools" / "clientcmd" / "api" / "v1" / "types.go").read_text()
    yield from below({name: _FIELD.findall(body) for name, body in _STRUCT.findall(types)}, "Config", "")


def below(structs: Mapping[str, list[tuple[str, str]]], struct: str, path: str) -> Iterator[tuple[str, str]]:
    """Path and type of every field of a struct, and of those in it."""
    for go, name in structs[struct]:
        place = f"{path}.{name}" if path else name
        inner = go.removeprefix("[]").removeprefix("*")
        yield place, _KINDS.get(go, "")
        if inner in structs:
            yield from below(structs, inner, f"{place}[]" if go.startswith("[]") else place)


def test_the_table_has_every_field_of_the_api() -> None:
    ours = {path: field.kind for path, field in schema.fields_of()}
    theirs = dict(api())
    assert len(theirs) > 40
    assert ours == theirs
