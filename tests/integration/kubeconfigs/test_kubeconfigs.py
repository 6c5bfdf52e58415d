# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfig files are loaded or rejected as kubectl does it, and the same identity arrives at the server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.connection import connect
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import Target
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.schema import fields_of
from tests.integration.kubeconfigs.cases import CONTEXT, ID_TOKEN, Case, Cases, random_cases
from tests.integration.kubeconfigs.receiver import Receiver, Visit
from tests.support.lending import tool
from tests.unit.plugins.helpers.certificates import Authority

# Some files say not to verify the server.
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


class Result(NamedTuple):
    """What became of a file: who came to the server, or why nobody did."""

    visits: set[Visit]
    words: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kubeconfigs")


@pytest.fixture(scope="module")
def receiver(folder: Path) -> Iterator[tuple[Receiver, Cases]]:
    authority = Authority("kubernetes")
    found = Receiver(authority)
    with found.secure, found.plain:
        yield found, Cases(folder, authority, found.secure.address, found.plain.address)


@pytest.fixture
def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def paths_of(case: Case, folder: Path) -> str:
    """The files of a case, as the value of KUBECONFIG."""
    paths = [folder / f"{case.name}.{number}.yaml" for number in range(len(case.files))]
    for path, content in zip(paths, case.files, strict=True):
        path.write_bytes(content)
    return os.pathsep.join(map(str, paths))


def by_kubectl(program: str, paths: str, folder: Path) -> str:
    """Ask the server with kubectl; its words."""
    environment = {"KUBECONFIG": paths, "HOME": str(folder), "PATH": os.environ["PATH"]}
    command = [program, f"--context={CONTEXT}", "get", "--raw", "/version", "--request-timeout=5s"]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stderr


def by_us(paths: str) -> str:
    """Ask the server with the library; its words. No other errors than those of the family may come."""
    try:
        connect(Target(kubeconfig=paths, context=CONTEXT)).get("/version")
    except ConductorError as error:
        return str(error)
    return ""


def differences(cases: list[Case], receiver: Receiver, folder: Path) -> dict[str, tuple[Result, Result]]:
    """The cases in which kubectl and the library send different things, or one of them sends nothing."""
    program = tool("program", "kubectl").strip()
    paths = {case.name: paths_of(case, folder) for case in cases}
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        words = list(pool.map(lambda path: by_kubectl(program, path, folder), paths.values()))
    theirs = {name: Result(receiver.taken(name), text) for name, text in zip(paths, words, strict=True)}
    found = {}
    for name, path in paths.items():
        text = by_us(path)
        ours = Result(receiver.taken(name), text)
        # An error has a next step, and shows nothing that a file of these cases holds as a secret.
        assert not text or "\nNext: " in text, name
        assert [secret for secret in SECRETS if secret in text] == [], name
        if ours.visits != theirs[name].visits:
            found[name] = (theirs[name], ours)
    return found


# Where we decide otherwise, and why.
ON_PURPOSE = {
    **dict.fromkeys(
        [f"{kind}-value-{word}" for kind in ("token", "name") for word in ("y", "Y", "n")],
        "text without quotes, as Ansible writes it",
    ),
    "encoding-utf-32": "read by its byte order mark",
    "file-two-documents": "kubectl ignores the second document without a word",
    "file-empty-first-document": "an empty document counts for nothing",
    "file-vault-value": "kubectl would send the encrypted text as the token",
    "file-local-tag": "kubectl ignores the tag",
    "file-python-tag": "kubectl ignores the tag",
    "file-deep": "no kubeconfig is nested more than 200 levels deep",
}
# Parts of tokens and keys in the cases.
SECRETS = ["sesame", "from-file", "from-plugin", "BEGIN EC PRIVATE", ID_TOKEN, "TUh"]


def chosen(case: Case, number: int) -> bool:
    """Whether a case is among those of every run: all that were thought of, and some of the systematic ones."""
    systematic = case.name.startswith(("line-", *(path.replace("[]", "") for path, _field in fields_of())))
    return not systematic or number % 9 == 0


@pytest.mark.usefixtures("_without_proxies")
def test_files_are_loaded_or_rejected_as_by_kubectl(receiver: tuple[Receiver, Cases], folder: Path) -> None:
    server, cases = receiver
    sample = [case for number, case in enumerate(cases.all()) if chosen(case, number)]
    assert len(sample) >= 200
    found = differences(sample, server, folder)
    assert {name: pair for name, pair in found.items() if name not in ON_PURPOSE} == {}
    # None of the reasons is out of date.
    assert sorted(found) == sorted(ON_PURPOSE)


@pytest.mark.evidence
@pytest.mark.usefixtures("_without_proxies")
def test_all_files_are_loaded_or_rejected_as_by_kubectl(receiver: tuple[Receiver, Cases], folder: Path) -> None:
    server, cases = receiver
    sample = [*cases.all(), *random_cases(cases, 1000, seed=1)]
    assert len(sample) >= 1500
    found = differences(sample, server, folder)
    assert {name: pair for name, pair in found.items() if name not in ON_PURPOSE} == {}
