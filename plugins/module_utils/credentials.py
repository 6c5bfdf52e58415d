# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the secrets in the options of a task and in the files that they name, so that no output contains them.

Ansible itself hides the options that are marked C(no_log). The others hold values worth showing (paths, addresses,
certificates) beside secrets, and files hold both as well.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

try:
    import yaml
except ImportError:  # reported by module_runner.py
    pass

from .redaction import MASKED, PRIVATE_KEY

# Settings of a kubeconfig that are not secret: names of programs, files and objects, and how to run and reach them.
_NO_SECRETS = frozenset(
    {
        "apiVersion",
        "as",
        "as-groups",
        "as-uid",
        "as-user-extra",
        "certificate-authority",
        "certificate-authority-data",
        "client-certificate",
        "client-key",
        "cmd-path",
        "colors",
        "command",
        "current-context",
        "disable-compression",
        "extensions",
        "idp-certificate-authority",
        "idp-certificate-authority-data",
        "insecure-skip-tls-verify",
        "installHint",
        "interactiveMode",
        "kind",
        "name",
        "namespace",
        "provideClusterInfo",
        "tls-server-name",
        "tokenFile",
        "username",
    }
)
# Sections and names, in text that is not parsed.
_HARMLESS = _NO_SECRETS | {"user", "users", "cluster", "clusters", "context", "contexts"}
# Settings that are URLs: only the user and the password in them are secret.
_URLS = frozenset({"idp-issuer-url", "proxy-url", "server"})
_ARGUMENTS = frozenset({"args", "cmd-args"})
# Settings that are the path of a secret, where people also paste the secret itself: a random word, or PEM in base64.
_PATHS = frozenset({"client-key", "client_key", "tokenFile"})
_PASTED = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=\D*\d)(?:[\w+=~-]{20,}|[\w+/=-]{200,})|eyJ[\w.-]{20,}")
# Settings of auth-providers, and options and variables of credential plugins, that tell where a cluster is and as whom
# to log in (aws, doctl, gke-gcloud-auth-plugin, kubelogin, oci, tsh). Their values are also words of results, e.g.
# "default", and parts of server names.
_PLACE = re.compile(
    r"(?:.*-)?(?:region|profile|output|format|version|environment|context|project|zone|location|tenant-id|role(?:-arn)?"
    r"|cluster(?:-name|-id)?|(?:server|client)-id|issuer-url|(?:extra-)?scopes?|endpoints?|login)"
)
_SECRET_NAME = re.compile(r"secret|token|pass|key|credential|auth(?!-plugin)|jwt|cookie|cert")
# Values of settings and arguments that are not worth hiding wherever they occur.
_NOTHING = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off"})
_PLAIN = re.compile(r"-{1,2}[\w-]*|[a-z]{1,12}(?:-[a-z]{1,12}){0,2}|true|false|null|\d{1,3}|", re.IGNORECASE)
# A name and its value, which may be quoted, in YAML, JSON or anything similar.
_PAIR = re.compile(r"""([\w-]+)["']?\s*[:=]\s*(?:["']([^"']+)|([^\s"',{}\[\]]+))""")
_LONG_WORD = re.compile(r"[\w+/=.~%-]{12,}")
# The largest file that is searched, and the largest that a setting may name.
_LARGEST, _LARGEST_NAMED = 1 << 20, 64 << 10
# The fields of a Secret with its values, and how deeply Lists of objects are searched.
_OF_SECRETS = ("data", "stringData")
_DEEPEST_LIST = 5
_SECTIONS = ("users", "clusters", "contexts")


