# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the objects of users from files on the control node, which may be encrypted with Ansible Vault."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.conductor.trainer.plugins.module_utils.objects.documents import (
    MOST_CHARACTERS,
    DocumentError,
    documents,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.encodings import EncodingProblem, text_of

_EXTENSIONS = (".yml", ".yaml", ".json")
_OPTION = "conductor_extra_objects"


def with_files(items: Any, find: Callable[[str], str | None], decrypted: Callable[[str], str]) -> Any:
    """Return a list of objects in which each path is replaced by the objects in that file, or in the files of a folder.

    Args:
        find: returns the file or folder with a name, or None.
        decrypted: returns the path of a file that is not encrypted.

    Raises:
        AnsibleActionFail: a path does not exist or cannot be read. The message does not show the content.
    """
    if isinstance(items, str):
        # As Ansible reads a list that is written as a text, in a survey for example.
        items = [path.strip() for path in items.split(",") if path.strip()]
    if not isinstance(items, list):
        return items
    return [each for item in items for each in (_read(item, find, decrypted) if isinstance(item, str) else [item])]


def _read(path: str, find: Callable[[str], str | None], decrypted: Callable[[str], str]) -> Iterator[Any]:
    found = find(path)
    if found is None:
        raise AnsibleActionFail(
            f"{_OPTION}: {path} does not exist on the control node\n"
            "Next: write an absolute path, e.g. one that begins with inventory_dir, or put it beside the playbook"
        )
    files = [found]
    if os.path.isdir(found):
        files = sorted(os.path.join(found, name) for name in os.listdir(found) if name.endswith(_EXTENSIONS))
        if not files:
            raise AnsibleActionFail(
                f"{_OPTION}: the folder {path} holds no file\nNext: name its files {', '.join(_EXTENSIONS)}"
            )
    for file in files:
        name = path if file == found else os.path.join(path, os.path.basename(file))
        yield from _documents(decrypted(file), name)


def _documents(file: str, name: str) -> list[Any]:
    problem: Exception | str
    try:
        with open(file, "rb") as stream:
            content = text_of(stream.read(4 * MOST_CHARACTERS + 1))
        found = [document for document in documents(content, unique_keys=True) if document is not None]
        if found:
            return found
        problem = "it holds nothing"
    except EncodingProblem as error:
        problem = f"it {error}"
    except (OSError, DocumentError) as error:
        problem = error
    raise AnsibleActionFail(f"{_OPTION}: {name} cannot be used: {problem}\nNext: correct the file, or remove its path")
