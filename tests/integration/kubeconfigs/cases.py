# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfig files, valid ones and damaged ones: every field with every type, and what people's files look like."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig import schema
from tests.unit.plugins.helpers.certificates import Authority

CONTEXT = "ours"
Config = dict[str, Any]

# A JSON Web Token that never expires, without a valid signature.
ID_TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "none"}, {"exp": 4102444800}, "signature")
)
PLUGIN = """\
#!/bin/sh
API=${API:-client.authentication.k8s.io/v1}
printf '{"apiVersion": "%s", "kind": "ExecCredential", "status": {"token": "from-plugin%s"}}' "$API" "$1"
"""

YAML_PLUGIN = """\
#!/bin/sh
cat <<END
---
apiVersion: client.authentication.k8s.io/v1
status:
  token: from-plugin
END
"""


@dataclass(frozen=True)
class Case:
    """A file, or several; the path of its server begins with its name."""

    name: str
    files: tuple[bytes, ...]


class Cases:
    """All cases.

    Args:
        folder: where certificates, keys and a plugin are.
        secure, plain: the addresses of the servers, without a scheme.
    """

    def __init__(self, folder: Path, authority: Authority, secure: str, plain: str) -> None:
        self.folder, self.secure, self.plain = folder, secure, plain
        pair, other = authority.client("somebody"), authority.client("another")
        self.contents = {
            "ca.crt": authority.pem,
            "client.crt": pair.certificate,
            "client.key": pair.key,
            "other.key": other.key,
            "token": b"from-file\n",
            "empty": b"",
            "bundle.crt": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + authority.pem,
        }
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)
        for name, text in (("plugin", PLUGIN), ("yaml-plugin", YAML_PLUGIN)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o700)

    # -- valid files ---------------------------------------------------------------------------------------------

    def data(self, name: str) -> str:
        """The content of a file as base64."""
        return base64.b64encode(self.contents[name]).decode()

    @property
    def users(self) -> dict[str, Config]:
        """A user for each kind of credentials."""
        return {
            "token": {"token": "sesame"},
            "token_file": {"tokenFile": "token"},
            "both_tokens": {"token": "sesame", "tokenFile": "token"},
            "basic": {"username": "u", "password": "p"},
            "certificate": {
                "client-certificate-data": self.data("client.crt"),
                "client-key-data": self.data("client.key"),
            },
            "certificate_files": {"client-certificate": "client.crt", "client-key": "client.key"},
            "certificate_and_token": {
                "client-certificate": "client.crt",
                "client-key": "client.key",
                "token": "sesame",
            },
            "plugin": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": "./plugin",
                    "args": ["-argument"],
                    "env": [{"name": "A", "value": "b"}],
                    "interactiveMode": "Never",
                    "provideClusterInfo": True,
                    "installHint": "install it",
                }
            },
            "oidc": {
                "auth-provider": {
                    "name": "oidc",
                    "config": {
                        "idp-issuer-url": "https://127.0.0.1:1/issuer",
                        "client-id": "kubernetes",
                        "id-token": ID_TOKEN,
                    },
                }
            },
            "impersonating": {
                "token": "sesame",
                "as": "jane",
                "as-uid": "42",
                "as-groups": ["g1", "g2"],
                "as-user-extra": {"scopes": ["view"], "example.com/x": ["z"]},
            },
        }

    def config(
        self, user: Config | None = None, cluster: Config | None = None, context: Config | None = None
    ) -> Config:
        """A valid kubeconfig, with a second context that nobody uses."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "preferences": {},
            "current-context": "unused",
            "clusters": [
                {"name": "c", "cluster": {"server": "SERVER", "certificate-authority": "ca.crt", **(cluster or {})}},
                {"name": "unused", "cluster": {"server": "https://unused.example"}},
            ],
            "users": [
                {"name": "u", "user": user if user is not None else {"token": "sesame"}},
                {"name": "unused", "user": {"token": "unused"}},
            ],
            "contexts": [
                {"name": CONTEXT, "context": {"cluster": "c", "user": "u", **(context or {})}},
                {"name": "unused", "context": {"cluster": "unused", "user": "unused"}},
            ],
        }

    # -- damage --------------------------------------------------------------------------------------------------

    def all(self) -> Iterator[Case]:
        """Every case, with a unique name."""
        names: dict[str, int] = {}
        for name, files in self._all():
            names[name] = names.get(name, 0) + 1
            unique = f"{name}.{names[name]}" if names[name] > 1 else name
            yield Case(unique, tuple(self._bytes(file, unique) for file in files))

    def _bytes(self, file: Any, name: str) -> bytes:
        if isinstance(file, tuple):
            text, encoding = file
            return self._bytes(text, name).decode().encode(encoding)
        if not isinstance(file, (str, bytes)):
            file = yaml.safe_dump(file, sort_keys=False)
        data = file if isinstance(file, bytes) else file.encode()
        return (
            data.replace(b"SERVER", f"https://{self.secure}/{name}".encode())
            .replace(b"PLAIN", f"{self.plain}/{name}".encode())
            .replace(b"SECURE", f"{self.secure}/{name}".encode())
        )

    def _all(self) -> Iterator[tuple[str, list[Any]]]:
        for name, user in self.users.items():
            yield f"valid-{name}", [self.config(user)]
        yield from self._types()
        yield from self._values()
        yield from self._texts()
        yield from self._merges()

    def _types(self) -> Iterator[tuple[str, list[Any]]]:
        """Every field of the API with values of other types."""
        values: list[tuple[str, Any]] = [
            ("null", None), ("number", 7), ("fraction", 1.5), ("true", True), ("list", ["x"]), ("mapping", {"x": "y"}),
            ("empty-text", ""), ("empty-list", []), ("empty-mapping", {}), ("text", "text"),
        ]  # fmt: skip
        for path, field in schema.fields_of():
            for kind, value in values:
                if field.kind == schema.ANY and kind != "null":
                    continue
                for base, config in self._bases(path):
                    changed = _with(copy.deepcopy(config), path, value)
                    yield f"{path.replace('[]', '')}-{base}-{kind}", [changed]

    def _bases(self, path: str) -> Iterator[tuple[str, Config]]:
        """The valid files in which a field is changed."""
        user = next((name for name, user in self.users.items() if _has(self.config(user), path)), "token")
        yield user, self.config(self.users[user])

    def _values(self) -> Iterator[tuple[str, list[Any]]]:
        """Values of the right type that make a difference."""
        token = {"token": "sesame"}
        clusters: dict[str, Config] = {
            "no-scheme": {"server": "SECURE"},
            "upper-case": {"server": "HTTPS://SECURE"},
            "slash": {"server": "SERVER/"},
            "name": {"server": "https://localhost:" + self.secure.rpartition(":")[2] + "/cluster-name"},
            "bad-port": {"server": "https://127.0.0.1:port"},
            "spaces": {"server": "https://a b"},
            "ca-data": {"certificate-authority": None, "certificate-authority-data": self.data("ca.crt")},
            "ca-twice": {"certificate-authority-data": self.data("ca.crt")},
            "ca-missing": {"certificate-authority": "missing.crt"},
            "ca-key": {"certificate-authority": "client.key"},
            "ca-empty": {"certificate-authority": "empty"},
            "ca-none": {"certificate-authority": None},
            "ca-folder": {"certificate-authority": "."},
            "ca-one-is-damaged": {"certificate-authority": "bundle.crt"},
            "ca-data-no-base64": {"certificate-authority": None, "certificate-authority-data": "not base64!"},
            "ca-data-no-pem": {"certificate-authority": None, "certificate-authority-data": "bm8gcGVt"},
            "ca-data-key": {"certificate-authority": None, "certificate-authority-data": self.data("client.key")},
            "ca-data-lines": {
                "certificate-authority": None,
                "certificate-authority-data": base64.encodebytes(self.contents["ca.crt"]).decode(),
            },
            "ca-data-spaces": {
                "certificate-authority": None,
                "certificate-authority-data": " " + self.data("ca.crt"),
            },
            "insecure": {"certificate-authority": None, "insecure-skip-tls-verify": True},
            "insecure-null": {"insecure-skip-tls-verify": None},
            "insecure-with-ca": {"insecure-skip-tls-verify": True},
            "server-name": {"tls-server-name": "inner.example"},
            "wrong-server-name": {"tls-server-name": "other.example"},
            "no-compression": {"disable-compression": True},
            "proxy-ftp": {"proxy-url": "ftp://127.0.0.1:1"},
            "proxy-no-scheme": {"proxy-url": "127.0.0.1:1"},
            "proxy-dead": {"proxy-url": "http://127.0.0.1:1"},
            "plain": {"server": "http://PLAIN", "certificate-authority": None},
            "plain-with-ca": {"server": "http://PLAIN"},
        }
        for name, cluster in clusters.items():
            yield f"cluster-{name}", [self.config(token, cluster)]
        for name, user in self.users.items():
            plain = {"server": "http://PLAIN", "certificate-authority": None}
            yield f"plain-insecure-{name}", [self.config(user, {**plain, "insecure-skip-tls-verify": True})]
            yield f"plain-{name}", [self.config(user, {"server": "http://PLAIN", "certificate-authority": None})]
            yield (
                f"insecure-{name}",
                [self.config(user, {"certificate-authority": None, "insecure-skip-tls-verify": True})],
            )
        for name, user in self._bad_users().items():
            yield f"user-{name}", [self.config(user)]
        contexts: dict[str, Config] = {
            "no-user": {"user": None}, "other-user": {"user": "missing"}, "empty-user": {"user": ""},
            "no-cluster": {"cluster": None}, "other-cluster": {"cluster": "missing"},
            "namespace": {"namespace": "team-a"}, "bad-namespace": {"namespace": "Team A"},
        }  # fmt: skip
        for name, context in contexts.items():
            yield f"context-{name}", [self.config(token, {}, context)]

    def _bad_users(self) -> dict[str, Config]:
        pair = self.users["certificate"]
        plugin = self.users["plugin"]["exec"]
        oidc = self.users["oidc"]["auth-provider"]["config"]

        def provider(name: str, **config: str) -> Config:
            return {"auth-provider": {"name": name, "config": config}}

        return {
            "empty": {},
            "only-null": {"token": None, "username": None, "password": None, "client-key-data": None},
            "null-beside-certificate": {**pair, "username": None, "password": None},
            "certificate-without-key": {"client-certificate-data": self.data("client.crt")},
            "key-without-certificate": {"client-key-data": self.data("client.key")},
            "other-key": {**pair, "client-key-data": self.data("other.key")},
            "certificate-is-key": {**pair, "client-certificate-data": self.data("client.key")},
            "key-is-certificate": {**pair, "client-key-data": self.data("client.crt")},
            "certificate-twice": {**pair, "client-certificate": "client.crt"},
            "key-twice": {**pair, "client-key": "client.key"},
            "missing-certificate": {"client-certificate": "missing.crt", "client-key": "client.key"},
            "missing-key": {"client-certificate": "client.crt", "client-key": "missing.key"},
            "token-and-basic": {"token": "t", "username": "u", "password": "p"},
            "only-username": {"username": "u"},
            "only-password": {"password": "p"},
            "missing-token-file": {"tokenFile": "missing"},
            "missing-token-file-beside-token": {"token": "sesame", "tokenFile": "missing"},
            "empty-token-file": {"tokenFile": "empty"},
            "empty-token-file-beside-token": {"token": "sesame", "tokenFile": "empty"},
            "uid-without-as": {"token": "t", "as-uid": "1"},
            "groups-without-as": {"token": "t", "as-groups": ["g"]},
            "extra-without-as": {"token": "t", "as-user-extra": {"a": ["b"]}},
            "token-file-and-basic": {"tokenFile": "token", "username": "u", "password": "p"},
            "token-file-and-password": {"tokenFile": "token", "password": "p"},
            "basic-unicode": {"username": "j\u00e4ne", "password": "p\u20ac"},
            **{
                f"as-{name}": {"token": "t", "as": text, "as-uid": text, "as-groups": [text, "g"]}
                for name, text in (("latin", "j\u00e4ne"), ("unicode", "\u65e5"), ("lines", "a\nb"), ("fold", "a\n b"))
            },
            "as-extra-unicode": {"token": "t", "as": "j", "as-user-extra": {"k": ["\u65e5"]}},
            "as-alone": {"token": "t", "as": "jane"},
            "only-as": {"as": "jane"},
            "exec-v1alpha1": {"exec": {**plugin, "apiVersion": "client.authentication.k8s.io/v1alpha1"}},
            "exec-v1beta1": {
                "exec": {
                    **plugin,
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "env": [{"name": "API", "value": "client.authentication.k8s.io/v1beta1"}],
                }
            },
            "exec-v1beta1-no-mode": {
                "exec": {
                    **plugin,
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "env": [{"name": "API", "value": "client.authentication.k8s.io/v1beta1"}],
                    "interactiveMode": None,
                }
            },
            "exec-yaml-without-kind": {"exec": {**plugin, "command": "./yaml-plugin"}},
            "exec-own-path": {
                "exec": {**plugin, "command": "true", "env": [{"name": "PATH", "value": "/nonexistent"}]}
            },
            "exec-other-version": {"exec": {**plugin, "env": [{"name": "API", "value": "x/v1"}]}},
            "exec-no-mode": {"exec": {**plugin, "interactiveMode": None}},
            "exec-always": {"exec": {**plugin, "interactiveMode": "Always"}},
            "exec-if-available": {"exec": {**plugin, "interactiveMode": "IfAvailable"}},
            "exec-missing": {"exec": {**plugin, "command": "no-such-program"}},
            "exec-fails": {"exec": {**plugin, "command": "false"}},
            "exec-no-json": {"exec": {**plugin, "command": "echo"}},
            "exec-no-args": {"exec": {**plugin, "args": None, "env": None}},
            "exec-env-without-name": {"exec": {**plugin, "env": [{"value": "x"}]}},
            "exec-and-token": {"exec": {**plugin, "command": "false"}, "token": "sesame"},
            "exec-and-certificate": {"exec": plugin, **pair},
            "exec-and-provider": {"exec": plugin, **provider("oidc", **oidc)},
            "gcp": provider("gcp", **{"access-token": "t", "expiry": "2099-01-01T00:00:00Z"}),
            "gcp-without-config": {"auth-provider": {"name": "gcp"}},
            "azure": provider("azure", **{"access-token": "t"}),
            "unknown-provider": provider("other"),
            "provider-without-name": {"auth-provider": {"config": {}}},
            "gcp-and-token": {**provider("gcp"), "token": "sesame"},
            "oidc-and-token": {**provider("oidc", **oidc), "token": "sesame"},
            "oidc-and-certificate": {**provider("oidc", **oidc), **pair},
            "oidc-no-token": provider("oidc", **{**oidc, "id-token": ""}),
            "oidc-no-jwt": provider("oidc", **{**oidc, "id-token": "nonsense"}),
            "oidc-expired": provider("oidc", **{**oidc, "id-token": "e30.eyJleHAiOiAxfQ.e30"}),
            "oidc-issuer-refuses": provider(
                "oidc", **{**oidc, "id-token": "e30.eyJleHAiOiAxfQ.e30", "refresh-token": "r"}
            ),
            "oidc-no-issuer": provider("oidc", **{**oidc, "idp-issuer-url": ""}),
            "oidc-no-client": provider("oidc", **{**oidc, "client-id": ""}),
            "unknown-setting": {"Token": "sesame"},
            "token-with-unknown": {"token": "sesame", "unknown": [1]},
        }

    def _texts(self) -> Iterator[tuple[str, list[Any]]]:
        """Files as text: encodings, types of YAML, things that are no kubeconfig."""
        good = yaml.safe_dump(self.config())
        template = (
            "clusters: [{{name: c, cluster: {{server: SERVER, certificate-authority: ca.crt}}}}]\n"
            "users: [{{name: u, user: {{token: {token}}}}}, {{name: {name}, user: {{token: x}}}}]\n"
            "contexts: [{{name: ours, context: {{cluster: c, user: u}}}}]\n"
        )
        for value in (
            "plain", "'quoted'", "2024", "0x10", "1e3", "1_000", "on", "off", "yes", "no", "y", "n", "Y", "true",
            "null", "~", ".inf", "2024-01-01", "2024-01-01T00:00:00Z", "12:30:45", "010", "08", "0o7", "1.5", ".5",
            "+1", "-1", "!!str 12", "!!int 12", "!!float 12", "!!binary YS10b2tlbg==", "=", "<<", "NULL", "No", "NaN",
            "1__2", "0b1", "!!timestamp 2024-01-01", "0.", "-", "+.inf", "1e", "0x", "99999999999999999999", "1e999",
        ):  # fmt: skip
            yield f"token-value-{_file_name(value)}", [template.format(token=value, name="other")]
            yield f"name-value-{_file_name(value)}", [template.format(token="sesame", name=value)]  # noqa: S106
        encodings: dict[str, Any] = {
            "utf-8-bom": b"\xef\xbb\xbf" + good.encode(),
            "crlf": good.replace("\n", "\r\n").encode(),
            "latin-1-comment": good.encode() + b"# caf\xe9\n",
            "nul": good.encode() + b"# \x00\n",
            "tab": good.encode() + b"\t\n",
            "no-end": good.encode().rstrip(),
            "utf-16": (good, "utf-16"),
            "utf-16-without-mark": (good, "utf-16-le"),
            "utf-32": (good, "utf-32"),
        }
        yield from ((f"encoding-{name}", [data]) for name, data in encodings.items())
        others: dict[str, Any] = {
            "json": json.dumps(self.config()),
            "json-lines": json.dumps(self.config(), indent=2),
            "html": "<!DOCTYPE html>\n<html><body>log in</body></html>\n",
            "base64": base64.b64encode(good.encode()),
            "secret": {"apiVersion": "v1", "kind": "Secret", "data": {"config": "eA=="}},
            "list": yaml.safe_dump([self.config()]),
            "words": "just text\n",
            "unclosed": "a: [\n",
            "comment": "# nothing\n",
            "empty": b"",
            "white-space": b"  \n\n",
            "two-documents": good + "---\n" + good,
            "empty-second-document": good + "---\n",
            "empty-first-document": "---\n---\n" + good,
            "vault-value": template.format(token="!vault x", name="o"),  # noqa: S106
            "local-tag": template.format(token="!local x", name="o"),  # noqa: S106
            "python-tag": template.format(token="!!python/none x", name="o"),  # noqa: S106
            "set": good + "x: !!set {a, b}\n",
            "deep": good + "x: " + "[" * 300 + "]" * 300 + "\n",
            "bomb": good + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}' if n else 'x'] * 10)}]\n" for n in range(9)),
            "pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "vault": "$ANSIBLE_VAULT;1.1;AES256\n3132\n",
            "gzip": b"\x1f\x8b\x08\x00\x00\x00",
            "null": "null\n",
            "v2": {**self.config(), "apiVersion": "v2"},
            "group": {**self.config(), "apiVersion": "example.com/v1"},
            "no-kind": {name: value for name, value in self.config().items() if name not in ("kind", "apiVersion")},
            "no-users": {name: value for name, value in self.config().items() if name != "users"},
            "no-clusters": {name: value for name, value in self.config().items() if name != "clusters"},
            "no-contexts": {name: value for name, value in self.config().items() if name != "contexts"},
            "unknown-field": {**self.config(), "unknown": {"a": 1}},
            "anchors": good.replace("token: sesame", "token: &t sesame") + "x: *t\n",
            "merge": "x: &x {token: sesame}\n" + template.replace("{{token: {token}}}", "{{<<: *x}}").format(name="o"),
            "recursive": good + "x: &x [*x]\n",
            "unknown-alias": good + "x: *missing\n",
            "twice": good + "current-context: other\n",
            "twice-in-user": template.format(token="x, token: sesame", name="o"),  # noqa: S106
            "null-entry": {**self.config(), "users": [None, *self.config()["users"]]},
            "same-name": {**self.config(), "users": [*self.config()["users"], {"name": "u", "user": {"token": "b"}}]},
            "same-unused-name": {
                **self.config(),
                "clusters": [*self.config()["clusters"], {"name": "unused", "cluster": {"server": "https://x"}}],
            },
            "entry-without-name": {**self.config(), "users": [*self.config()["users"], {"user": {"token": "b"}}]},
            "unused-bad-base64": {
                **self.config(),
                "users": [*self.config()["users"], {"name": "bad", "user": {"client-key-data": "%%%"}}],
            },
            "unused-wrong-type": {
                **self.config(),
                "users": [*self.config()["users"], {"name": "bad", "user": {"token": 7}}],
            },
            "wrong-case": good.replace("clusters:", "Clusters:"),
            "number-of-provider": self.config(
                {"token": "sesame", "auth-provider": {"name": "oidc", "config": {"expires-on": 12}}}
            ),
            "nan": good + "x: .nan\n",
            "null-key": good + "null: x\n",
            "list-key": good + "? [a]\n: x\n",
            "number-key": good + "1: x\n",
        }
        yield from ((f"file-{name}", [content]) for name, content in others.items())
        # Each line left out, and each line indented.
        lines = good.splitlines()
        for number in range(len(lines)):
            yield f"line-out-{number}", ["\n".join(lines[:number] + lines[number + 1 :])]
            yield f"line-in-{number}", ["\n".join([*lines[:number], "  " + lines[number], *lines[number + 1 :]])]

    def _merges(self) -> Iterator[tuple[str, list[Any]]]:
        """Several files."""
        whole = self.config()
        parts = {name: {name: whole[name]} for name in ("clusters", "users", "contexts")}
        other = self.config({"token": "second"}, {"server": "https://127.0.0.1:1"})
        files: dict[str, Any] = {
            "parts": list(parts.values()),
            "parts-reversed": list(parts.values())[::-1],
            "empty-first": [b"", whole],
            "comment-first": ["# nothing\n", whole],
            "current-context-first": [{"current-context": "x"}, whole],
            "null-lists-first": [{"clusters": None, "users": None, "contexts": None}, whole],
            "first-wins": [whole, other],
            "user-of-first-without-token": [{"users": [{"name": "u", "user": {}}]}, whole],
            "context-of-first-differs": [
                {"contexts": [{"name": CONTEXT, "context": {"cluster": "missing", "user": "u"}}]},
                whole,
            ],
            "bad-second": [whole, "a: [\n"],
            "wrong-second": [whole, {"kind": "Secret"}],
            "html-second": [whole, "<html></html>\n"],
            "same-twice": [whole, whole],
            "users-missing": [parts["clusters"], parts["contexts"]],
        }
        yield from ((f"merge-{name}", contents) for name, contents in files.items())


def random_cases(cases: Cases, count: int, seed: int) -> Iterator[Case]:
    """Valid files with several random changes each."""
    chance = random.Random(seed)  # noqa: S311
    fields = [path for path, field in schema.fields_of() if field.kind != schema.ANY]
    values: list[Callable[[], Any]] = [
        lambda: None, lambda: "", lambda: "text", lambda: chance.choice([7, True]), list, dict,
        lambda: ["x"], lambda: {"a": "b"},
    ]  # fmt: skip
    users = [*cases.users.values(), *cases._bad_users().values()]
    for number in range(count):
        config = cases.config({**copy.deepcopy(chance.choice(users)), **copy.deepcopy(chance.choice(users))})
        for _ in range(chance.choice([0, 1, 1, 2])):
            config = _with(config, chance.choice(fields), chance.choice(values)())
        name = f"random-{seed}-{number}"
        yield Case(name, (cases._bytes(config, name),))


def _has(config: Config, path: str) -> bool:
    """Whether a file has a field."""
    value: Any = config
    for part in path.split("."):
        name = part.removesuffix("[]")
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
        if part.endswith("[]"):
            if not value:
                return False
            value = value[0]
    return True


def _with(config: Config, path: str, value: Any) -> Config:
    """The file with another value for a field; of a list, in its first entry."""
    place: Any = config
    *parents, last = path.split(".")
    for part in parents:
        name = part.removesuffix("[]")
        if not isinstance(place, dict):
            return config
        if part.endswith("[]"):
            if not isinstance(place.get(name), list) or not place[name] or not isinstance(place[name][0], dict):
                place[name] = [{"name": "extra"}]
            place = place[name][0]
        else:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
    if isinstance(place, dict):
        place[last] = value
    return config


def _file_name(text: str) -> str:
    return "".join(char if char.isalnum() else f"_{ord(char):x}" for char in text)