def secrets_in(options: Mapping[str, Any]) -> set[str]:
    """Return every secret in the options that are not marked C(no_log), and every private key.

    The values may be of any type, because options that fail validation are shown as well.
    """
    kubeconfig = options.get("kubeconfig")
    found = _of_url(options.get("proxy")) | _of_url(options.get("host")) | _of_pem(options.get("certificates_pem"))
    customize = options.get("customize")
    found |= _of_registries(customize.get("image_pull_credentials") if isinstance(customize, Mapping) else None)
    if customize:
        # Most installations have no options.
        from .passwords import passwords_in

        found |= _of_objects(customize) | {password for _place, password in passwords_in(customize)}
    # Keys are also pasted where a path or a certificate belongs.
    found |= {value for value in options.values() if isinstance(value, str) and PRIVATE_KEY in value}
    found |= {str(value) for name in _PATHS if _is_pasted(value := options.get(name))}
    for content in kubeconfig if isinstance(kubeconfig, list) else [kubeconfig]:
        if is_inline_text(content):
            found |= {str(content), *secrets_of_text(str(content))}
        elif isinstance(content, Mapping):
            found |= _of_kubeconfig(content)
    return found


def usernames_in(options: Mapping[str, Any]) -> set[str]:
    """Return the usernames for registries. They are often words of results, e.g. C(kubeflow), and no secrets."""
    customize = options.get("customize")
    credentials = customize.get("image_pull_credentials") if isinstance(customize, Mapping) else None
    logins = credentials.values() if isinstance(credentials, Mapping) else ()
    return {str(login["username"]) for login in logins if isinstance(login, Mapping) and "username" in login}


def secrets_in_files(options: Mapping[str, Any], environ: Mapping[str, str]) -> set[str]:
    """Return every secret in the files of the options: kubeconfig, client key, and the files that a kubeconfig names.

    Files that cannot be read or parsed are no error here: the error about them must not show their content either.
    """
    found = _of_key_file(options.get("client_key"), "")
    kubeconfig = options.get("kubeconfig")
    if isinstance(kubeconfig, Mapping):
        return found | _of_named_files(kubeconfig, "")
    paths = kubeconfig if isinstance(kubeconfig, str) else environ.get("KUBECONFIG", "") if kubeconfig is None else ""
    if not paths and not options.get("host") and not options.get("in_cluster"):
        paths = "~/.kube/config"
    for path in (os.path.expanduser(name) for name in str(paths).split(os.pathsep) if name):
        text = _text_of(path, _LARGEST)
        if text:
            found |= secrets_of_text(text)
            found |= _of_named_files(_parsed(text), os.path.dirname(path))
    return found


def secrets_of_text(text: str) -> set[str]:
    """Return the secrets in the content of a kubeconfig, also if it is base64 text, another manifest, or damaged."""
    content = _parsed(text)
    if isinstance(content, Mapping) and any(section in content for section in _SECTIONS):
        return _of_kubeconfig(content)
    if isinstance(content, (Mapping, list)):
        return set(_leaves(content)) if len(text) < _LARGEST_NAMED else set(_words_of(text))
    decoded = _decoded(text)
    if decoded:
        return {text.strip(), *secrets_of_text(decoded)}
    return set(_words_of(text))


