# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide secrets in text: values that are known, in any spelling, and text that looks like a secret. Pure.

A controller or a user's training job may write anything into its log and into a message: text that looks like a secret
is treated as one. Credentials are known from options and files (C(credentials.py)) and hidden wherever they occur.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "(hidden)"
# What Ansible shows instead of a known secret in a text, and instead of a text that is one.
MASK, MASKED = "********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
PRIVATE_KEY = "PRIVATE KEY-----"

_NAMES = (
    r"(?:pass(?:word|wd|phrase|code)|(?-i:(?<=_)PASS)|pwd|secret|token|jwt|credentials?|api[_ -]?key|"
    r"account[_-]?key|auth[_-]?key|(?:private|access|secret|signing|encryption|master|shared)[_-]?(?:access[_-]?)?"
    r"key(?:[_-]?id)?|key-data|sig(?:nature)?|cookie)"
)
# Words that follow a name and a colon in sentences, e.g. in "failed to fetch oauth token: unexpected status".
_PROSE = (
    r"(?!\(hidden\)|\*{8}|(?:an?|the|no|not|is|are|was|in|of|for|to|it|and|or|failed|failure|unexpected|invalid|error|cannot|could|"
    r"unable|missing|expired|unauthorized|forbidden|denied|required|must|should|empty|context|dial|get|post|put|rpc|"
    r"eof|null|none|nil|true|false|illegal|malformed|unknown|unsupported|timeout|timed|server|permission|access|open|"
    r"read|write|wrong|bad|too|does|has|only|use|set|see|secret|configmap|volume|token|password|key|field|"
    r"serviceaccounts?)\b)"
)
_AUTHORIZATION_WORDS = r"(?!(?:tokens?|auth\w*|realm|schemes?|credentials?|challenge|headers?)\b)"
_SPACE = r"(?:\s|%20|\+)"
# Each pattern needs one of these words, in lower case. Looking for words first is many times faster, and most results
# need only few patterns.
_NAME_WORDS = ("pass", "pwd", "secret", "token", "jwt", "credential", "key", "sig", "cookie")
_PATTERNS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    # A PEM block (RFC 7468), also with escaped line breaks or without any.
    (
        ("-----begin ",),
        (
            r"(?s)-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE)[A-Z0-9 ]{0,20}-----"
            r".*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)"
        ),
        HIDDEN,
    ),
    # The end of such a block if the text begins in the middle of it.
    (("-----end ",), r"\A(?:[A-Za-z0-9+/=]{1,80}\s+)*-----END [A-Z0-9 ]{0,60}-----", HIDDEN),
    # The value of a header.
    (
        ("authorization", "cookie", "x-"),
        (
            rf"""(?i)((?:\bauthorization|\bcookie|\bx-[\w-]{{0,30}}(?:token|key|auth))\\*["']?\s*[:=]\s*\\*["'\[]*)"""
            rf"""(?:(?:Token|Key|OAuth|Digest)[ \t]+[^\s"'\\,\]]+|{_PROSE}[^\s"'\\,\]]+(?:[ \t]+[^\s"'\\,\]]+)?)"""
        ),
        rf"\1{HIDDEN}",
    ),
    # JSON Web Tokens (RFC 7519), e.g. of ServiceAccounts: a JSON object in base64url begins with eyJ.
    (("eyj",), r"eyJ[\w-]{10,}(?:\.[\w-]+){0,4}", HIDDEN),
    # JSON, PEM and YAML in base64, e.g. in the data of a Secret.
    (
        ("ls0tls1crudjti", "yxbpvmvyc2lvbj", "ewogi"),
        r"(?<![\w+/-])(?:LS0tLS1CRUdJTi|YXBpVmVyc2lvbj|ewogI)[\w+/=-]{8,}",
        HIDDEN,
    ),
    (
        ("bearer", "basic", "negotiate", "ntlm", "apikey"),
        (
            # "Basic networking" is no credential: base64 text has capital letters or digits.
            rf"(?i)(?:\b|(?<=%20)|(?<=%3A))(Bearer|Basic(?={_SPACE}+(?-i:[a-z]{{0,80}}[A-Z0-9=]))|Negotiate|NTLM|ApiKey)"
            rf"{_SPACE}+{_AUTHORIZATION_WORDS}[\w.~+/%=-]{{6,}}"
        ),
        rf"\1 {HIDDEN}",
    ),
    # The userinfo of a URL (RFC 3986), up to the last @ before the path; a password may contain a slash.
    (
        ("://",),
        (
            r"""([A-Za-z]://)(?!git@|[^\s/@]*:\*{8}@)(?:[^\s/?#"'<>:]{0,200}:(?!\d+[/?#])[^\s"'<>]{0,500}|"""
            r"""[^\s/?#"'<>]{1,700})@(?!sha256:)"""
        ),
        rf"\1{HIDDEN}@",
    ),
    # An option of a command.
    (
        ("--",),
        rf"""(?i)(--(?:\w[\w-]{{0,40}}-)?{_NAMES}(?:["']?,\s*|[=\s]\s*)\\*["']?)(?!-){_PROSE}[^\s"',\]]+""",
        rf"\1{HIDDEN}",
    ),
    # A variable of a container, whose name and value are two fields.
    (
        ("name",),
        (
            rf"""(?i)(\bname\\*["']?\s*[:=]\s*\\*["']?\w{{0,60}}{_NAMES}\w{{0,60}}\\*["']?[\s,;]+\\*["']?value\\*["']?\s*"""
            rf"""[:=]\s*\\*["']?)[^\s"'\\,}}]+"""
        ),
        rf"\1{HIDDEN}",
    ),
    # An element of XML.
    ((">",), rf"(?i)(<(?:\w{{1,20}}:)?\w{{0,40}}{_NAMES}>)[^<]+", rf"\1{HIDDEN}"),
    # A quoted value may contain spaces. A structured log escapes the quotes.
    (_NAME_WORDS, rf"""(?i)({_NAMES}\\*["']?\s*[:=]>?\s*\\*")[^"\\]+""", rf"\1{HIDDEN}"),
    (_NAME_WORDS, rf"""(?i)({_NAMES}\\*["']?\s*[:=]>?\s*\\*')[^'\\]+""", rf"\1{HIDDEN}"),
    (
        _NAME_WORDS,
        rf"""(?i)({_NAMES}["']?\s*(?:=|:=|=>|:|%3[dD])\s*["']?){_PROSE}[^\s"',;&}}\])]{{3,}}""",
        rf"\1{HIDDEN}",
    ),
    # Keys with a known form: AWS, GitHub, GitLab, Slack, Google, Hugging Face, OpenAI, npm, PyPI, Docker, Vault,
    # DigitalOcean, SendGrid, and the bootstrap tokens of kubeadm.
    (
        (),
        (
            r"\b(?:A(?:KI|SI|BI|CC)A[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl[a-z]{2,5}-[\w-]{20,}|"
            r"xox[a-z]-[\w-]{10,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|hf_[A-Za-z0-9]{20,}|"
            r"sk-(?=[\w-]{0,80}[A-Z])[\w-]{20,}|[sr]k_(?:live|test)_\w{10,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{20,}|dckr_[a-z]{3}_[\w-]{20,}|"
            r"hv[sbr]\.[\w-]{20,}|do[opr]_v1_\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|[a-z0-9]{6}\.(?=[a-f0-9]{0,15}[g-z])"
            r"(?=[a-z]{0,15}\d)[a-z0-9]{16})\b"
        ),
        HIDDEN,
    ),
    # Long base64 text: a line of a PEM block has 64 characters (RFC 7468). Keep 64 hexadecimal digits, which are image
    # digests, and paths: base64 text of this length has capital letters.
    (
        (),
        (
            r"(?<![\w+/-])(?![0-9a-f]{64}(?![A-Za-z0-9+/]))(?![a-z0-9]*/[a-z0-9/]*(?![A-Za-z0-9+/]))"
            r"[A-Za-z0-9+/]{64,}={0,2}"
        ),
        HIDDEN,
    ),
)

