# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the files of a kubeconfig, and report what a file is if it is not a kubeconfig.

No message shows the content of a file. Its secrets are reported to C(hide) before anything else is looked at.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..credentials import is_inline_text, secrets_in, secrets_of_text
from ..errors import TargetError
from ..objects.documents import MOST_CHARACTERS, DocumentError, documents, json_types
from ..objects.encodings import EncodingProblem, text_of
from .model import Content

DEFAULT_KUBECONFIG = "~/.kube/config"
INLINE = "the inline kubeconfig"

Hide = Callable[[set[str]], None]

# The limit of Linux.
_LONGEST_PATH = 4096
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_ONLY_COMMENTS = re.compile(r"(?:[^\S\n]*(?:#[^\n]*)?\n)*[^\S\n]*(?:#[^\n]*)?")


def read_kubeconfig(kubeconfig: str | Mapping[str, Any] | None, hide: Hide) -> tuple[str, list[Content]]:
    """Return the location of a kubeconfig, for messages, and the content of each of its files.

    Args:
        kubeconfig: paths separated by colons, or the content itself; None reads C(KUBECONFIG) or the default file.
        hide: receives the secrets of each file.

    Raises:
        TargetError: a file cannot be read or is not a kubeconfig, or no file exists.
    """
    if is_inline_text(kubeconfig):
        # A variable of the environment may hold the content as well.
        hide(secrets_in({"kubeconfig": kubeconfig}))
        kubeconfig = kubeconfig_of(str(kubeconfig))
    if isinstance(kubeconfig, Mapping):
        return INLINE, [_content(INLINE, [kubeconfig], "", hide)]
    if kubeconfig is not None and not isinstance(kubeconfig, str):
        raise TargetError(
            "kubeconfig has the wrong type",
            next_step="give a path, or the content of a kubeconfig as text or as a dictionary",
        )
    where = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    _require_paths(where, "kubeconfig" if kubeconfig else "KUBECONFIG", hide)
    paths = [os.path.expanduser(path) for path in where.split(os.pathsep) if path]
    contents = [content for path in dict.fromkeys(paths) for content in _read(path, hide)]
    if not contents and not kubeconfig and not os.environ.get("KUBECONFIG"):
        raise TargetError(
            f"kubeconfig file not found: {paths[0]}, and no option, variable or credential gives a kubeconfig",
            next_step="set conductor_kubeconfig, or, under AWX, attach a credential that "
            "brings a kubeconfig; the built-in one brings host and token, so name no context with it",
        )
    if not contents:
        raise TargetError(f"kubeconfig file not found: {' or '.join(paths)}", next_step="check the path")
    return os.pathsep.join(paths), contents


def _require_paths(where: str, name: str, hide: Hide) -> None:
    """Fail if a setting holds a kubeconfig instead of its path. CI systems do that with variables of the wrong type."""
    if is_inline_text(where):
        hide(secrets_in({"kubeconfig": where}))
        raise TargetError(
            f"{name} holds the content of a kubeconfig, but must be a path",
            next_step=f"write it to a file and set {name} to its path, or set conductor_kubeconfig to the content",
        )
    if _is_base64(where) and not os.path.exists(where[:_LONGEST_PATH]):
        hide({where, *secrets_of_text(where)})
        raise TargetError(f"{name} is base64 text", next_step="decode it; in a playbook the filter b64decode does that")


def kubeconfig_of(text: str) -> dict[str, Any]:
    """Parse a kubeconfig that is given as text.

    Raises:
        TargetError: it is not a kubeconfig. The message does not show the text, which may hold secrets.
    """
    try:
        found = _parsed("kubeconfig", text) or [""]
    except TargetError as error:
        raise _not_the_content(error.message.removeprefix("kubeconfig ")) from None
    what = _other_thing(found)
    if what:
        raise _not_the_content(what)
    return dict(found[0])