def shown_options(options: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return options to show: the settings of a kubeconfig's users are hidden, but for those known to be harmless.

    Args:
        spec: the options that exist. The values of others are hidden: one may be a secret with a misspelled name.
    """
    known = {*spec, *(alias for option in spec.values() for alias in option.get("aliases") or ())}
    shown = {name: value if name in known else MASKED for name, value in options.items()}
    if isinstance(kubeconfig := shown.get("kubeconfig"), Mapping):
        shown["kubeconfig"] = _shown(kubeconfig)
    if isinstance(customize := shown.get("customize"), Mapping):
        shown["customize"] = _shown_objects(customize)
    return shown


def is_inline_text(kubeconfig: Any) -> bool:
    """Return whether a kubeconfig is given as the content of a file, e.g. a variable encrypted with Ansible Vault."""
    # JSON fits on one line.
    return isinstance(kubeconfig, str) and ("\n" in kubeconfig.strip() or kubeconfig.lstrip().startswith("{"))


def encoded_pem(pem: str) -> str:
    """Return PEM text as the C(data) of a Secret holds it."""
    # The file lookup strips the last line break; the encoded value must be the same with and without it.
    return base64.b64encode(f"{pem.rstrip()}\n".encode()).decode() if pem.strip() else ""


def docker_config(credentials: Mapping[str, Any]) -> str:
    """Return credentials of registries as the data of a Secret holds them (kubernetes.io/dockerconfigjson)."""
    logins = {
        str(registry): {"username": login["username"], "password": login["password"], "auth": _login(login)}
        for registry, login in sorted(credentials.items())
    }
    return base64.b64encode(json.dumps({"auths": logins}, separators=(",", ":")).encode()).decode()


def _login(login: Mapping[str, Any]) -> str:
    # Half a character cannot be encoded; the options are rejected later.
    return base64.b64encode(f"{login['username']}:{login['password']}".encode(errors="replace")).decode()


def _of_registries(credentials: Any) -> set[str]:
    """Return the secrets in credentials of registries: the passwords, and every form in which they are sent."""
    if not isinstance(credentials, Mapping):
        # Something else than a mapping is rejected, and shown.
        return {str(credentials)} if credentials else set()
    found: set[str] = set()
    complete: dict[str, Any] = {}
    for registry, login in credentials.items():
        if not isinstance(login, Mapping):
            found |= set(_texts(login))
            continue
        found |= set(_texts([value for name, value in login.items() if name != "username"]))
        if {"username", "password"} <= set(login):
            complete[str(registry)] = login
            found |= {f"{login['username']}:{login['password']}", _login(login)}
    return found | ({docker_config(complete)} if complete else set())


def _texts(value: Any) -> Iterator[str]:
    """Return every text in a value."""
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ():
        yield from _texts(item)
    if not isinstance(value, (Mapping, list, tuple)) and _as_text(value):
        yield _as_text(value)


def _of_objects(customize: Any) -> set[str]:
    """Return the values of the Secrets among users' objects, and of patches of Secrets."""
    return {value for content in _contents(customize) for value in _texts(content) if value.lower() not in _NOTHING}


def _contents(customize: Any) -> Iterator[Any]:
    """Return what holds the values of Secrets in C(customize)."""
    customize = customize if isinstance(customize, Mapping) else {}
    for item in _objects(customize.get("extra_objects"), 0):
        yield from (item.get(name) for name in _OF_SECRETS)
    for patch in _mappings(customize.get("patches")):
        target = patch.get("target")
        # Without a kind, a patch may match a Secret.
        if not isinstance(target, Mapping) or _may_be_secret(target.get("kind")):
            yield from (part.get(name) for part in _mappings([patch.get("merge")]) for name in _OF_SECRETS)
            named = isinstance(target, Mapping) and target.get("kind")
            for operation in _mappings(patch.get("json")):
                if named or str(operation.get("path")).split("/")[1:2] in (["data"], ["stringData"]):
                    yield operation.get("value")


def _objects(items: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Return the Secrets among objects, those in Lists included."""
    for item in _mappings(items) if depth < _DEEPEST_LIST else ():
        if _may_be_secret(item.get("kind")):
            yield item
        yield from _objects(item.get("items"), depth + 1)


def _may_be_secret(kind: Any) -> bool:
    """Return whether somebody may mean a Secret, although the kind is missing or misspelled."""
    return not isinstance(kind, str) or kind.strip().casefold() in ("", "secret", "secrets")


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings in a list. A single mapping counts as a list of one."""
    items = [value] if isinstance(value, Mapping) else value
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _shown_objects(value: Any) -> Any:
    """Return C(customize) without the content of Secrets."""
    hidden = [id(content) for content in _contents(value)]

    def copied(inner: Any) -> Any:
        if inner is not None and not isinstance(inner, bool) and id(inner) in hidden:
            return MASKED
        if isinstance(inner, Mapping):
            return {name: copied(below) for name, below in inner.items()}
        return [copied(below) for below in inner] if isinstance(inner, list) else inner

    return copied(value) if hidden else value


# -- a kubeconfig --------------------------------------------------------------------------------------------------


def _of_kubeconfig(kubeconfig: Mapping[str, Any]) -> set[str]:
    """Return all settings of users and clusters except those known to be harmless, and the passwords in URLs.

    A list of secret keys, as kubernetes.core has it, misses the environment of an exec plugin, ID tokens and client
    secrets.
    """
    found: set[str] = set()
    for section, kind in (("users", "user"), ("clusters", "cluster")):
        for entry in _entries(kubeconfig.get(section)):
            settings = entry.get(kind, entry) if isinstance(entry, Mapping) else entry
            found |= set(_settings(settings, kind, set()))
    return found - _names(kubeconfig)


def _entries(section: Any) -> list[Any]:
    """Return the entries of a section; one that is damaged may be a mapping or text."""
    if isinstance(section, Mapping):
        return list(section.values())
    return list(section) if isinstance(section, (list, tuple)) else [section]


def _settings(value: Any, name: str, seen: set[int]) -> Iterator[str]:
    """Return the secrets among settings.

    Args:
        seen: the containers that were searched: with YAML, one may contain itself, or another one a million times.
    """
    if isinstance(value, (Mapping, list, tuple)):
        if id(value) in seen:
            return
        seen.add(id(value))
    if isinstance(value, Mapping):
        for below, part in value.items():
            # A variable is a mapping of its name and its value.
            named = value.get("name", below) if below == "value" else below
            if below in _ARGUMENTS:
                yield from _of_arguments(part)
            elif below in _URLS or (_is_place(named) and isinstance(part, str) and not _is_pasted(part)):
                yield from _of_url(part)
            elif below not in _NO_SECRETS or (below in _PATHS and _is_pasted(part)):
                yield from _settings(part, str(below), seen)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _settings(part, name, seen)
    elif (text := _as_text(value)).lower() not in _NOTHING:
        yield text


def _is_pasted(value: Any) -> bool:
    """Return whether a setting is a secret where the path of its file belongs."""
    return isinstance(value, str) and bool(_PASTED.fullmatch(value.strip()))


def _of_arguments(arguments: Any) -> Iterator[str]:
    """Return the values in the arguments of a program, but not the names of options and of subcommands."""
    before = ""
    words = arguments if isinstance(arguments, (list, tuple)) else str(arguments or "").split()
    for word in (str(word).strip("\"'") for word in words):
        option, equals, value = word.partition("=")
        named, said = (option, value) if word.startswith("-") else (before, word)
        if said and _is_place(named) and not _is_pasted(said):
            yield from _of_url(said)
        elif equals and value:
            yield value
            if not option.startswith("-"):
                yield word
        elif not word.startswith("-") and (not _PLAIN.fullmatch(word) or (before and len(word) > 3)):
            yield word
            yield from _of_url(word)
        before = word if word.startswith("-") and not equals else ""


def _is_place(name: Any) -> bool:
    """Return whether a setting, a variable or an option has this name that is known to hold no secret."""
    plain = str(name).lstrip("-").lower().replace("_", "-")
    return _PLACE.fullmatch(plain) is not None and _SECRET_NAME.search(plain) is None


def _names(kubeconfig: Mapping[str, Any]) -> set[str]:
    """Return the names in a kubeconfig, which messages must show even if a setting has the same value."""
    entries = [
        entry for section in _SECTIONS for entry in _entries(kubeconfig.get(section)) if isinstance(entry, Mapping)
    ]
    inside = [part for entry in entries for part in entry.values() if isinstance(part, Mapping)]
    return {
        value
        for entry in (kubeconfig, *entries, *inside)
        for name in ("name", "cluster", "namespace", "current-context", "server", "username", "as")
        if isinstance(value := entry.get(name), str)
    }


def _shown(kubeconfig: Mapping[str, Any]) -> dict[str, Any]:
    users = kubeconfig.get("users")
    if not isinstance(users, (list, tuple)):
        return dict(kubeconfig) if users is None else {**kubeconfig, "users": MASKED}
    return {
        **kubeconfig,
        "users": [
            {name: _hidden(part, name) for name, part in entry.items()} if isinstance(entry, Mapping) else MASKED
            for entry in users
        ],
    }


def _hidden(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {below: _hidden(part, str(below)) for below, part in value.items()}
    if isinstance(value, (list, tuple)):
        return MASKED if name in _ARGUMENTS else [_hidden(part, name) for part in value]
    return value if value is None or isinstance(value, bool) or name in _NO_SECRETS else MASKED


# -- files ---------------------------------------------------------------------------------------------------------


def _of_named_files(kubeconfig: Any, folder: str) -> set[str]:
    """Return the content of the token files and the client keys that the users of a kubeconfig name."""
    found: set[str] = set()
    users = kubeconfig.get("users") if isinstance(kubeconfig, Mapping) else None
    for entry in users if isinstance(users, list) else ():
        user = entry.get("user") if isinstance(entry, Mapping) else None
        if isinstance(user, Mapping):
            found |= _of_key_file(user.get("client-key"), folder)
            path = user.get("tokenFile")
            found |= {_text_of(os.path.join(folder, path), _LARGEST_NAMED).strip()} if isinstance(path, str) else set()
    return found - {""}


def _of_key_file(path: Any, folder: str) -> set[str]:
    if not isinstance(path, str) or not path.strip() or "\n" in path:
        return set()
    text = _text_of(os.path.join(folder, os.path.expanduser(path.strip())), _LARGEST_NAMED)
    return {text} if text.strip() else set()


def _text_of(path: str, largest: int) -> str:
    """Return the text of a file in the encoding that its first bytes show; empty if it cannot be read."""
    try:
        # A named pipe would wait for a writer.
        if not os.path.isfile(path) or os.path.getsize(path) > largest:
            return ""
        with open(path, "rb") as stream:
            data = stream.read()
    except (OSError, ValueError):
        return ""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        # Secrets are ASCII, whatever the encoding of a comment is.
        return data.decode("latin-1")


def _parsed(text: str) -> Any:
    """Return the content of YAML or JSON text; None if it is neither."""
    try:
        # The scalars stay as they are written: a number is found as it stands in the file.
        return yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - only str, list, dict
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError):
        return None


def _decoded(text: str) -> str:
    packed = "".join(text.split())
    if len(packed) < 16 or not re.fullmatch(r"[\w+/-]+={0,2}", packed):
        return ""
    try:
        return base64.b64decode(packed).decode()
    except (binascii.Error, ValueError):
        return ""


def _words_of(text: str) -> Iterator[str]:
    """Return what may be secret in a text of unknown form: values after a name, and long words."""
    for line in text.splitlines():
        named = False
        for name, quoted, value in _PAIR.findall(line):
            named = named or name in _HARMLESS
            if name in _URLS:
                yield from _of_url(quoted or value)
            elif name not in _HARMLESS and not _PLAIN.fullmatch(quoted or value):
                yield quoted or value
        if not named:
            yield from (word for word in _LONG_WORD.findall(line) if re.search(r"[\dA-Z]", word))


# -- values --------------------------------------------------------------------------------------------------------


def _leaves(value: Any) -> Iterator[str]:
    """Return what may be secret in another manifest, e.g. a Secret that contains a kubeconfig."""
    text = _as_text(value) if not isinstance(value, (Mapping, list, tuple)) else ""
    if isinstance(value, Mapping):
        for below, part in value.items():
            if below not in _NO_SECRETS:
                yield from _leaves(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    elif not _PLAIN.fullmatch(text):
        yield text
        inner = _decoded(text)
        yield from secrets_of_text(inner) if inner else ()


def _as_text(value: Any) -> str:
    """Return a setting as text; empty for what cannot be secret. A password of digits is a number in YAML."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None or isinstance(value, bool) else str(value)


def _of_url(url: Any) -> set[str]:
    """Return the password in a URL, or the user if there is no password; as written and decoded.

    The scheme may be missing.
    """
    credentials, at, _address = str(url or "").rpartition("://")[2].rpartition("@")
    user, colon, password = credentials.partition(":")
    secret = (password if colon else user) if at else ""
    return {secret, unquote(secret)} if secret else set()


def _of_pem(pems: Any) -> set[str]:
    """Return the keys in C(certificates_pem), both as PEM text and as the data of a Secret."""
    found = set(_private_texts(pems))
    return found | {encoded_pem(value) for value in found}


def _private_texts(pems: Any) -> Iterator[str]:
    for pair in pems.values() if isinstance(pems, Mapping) else ():
        for name, value in pair.items() if isinstance(pair, Mapping) else ():
            if isinstance(value, str) and value and (name == "key" or PRIVATE_KEY in value):
                yield value