# Spellings that are shorter are hidden only as whole words, and parts of a secret only from this length on.
_SHORT, _PART = 6, 12
# The most secrets that a kubeconfig of one person has. Each has up to 300 spellings.
_MANY = 40
_BLOB = re.compile(r"[A-Za-z0-9_+/=.~%-]{12,}")
_BREAKS = re.compile(r"(?:\s|\\[nrt])+")
# The characters that html.escape replaces. That module also loads a table of two thousand others.
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_PEM_EDGE = re.compile(r"-----(?:BEGIN|END) [^-]*-----")


def redact(text: str) -> str:
    """Return the text with everything hidden that looks like a key, a token or a password."""
    lower = text.lower()
    for words, pattern, instead in _PATTERNS:
        if not words or any(word in lower for word in words):
            text = _compiled(pattern).sub(instead, text)
    return text


# Compiled when they are needed.
@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Secrets:
    """The secrets that a task knows. A process serves one task, so they are collected during its whole life."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        # The credentials of others, and all of them as one text.
        self._others: set[str] = set()
        self._others_text = ""
        self._whole: set[str] = set()
        self._every: set[str] = set()
        self._spellings: list[str] = []
        self._words: list[tuple[str, re.Pattern[str]]] = []
        # Everything whose parts are hidden as well, as one text.
        self._blobs = ""
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Add secrets; those that are known already cost nothing.

        Many at once are the credentials of a fleet, in one file. Only a message about the file can contain those of
        others, so that their encoded spellings are left out; those that are in use are added again, alone.
        """
        new = {value for value in values if value.strip()} - self._values
        if len(new) > _MANY:
            self._others |= new
            self._others_text = "\n".join(self._others)
        elif new:
            self._values |= new
            self._every = self._every.union(*map(spellings, new))
            self._prepare()
        self._whole = self._values | self._others

    def _prepare(self) -> None:
        every = self._every
        self._spellings = sorted((word for word in every if len(word) >= _SHORT), key=lambda word: (-len(word), word))
        self._words = [(word, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")) for word in every if len(word) < _SHORT]
        blobs = (_unbroken(_PEM_EDGE.sub(" ", word)) for word in every if _is_blob(word))
        self._blobs = "\n".join(sorted({blob for blob in blobs if len(blob) >= 2 * _PART}))

    @property
    def values(self) -> frozenset[str]:
        """Return the secrets as they were added."""
        return frozenset(self._whole)

    def among(self, text: str) -> Secrets | None:
        """Return the secrets that occur in a text, to look for few in each of its parts; None if there are none."""
        found = Secrets()
        found._whole = self._whole
        found._spellings = [word for word in self._spellings if word in text]
        found._spellings += [word for word in self._others if len(word) >= _SHORT and word in text]
        found._words = [(word, pattern) for word, pattern in self._words if word in text]
        if any(self._is_part(match) for match in _BLOB.finditer(text)):
            found._blobs, found._others_text = self._blobs, self._others_text
        return found if found._spellings or found._words or found._blobs or found._others_text else None

    def hidden_in(self, text: str) -> str:
        """Return the text without the secrets, in any of their spellings, and without long parts of them."""
        if text in self._whole:
            return MASKED
        for word in (*self._spellings, *self._others):
            if len(word) >= _SHORT and word in text:
                text = text.replace(word, MASK)
        for word, pattern in self._words:
            if word in text:
                text = pattern.sub(MASK, text)
        if self._blobs or self._others_text:
            text = _BLOB.sub(lambda match: MASK if self._is_part(match) else match[0], text)
        return text

    def _is_part(self, match: re.Match[str]) -> bool:
        part = match[0].strip("=.")
        return part in self._blobs or part in self._others_text


def spellings(secret: str) -> set[str]:
    """Return the ways in which libraries and programs write a secret: as it is, escaped, encoded, decoded, by line."""
    forms = {secret, secret.strip(), *_lines(secret)}
    for form in list(forms):
        decoded = unquote(form)
        forms |= {decoded, *_decoded(form)}
    for form in list(forms):
        # A text that contains a key is decoded to the lines of the key.
        forms |= set(_lines(form)) if PRIVATE_KEY in form else set()
    written = {spelling for form in forms for spelling in _written(form)}
    return {spelling for spelling in (*forms, *written) if spelling.strip()}


def _is_blob(text: str) -> bool:
    """Return whether parts of a secret are secret as well: one word, or a key."""
    return PRIVATE_KEY in text or _unbroken(text) == text


def _unbroken(text: str) -> str:
    """Return a text without whitespace and escaped line breaks."""
    # Several times faster, and most texts have no backslash.
    return _BREAKS.sub("", text) if "\\" in text else "".join(text.split())


def _lines(secret: str) -> Iterator[str]:
    """Return the lines of a key, and other long words that fill a line, as in a file of one token."""
    for piece in re.split(r"[\r\n]+|\\r|\\n", secret):
        line = piece.strip()
        if len(line) >= _PART and not re.search(r"\s", line) and not _PEM_EDGE.fullmatch(line):
            yield line


def _decoded(text: str) -> Iterator[str]:
    """Return the text, or the representation of the bytes, that a base64 text contains."""
    packed = _unbroken(text)
    if len(packed) < 8 or not re.fullmatch(r"[\w+/-]+={0,2}", packed):
        return
    try:
        content = base64.b64decode(
            packed + "=" * (-len(packed) % 4), altchars=b"-_" if "+" not in packed and "/" not in packed else None
        )
    except (binascii.Error, ValueError):
        return
    try:
        inner = content.decode()
    except UnicodeDecodeError:
        yield repr(content)[2:-1]
        return
    # Any word is base64 of something; a few odd characters are not worth hiding.
    if len(inner.strip()) >= _SHORT or inner.strip().isprintable():
        yield inner.strip()


def _written(form: str) -> Iterator[str]:
    """Return what becomes of a text that passes through C(repr), JSON, a URL, HTML, base64 or hexadecimal digits."""
    yield repr(form)[1:-1]
    yield repr(repr(form))[2:-2]
    for ascii_only in (True, False):
        once = json.dumps(form, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", r"\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    raw = form.encode(errors="surrogatepass")
    yield repr(raw)[2:-1]
    for safe in ("", "/", "/:@!$&'()*+,;="):
        encoded = quote(raw, safe=safe)
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
    yield quote_plus(raw)
    yield form.translate(_HTML)
    if len(raw) < 4:
        return
    yield raw.hex()
    yield raw.hex().upper()
    # The base64 text of anything that contains the secret, by the position of its first byte in a group of three.
    for offset in range(3):
        packed = base64.b64encode(b"\0" * offset + raw)
        first, last = (offset * 8 + 5) // 6, (offset + len(raw)) * 8 // 6
        inner = packed[first:last].decode()
        if len(inner) >= _SHORT:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
    for end in (b"", b"\n"):
        whole = base64.b64encode(raw + end).decode()
        yield whole
        yield base64.urlsafe_b64encode(raw + end).decode()