def _not_the_content(what: str) -> TargetError:
    return TargetError(
        f"kubeconfig is text, but not the content of a kubeconfig: it {what}",
        next_step="give a path, or the content of a kubeconfig as text or as a dictionary",
    )


def _read(path: str, hide: Hide) -> Iterator[Content]:
    """Return the content of one file; nothing if it does not exist, as kubectl does."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(4 * MOST_CHARACTERS + 1)
    except (FileNotFoundError, NotADirectoryError):
        return
    except IsADirectoryError:
        raise TargetError(f"{path} is a folder, not a kubeconfig file", next_step="name the file in it") from None
    except PermissionError:
        raise TargetError(
            f"{path} cannot be read: permission denied", next_step="make it readable for the user that runs the task"
        ) from None
    except (OSError, ValueError) as error:
        raise TargetError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not a valid path'}",
            next_step="check the path and the file",
        ) from None
    folder = os.path.dirname(os.path.abspath(path))
    yield _content(path, _parsed(path, _text_of(data, path)), folder, hide)


def _text_of(data: bytes, where: str) -> str:
    try:
        return text_of(data)
    except EncodingProblem as error:
        raise TargetError(f"{where} {error}, not a kubeconfig", next_step="save it as UTF-8 text") from None


def _parsed(where: str, text: str) -> list[Any]:
    """Return the documents of a file that holds text of the right sort, without empty ones."""
    start = text.lstrip("\ufeff \t\r\n")
    if _ONLY_COMMENTS.fullmatch(start):
        return []
    if start.startswith("$ANSIBLE_VAULT;"):
        raise _is_not(where, "is encrypted with Ansible Vault", "decrypt it, or name it alone: one file is decrypted")
    if start.startswith("<"):
        raise _is_not(where, "is HTML or XML", "download the kubeconfig again; the page may ask for a login")
    if start.startswith("-----BEGIN"):
        raise _is_not(where, "is PEM text: a certificate or a key", "name the kubeconfig that refers to it")
    if _is_base64(start):
        raise _is_not(where, "is base64 text", "decode it with `base64 -d`")
    try:
        return [document for document in documents(text) if document is not None]
    except DocumentError as error:
        raise TargetError(f"{where} is not valid YAML: {error}", next_step="correct the file") from None


def _is_base64(text: str) -> bool:
    found = "".join(text.split())
    if len(found) < 40 or not _BASE64.fullmatch(found):
        return False
    try:
        # A path of letters only can be decoded as well, but not to text.
        return is_inline_text(base64.b64decode(found, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return False


def _content(where: str, found: list[Any], folder: str, hide: Hide) -> Content:
    """Return the content of a file, after the secrets in its documents are registered."""
    for document in found:
        if isinstance(document, Mapping):
            hide(secrets_in({"kubeconfig": document}))
    if not found:
        return Content(where, {}, folder)
    what = _other_thing(found)
    if what:
        raise _is_not(where, what, "check the path and the file")
    try:
        return Content(where, json_types(found[0]), folder)
    except DocumentError as error:
        raise TargetError(f"{where} is not valid: {error}", next_step="correct it") from None


def _other_thing(found: list[Any]) -> str:
    """Return what the documents are if they are not one kubeconfig."""
    if len(found) > 1:
        return f"holds {len(found)} YAML documents"
    (value,) = found
    if isinstance(value, list):
        return "is a list"
    if not isinstance(value, Mapping):
        return "is plain text"
    kind, version = value.get("kind"), value.get("apiVersion")
    if kind not in (None, "", "Config"):
        return f"is a {kind[:80]}" if isinstance(kind, str) else "has a kind that is not text"
    if version not in (None, "", "v1"):
        return f"has apiVersion {version[:80]}" if isinstance(version, str) else "has an apiVersion that is not text"
    return ""


def _is_not(where: str, what: str, next_step: str) -> TargetError:
    return TargetError(f"{where} {what}, not a kubeconfig", next_step=next_step)
